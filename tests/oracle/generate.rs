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
const VERSIONS: [&str; 2] = ["V1", "V2"];
/// `/p/$PLATFORM` and `/p/$LIB`.
const PLATFORMS: [&str; 3] = ["/p/haswell", "/p/x86_64", "/p/lib/x86_64-linux-gnu"];

/// What the loader under test can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// A musl: no cache, no filters.
    pub musl: bool,
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
    for directory in PLATFORMS {
        let name = *random.of(&NAMES);
        if random.chance(20) {
            tree.candidate(&mut random, directory, name, scope);
        }
    }
    for at in 0..3 {
        let path = format!("/ext/e{at}.so");
        tree.object(&mut random, &path, None, scope);
    }
    tree.system_files(&mut random, scope);
    let executable = executable(&mut random, scope);
    let mut draft = Draft {
        started: "/bin/app".to_owned(),
        executable,
        objects: tree.objects,
        links: tree.links,
        copies: tree.copies,
        texts: tree.texts,
        directories: tree.directories,
        cache: Vec::new(),
        directory: if random.chance(20) { "/c" } else { "/" }.to_owned(),
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

fn executable(random: &mut Random, scope: Scope) -> Thing {
    let mut fields = Vec::new();
    let most = *random.of(&[0, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
    needed(random, &mut fields, most);
    tags(random, &mut fields);
    symbols(random, &mut fields, &[]);
    if random.chance(4) {
        fields.push(format!(r#"soname = "{}""#, random.of(&NAMES)));
    }
    if random.chance(5) {
        fields.push("no_default_library_path = true".to_owned());
    }
    if !scope.musl && random.chance(3) {
        fields.push(format!(r#"auxiliary = ["{}"]"#, random.of(&NAMES[4..])));
    }
    Thing { path: "/bin/app".to_owned(), fields }
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

    /// What the loader itself reads.
    fn system_files(&mut self, random: &mut Random, scope: Scope) {
        let (name, path) = (random.of(&NAMES), format!("{}/{}", random.of(&DIRECTORIES), random.of(&NAMES)));
        if scope.musl && random.chance(25) {
            let lists = ["/cached:/usr/lib", "/b\n/lib\n", "/a::/usr/local/lib", "/lib"];
            self.texts.push(format!("\"/etc/ld-musl-x86_64.path\" = {:?}", random.of(&lists)));
        } else if !scope.musl && random.chance(10) {
            let text = format!("# first\n{name}: {path} # gone.so\n\tlibgone.so");
            self.texts.push(format!("\"/etc/ld.so.preload\" = {text:?}"));
        }
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
        let names = needed(random, &mut fields, 3);
        tags(random, &mut fields);
        symbols(random, &mut fields, &names);
        versions(random, &mut fields, &names);
        if random.chance(3) {
            let stack = if random.chance(50) { "absent" } else { "executable" };
            fields.push(format!(r#"stack = "{stack}""#));
        }
        if random.chance(15) {
            fields.push("no_default_library_path = true".to_owned());
        }
        let leaf = name.is_some_and(|it| NAMES[4..].contains(&it));
        if !scope.musl && !leaf && random.chance(7) {
            let kind = if random.chance(70) { "auxiliary" } else { "filter" };
            fields.push(format!(r#"{kind} = ["{}"]"#, random.of(&NAMES[4..])));
        }
        self.objects.push(Thing { path: path.to_owned(), fields });
    }
}

fn needed(random: &mut Random, fields: &mut Vec<String>, most: u64) -> Vec<String> {
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
    names
}

/// Versions of a file that is needed, seldom of one that nobody needs.
fn versions(random: &mut Random, fields: &mut Vec<String>, needed: &[String]) {
    let file = match needed.iter().find(|it| !it.contains('/')) {
        Some(name) if random.chance(12) => name,
        Some(_) | None if random.chance(1) => "libgone.so",
        Some(_) | None => return,
    };
    let (kind, version) = (random.of(&["versions", "versions", "weak"]), random.of(&VERSIONS));
    fields.push(format!(r#"needs_versions = [{{ file = "{file}", {kind} = ["{version}"] }}]"#));
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

fn symbols(random: &mut Random, fields: &mut Vec<String>, needed: &[String]) {
    let (mut defines, mut wants) = (Vec::new(), Vec::new());
    for name in SYMBOLS {
        if random.chance(25) {
            let version = random.chance(20).then(|| random.of(&VERSIONS));
            let version = version.map_or_else(String::new, |it| format!(r#", version = "{it}""#));
            defines.push(format!(r#"{{ name = "{name}"{version} }}"#));
        }
        if random.chance(40) {
            // Weak: what nobody defines fails no dlopen.
            let weak = if random.chance(96) { ", weak = true" } else { "" };
            let from = needed.iter().find(|it| !it.contains('/')).filter(|_| random.chance(10));
            let of = |it: &String| format!(r#", version = "{}", from = "{it}""#, random.of(&VERSIONS));
            wants.push(format!(r#"{{ name = "{name}"{weak}{} }}"#, from.map_or_else(String::new, of)));
        }
    }
    for (list, name) in [(defines, "defines"), (wants, "wants")] {
        if !list.is_empty() {
            fields.push(format!("{name} = [{}]", list.join(", ")));
        }
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
        76..79 => "${ORIGIN}/../b".to_owned(),
        79..80 => "$ORIGIN.d/../a".to_owned(),
        80..82 => "$ORIGINx".to_owned(),
        82..83 => "/$LIB".to_owned(),
        83..84 => "/p/${LIB}".to_owned(),
        84..87 => "/p/$PLATFORM".to_owned(),
        87..88 => "$FOO/a".to_owned(),
        88..90 => "/ln".to_owned(),
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
        let mut entries = Vec::new();
        for _ in 0..1 + random.below(2) {
            entries.push(match random.below(5) {
                0 => format!("{}/{}", random.of(&DIRECTORIES), random.of(&NAMES)),
                1 => format!("$ORIGIN/../a/{}", random.of(&NAMES)),
                2 => format!("a/{}", random.of(&NAMES)),
                _ => (*random.of(&NAMES)).to_owned(),
            });
        }
        out.push(format!("LD_PRELOAD = \"{}\"", entries.join([" ", ":"][random.below(2) as usize])));
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
            58..60 => format!("a/{}", random.of(&NAMES)),
            60..62 => "/gone/libgone.so".to_owned(),
            62..64 => "libgone.so".to_owned(),
            _ => (*random.of(&NAMES)).to_owned(),
        };
        let caller = if callers && !opened.is_empty() && random.chance(40) {
            format!(r#", caller = "{}""#, random.of(&opened))
        } else {
            String::new()
        };
        let global = if random.chance(25) { ", global = true" } else { "" };
        let no_load = if random.chance(12) { ", no_load = true" } else { "" };
        draft.events.push(format!(r#"{{ open = "{open}"{caller}{global}{no_load} }}"#));
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
