//! A case that is still being written: lines that can be left out one by one, and the text of the fixture.

use std::fmt::Write;
use std::path::Path;

use super::case::Case;

/// An object or the executable.
#[derive(Debug, Clone)]
pub struct Thing {
    /// Where it lies.
    pub path: String,
    /// `rpath = "/a"` and the like.
    pub fields: Vec<String>,
}

/// A case of one process.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What is started, perhaps through a link.
    pub started: String,
    /// The executable.
    pub executable: Thing,
    /// Shared objects.
    pub objects: Vec<Thing>,
    /// Lines of `[links]`.
    pub links: Vec<String>,
    /// Lines of `[copies]`.
    pub copies: Vec<String>,
    /// Lines of `[texts]`.
    pub texts: Vec<String>,
    /// Elements of `directories`.
    pub directories: Vec<String>,
    /// Elements of `cache`.
    pub cache: Vec<String>,
    /// Where the process is started.
    pub directory: String,
    /// `NAME = "value"`.
    pub environment: Vec<String>,
    /// Elements of `events`.
    pub events: Vec<String>,
    /// Version of the loader, for a musl.
    pub musl: bool,
}

impl Draft {
    /// The fixture.
    pub fn text(&self) -> String {
        let mut out = String::from("# (the law)\n");
        list(&mut out, "cache", &self.cache);
        list(&mut out, "directories", &self.directories);
        if self.musl {
            out.push_str("\n[[loader]]\npath = \"/lib/ld-musl-x86_64.so.1\"\nmusl = \"1.2.3\"\n");
        }
        writeln!(out, "\n[executables]\n{}", self.executable.line()).unwrap();
        let objects: Vec<String> = self.objects.iter().map(Thing::line).collect();
        let tables = [("objects", &objects), ("links", &self.links), ("copies", &self.copies), ("texts", &self.texts)];
        for (name, lines) in tables {
            if !lines.is_empty() {
                writeln!(out, "\n[{name}]\n{}", lines.join("\n")).unwrap();
            }
        }
        writeln!(out, "\n[[process]]\nexecutable = \"{}\"", self.started).unwrap();
        if self.directory != "/" {
            writeln!(out, "directory = \"{}\"", self.directory).unwrap();
        }
        if !self.environment.is_empty() {
            writeln!(out, "environment = {{ {} }}", self.environment.join(", ")).unwrap();
        }
        list(&mut out, "events", &self.events);
        out
    }

    /// The case.
    pub fn case(&self) -> Case {
        Case::parse(Path::new("random tree"), &self.text())
    }

    /// Leaves out whatever can be left out while `differs` stays true.
    pub fn shrink(mut self, differs: impl Fn(&Self) -> bool) -> Self {
        loop {
            let smaller = self.smaller().into_iter().find(|it| differs(it));
            match smaller {
                Some(smaller) => self = smaller,
                None => return self,
            }
        }
    }

    /// Every draft with one part less.
    fn smaller(&self) -> Vec<Self> {
        let mut out = Vec::new();
        type Part = fn(&mut Draft) -> &mut Vec<String>;
        let parts: [Part; 8] = [
            |it| &mut it.events,
            |it| &mut it.environment,
            |it| &mut it.cache,
            |it| &mut it.copies,
            |it| &mut it.links,
            |it| &mut it.texts,
            |it| &mut it.directories,
            |it| &mut it.executable.fields,
        ];
        for at in (0..self.objects.len()).rev() {
            let mut less = self.clone();
            less.objects.remove(at);
            out.push(less);
        }
        for part in parts {
            for at in (0..part(&mut self.clone()).len()).rev() {
                let mut less = self.clone();
                part(&mut less).remove(at);
                out.push(less);
            }
        }
        if self.directory != "/" {
            out.push(Self { directory: "/".to_owned(), ..self.clone() });
        }
        for (at, thing) in self.objects.iter().enumerate() {
            for field in (0..thing.fields.len()).rev() {
                let mut less = self.clone();
                less.objects[at].fields.remove(field);
                out.push(less);
            }
        }
        out.retain(Self::whole);
        out
    }

    /// A hard link needs its file, and what is started must be there.
    fn whole(&self) -> bool {
        let there = |path: &str| self.objects.iter().any(|it| it.path == path);
        let target = |line: &String| line.split('"').nth(3).is_some_and(there);
        let link = format!("\"{}\"", self.started);
        let started = self.started == self.executable.path || self.links.iter().any(|it| it.starts_with(&link));
        started && self.copies.iter().all(target)
    }
}

impl Thing {
    fn line(&self) -> String {
        format!("\"{}\" = {{ {} }}", self.path, self.fields.join(", "))
    }
}

fn list(out: &mut String, name: &str, elements: &[String]) {
    if !elements.is_empty() {
        writeln!(out, "{name} = [\n  {},\n]", elements.join(",\n  ")).unwrap();
    }
}
