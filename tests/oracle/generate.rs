//! Random trees and processes over the dimensions in which loaders differ from what one believes.
//!
//! The same seed gives the same draft on every machine.

use std::collections::BTreeSet;

use super::draft::{Draft, Thing};

const DIRECTORIES: [&str; 6] = ["/a", "/b", "/c/d", "/usr/lib", "/lib/x86_64-linux-gnu", "/cached"];
const HWCAPS: [&str; 5] =
    ["glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4", "tls", "x86_64"];
const NAMES: [&str; 6] = ["lib0.so", "lib1.so", "lib2.so", "lib3.so", "lib4.so", "lib5.so"];
const SYMBOLS: [&str; 3] = ["f", "g", "h"];

/// What the loader under test can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// A musl: no cache, no filters.
    pub musl: bool,
    /// glibc before 2.35 aborts on filters that are opened (F1).
    pub filters: bool,
}

/// The draft of a seed.
pub fn draft(seed: u64, scope: Scope) -> Draft {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d);
    let mut tree = Tree::default();
    tree.fixed();
    for name in NAMES {
        for directory in DIRECTORIES {
            if random.chance(30) {
                tree.candidate(&mut random, directory, name, scope);
            }
            if !scope.musl && random.chance(5) {
                let below = format!("{directory}/{}", random.of(&HWCAPS));
                tree.candidate(&mut random, &below, name, scope);
            }
        }
    }
    for at in 0..3 {
        let path = format!("/ext/e{at}.so");
        tree.object(&mut random, &path, None, scope);
    }
    let mut executable = Thing { path: "/bin/app".to_owned(), fields: Vec::new() };
    let most = if random.chance(50) { 0 } else { 2 };
    needed(&mut random, &mut executable.fields, most);
    tags(&mut random, &mut executable.fields);
    symbols(&mut random, &mut executable.fields);
    let mut draft = Draft {
        started: "/bin/app".to_owned(),
        executable,
        objects: tree.objects,
        links: tree.links,
        copies: tree.copies,
        texts: tree.texts,
        directories: tree.directories,
        cache: Vec::new(),
        environment: environment(&mut random),
        events: Vec::new(),
        musl: scope.musl,
    };
    if random.chance(20) {
        draft.started = "/start".to_owned();
        draft.links.push(r#""/start" = "bin/app""#.to_owned());
    }
    if !scope.musl && random.chance(50) {
        cache(&mut random, &mut draft);
    }
    events(&mut random, &mut draft);
    draft
}

#[derive(Default)]
struct Tree {
    used: BTreeSet<String>,
    objects: Vec<Thing>,
    links: Vec<String>,
    copies: Vec<String>,
    texts: Vec<String>,
    directories: Vec<String>,
}

impl Tree {
    fn fixed(&mut self) {
        self.links.extend([r#""/ln" = "/a""#.to_owned(), r#""/ring" = "ring""#.to_owned()]);
        self.texts.push(r#""/file" = "no directory""#.to_owned());
        self.directories.push(r#""/empty""#.to_owned());
    }

    /// One file of a name: mostly an object, now and then something else.
    fn candidate(&mut self, random: &mut Random, directory: &str, name: &str, scope: Scope) {
        let path = format!("{directory}/{name}");
        if !self.used.insert(path.clone()) {
            return;
        }
        let other = (!self.objects.is_empty()).then(|| random.of(&self.objects).path.clone());
        match (random.below(100), other) {
            (0..8, Some(other)) => self.links.push(format!(r#""{path}" = "{other}""#)),
            (8..14, Some(other)) => self.copies.push(format!(r#""{path}" = "{other}""#)),
            (14..17, _) => self.links.push(format!(r#""{path}" = "nowhere""#)),
            (17..20, _) => self.links.push(format!(r#""{path}" = "{name}""#)),
            (20..22, _) => self.texts.push(format!(r#""{path}" = "GROUP ( x )""#)),
            (22..23, _) => self.texts.push(format!(r#""{path}" = """#)),
            (23..24, _) => self.directories.push(format!(r#""{path}""#)),
            (24..27, _) if !scope.musl => self.foreign(path, "i386"),
            (27..30, _) if !scope.musl => self.foreign(path, "aarch64"),
            _ => self.object(random, &path, Some(name), scope),
        }
    }

    fn foreign(&mut self, path: String, machine: &str) {
        self.objects.push(Thing { path, fields: vec![format!(r#"machine = "{machine}""#)] });
    }

    fn object(&mut self, random: &mut Random, path: &str, name: Option<&str>, scope: Scope) {
        let mut fields = Vec::new();
        match (name, random.below(100)) {
            (Some(name), 0..70) => fields.push(format!(r#"soname = "{name}""#)),
            (Some(_), 70..85) => fields.push(format!(r#"soname = "{}""#, random.of(&NAMES))),
            (Some(_) | None, _) => {}
        }
        needed(random, &mut fields, 3);
        tags(random, &mut fields);
        symbols(random, &mut fields);
        if random.chance(12) {
            fields.push("no_default_library_path = true".to_owned());
        }
        let leaf = name.is_some_and(|it| NAMES[4..].contains(&it));
        if scope.filters && !leaf && random.chance(5) {
            let kind = if random.chance(70) { "auxiliary" } else { "filter" };
            fields.push(format!(r#"{kind} = ["{}"]"#, random.of(&NAMES[4..])));
        }
        self.objects.push(Thing { path: path.to_owned(), fields });
    }
}

fn needed(random: &mut Random, fields: &mut Vec<String>, most: u64) {
    let count = random.below(most + 1);
    let names: Vec<String> = (0..count)
        .map(|_| {
            let (name, directory) = (*random.of(&NAMES), *random.of(&DIRECTORIES));
            match random.below(100) {
                0..3 => format!("{directory}/{name}"),
                3..5 => format!("$ORIGIN/{name}"),
                5..6 => format!("a/{name}"),
                _ => name.to_owned(),
            }
        })
        .collect();
    if !names.is_empty() {
        fields.push(format!("needed = {names:?}"));
    }
}

fn tags(random: &mut Random, fields: &mut Vec<String>) {
    let (rpath, runpath) = match random.below(100) {
        0..35 => (false, false),
        35..65 => (true, false),
        65..92 => (false, true),
        _ => (true, true),
    };
    for (there, name) in [(rpath, "rpath"), (runpath, "runpath")] {
        if there {
            let list = if random.chance(6) { String::new() } else { path_list(random, ":") };
            fields.push(format!("{name} = \"{list}\""));
        }
    }
}

fn symbols(random: &mut Random, fields: &mut Vec<String>) {
    let mut some = |percent: u64| -> Vec<&str> { SYMBOLS.into_iter().filter(|_| random.chance(percent)).collect() };
    let (defines, wants) = (some(25), some(40));
    if !defines.is_empty() {
        fields.push(format!("defines = {defines:?}"));
    }
    if !wants.is_empty() {
        // Weak: what nobody defines fails no dlopen.
        let wants: Vec<String> = wants.iter().map(|it| format!(r#"{{ name = "{it}", weak = true }}"#)).collect();
        fields.push(format!("wants = [{}]", wants.join(", ")));
    }
}

fn path_list(random: &mut Random, separators: &str) -> String {
    let count = 1 + random.below(4);
    let mut out = String::new();
    for at in 0..count {
        if at > 0 {
            out.push(*random.of(&separators.chars().collect::<Vec<char>>()));
        }
        out.push_str(&element(random));
    }
    out
}

fn element(random: &mut Random) -> String {
    let plain = *random.of(&DIRECTORIES);
    match random.below(100) {
        0..50 => plain.to_owned(),
        50..54 => format!("{plain}//"),
        54..58 => format!("/b/..{plain}"),
        58..62 => format!("/{plain}"),
        62..66 => plain.trim_start_matches('/').to_owned(),
        66..71 => String::new(),
        71..76 => "$ORIGIN".to_owned(),
        76..80 => "${ORIGIN}/../b".to_owned(),
        80..82 => "$ORIGINx".to_owned(),
        82..84 => "/$LIB".to_owned(),
        84..86 => "/$PLATFORM/..".to_owned(),
        86..90 => "/ln".to_owned(),
        90..93 => "/gone".to_owned(),
        93..95 => "/file".to_owned(),
        95..97 => "/ring".to_owned(),
        97..98 => "/".to_owned(),
        98..99 => ".".to_owned(),
        _ => "/empty".to_owned(),
    }
}

fn environment(random: &mut Random) -> Vec<String> {
    let mut out = Vec::new();
    if random.chance(60) {
        out.push(format!("LD_LIBRARY_PATH = \"{}\"", path_list(random, "::;")));
    }
    if random.chance(25) {
        let entry = match random.below(4) {
            0 => format!("{}/{}", random.of(&DIRECTORIES), random.of(&NAMES)),
            1 => format!("$ORIGIN/../a/{}", random.of(&NAMES)),
            _ => (*random.of(&NAMES)).to_owned(),
        };
        out.push(format!("LD_PRELOAD = \"{entry}\""));
    }
    out
}

fn cache(random: &mut Random, draft: &mut Draft) {
    let mut seen = BTreeSet::new();
    for _ in 0..1 + random.below(5) {
        let name = *random.of(&NAMES);
        let level = random.chance(30).then(|| *random.of(&HWCAPS[..3]));
        // ldconfig writes one entry of a name and a level.
        if !seen.insert((name, level)) {
            continue;
        }
        let directory = if random.chance(50) { "/cached" } else { *random.of(&DIRECTORIES) };
        draft.cache.push(match level {
            None => format!(r#"["{name}", "{directory}/{name}"]"#),
            Some(level) => {
                let short = level.trim_start_matches("glibc-hwcaps/");
                format!(r#"["{name}", "{directory}/{level}/{name}", "{short}"]"#)
            }
        });
    }
}

fn events(random: &mut Random, draft: &mut Draft) {
    let mut opened: Vec<String> = Vec::new();
    // The driver finds the code of a caller in its scope: a filter would stand before it.
    let filters = |it: &Thing| it.fields.iter().any(|it| it.starts_with("auxiliary") || it.starts_with("filter"));
    let callers = !draft.objects.iter().any(filters);
    for at in 0..3 + random.below(5) {
        let open = match random.below(100) {
            _ if at < 2 => format!("/ext/e{at}.so"),
            0..50 => random.of(&draft.objects).path.clone(),
            50..55 => format!("{}/{}", random.of(&DIRECTORIES), random.of(&NAMES)),
            55..58 => format!("$ORIGIN/{}", random.of(&NAMES)),
            _ => (*random.of(&NAMES)).to_owned(),
        };
        let caller = if callers && !opened.is_empty() && random.chance(40) {
            format!(r#", caller = "{}""#, random.of(&opened))
        } else {
            String::new()
        };
        let global = if random.chance(25) { ", global = true" } else { "" };
        draft.events.push(format!(r#"{{ open = "{open}"{caller}{global} }}"#));
        if open.starts_with('/') {
            opened.push(open);
        }
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.below(list.len() as u64) as usize;
        &list[at]
    }
}
