//! What discovery found, as text that a person can review.

use std::fmt::Write;

use pyhpc_audit::base::{Gap, TreePath, Variables, printable};
use pyhpc_audit::discover::{
    Answer, Evidence, ExtensionFile, FileState, Installation, Installed, Owners, Provenance, Start, extensions, find,
    module_file, packages, verify,
};
use pyhpc_audit::tree::View;

/// What is asked besides the packages and extensions.
pub(crate) struct Question<'a> {
    pub(crate) variables: &'a Variables,
    pub(crate) modules: &'a [String],
    pub(crate) owners: &'a [String],
}

pub(crate) fn render(view: &View, start: &Start, question: &Question<'_>) -> String {
    let mut gaps = Vec::new();
    let mut out = format!("# {start:?}\n");
    match find(view, start, question.variables, &mut gaps) {
        Ok(found) => found.iter().for_each(|it| one(view, it, question, &mut out, &mut gaps)),
        Err(error) => writeln!(out, "error: {error}").unwrap(),
    }
    gaps.sort();
    gaps.dedup();
    for gap in gaps {
        writeln!(out, "gap: {}: {} [{}]", gap.path, gap.reason, gap.hides).unwrap();
    }
    out.push('\n');
    out
}

fn one(view: &View, it: &Installation, question: &Question<'_>, out: &mut String, gaps: &mut Vec<Gap>) {
    let path = |it: &Option<TreePath>| it.as_ref().map_or("none".to_owned(), TreePath::text);
    writeln!(out, "{} at {} ({})", it.kind.word(), it.prefix, place(&it.kind_because)).unwrap();
    writeln!(out, "executable: {} -> {}", path(&it.executable), path(&it.real_executable)).unwrap();
    writeln!(out, "base: {}, standard library: {}", it.base_prefix, path(&it.stdlib)).unwrap();
    answer(out, "version", &it.version, Clone::clone);
    answer(out, "implementation", &it.implementation, |it| it.word().to_owned());
    answer(out, "soabi", &it.soabi, Clone::clone);
    answer(out, "debug", &it.debug, bool::to_string);
    answer(out, "free-threaded", &it.free_threaded, bool::to_string);
    answer(out, "machine", &it.machine, u16::to_string);
    answer(out, "libpython", &it.libpython, path);
    answer(out, "user site", &it.user_site.directory, TreePath::text);
    answer(out, "user site exists", &it.user_site.exists, bool::to_string);
    answer(out, "user site enabled", &it.user_site.enabled, bool::to_string);
    for entry in &it.sys_path {
        let missing = if entry.exists { "" } else { ", missing" };
        let origin = entry.origin.word();
        writeln!(out, "path: {} ({origin}{missing}; {})", entry.path, place(&entry.because)).unwrap();
    }
    for (name, path) in it.finders.iter().flat_map(|it| &it.mapping) {
        writeln!(out, "finder: {name} -> {path}").unwrap();
    }
    for defect in &it.defects {
        writeln!(out, "defect: {}: {} ({})", defect.path, defect.reason, place(&defect.because)).unwrap();
    }
    let found = packages(view, it, gaps);
    found.iter().for_each(|it| package(it, out));
    extensions(view, it, &found, gaps).iter().for_each(|it| extension(it, out));
    for name in question.modules {
        let found = module_file(view, it, name, gaps);
        let text = found.map_or("nowhere".to_owned(), |it| format!("{:?} {}", it.kind, it.path));
        writeln!(out, "import {name}: {text}").unwrap();
    }
    let mut owners = Owners::new(view, it);
    for file in question.owners {
        let owner = owners.of(&TreePath::new(file), gaps);
        let name = [owner.manager.word(), &owner.package, &owner.version].join(" ");
        writeln!(out, "owner of {file}: {} ({})", name.trim_end(), place(&owner.because)).unwrap();
        build(&owner, out);
        if let Some(origin) = &owner.bundled {
            writeln!(out, "    came with the wheel, from \"{origin}\"").unwrap();
        }
    }
    let asked: Vec<TreePath> = question.owners.iter().map(TreePath::new).collect();
    for file in verify(view, it, &mut owners, &asked, gaps) {
        let state = match file.state {
            FileState::Intact => "as installed",
            FileState::Changed => "changed",
            FileState::Missing => "missing",
        };
        let by = format!("{} {}", file.manager.word(), file.owner);
        writeln!(out, "{state}: {} of {by} ({})", file.path, place(&file.because)).unwrap();
    }
}

fn package(it: &Installed, out: &mut String) {
    let version = it.version.value().map_or("unknown version", String::as_str);
    let state = if it.active { "active" } else { "not active" };
    let managers: Vec<&str> = it.managers.iter().map(|it| it.manager.word()).collect();
    writeln!(
        out,
        "package {} [{}] {version} at {} ({state}, {})",
        it.name,
        it.distribution,
        it.location,
        it.origin.word()
    )
    .unwrap();
    let installer = [it.installer.manager.word(), &it.installer.package].join(" ");
    writeln!(out, "    by {} ({}) of {managers:?}", installer.trim_end(), place(&it.installer.because)).unwrap();
    build(&it.installer, out);
    if let Some((tags, because)) = &it.tags {
        writeln!(out, "    tags {tags:?} ({})", place(because)).unwrap();
    }
    if let Answer::Unknown { reason } = &it.version {
        writeln!(out, "    version: {reason}").unwrap();
    }
    if let (Answer::Known { because, .. }, true) = (&it.version, it.recorded_versions.len() != 1) {
        let claims: Vec<&str> = it.recorded_versions.iter().map(|it| it.version.as_str()).collect();
        writeln!(out, "    records {claims:?}, decided by {}", because.iter().map(place).collect::<String>()).unwrap();
    }
    if let Some(because) = &it.editable {
        writeln!(out, "    editable ({})", place(because)).unwrap();
    }
    if let Some((source, _)) = &it.source {
        let kind = it.source_kind.map_or("unrecorded", |it| it.word());
        writeln!(out, "    from {source}: {kind}").unwrap();
    }
    if let Some(conda) = &it.conda {
        writeln!(out, "    conda {} {} {} {}", conda.name, conda.version, conda.build, conda.channel).unwrap();
    }
    for copy in &it.copies {
        writeln!(out, "    copy {copy}").unwrap();
    }
}

fn build(it: &Provenance, out: &mut String) {
    if !it.build.is_empty() || !it.options.is_empty() {
        writeln!(out, "    build {:?}, options {:?}", it.build, it.options).unwrap();
    }
}

fn extension(it: &ExtensionFile, out: &mut String) {
    let fits = it.fits.value().map_or("perhaps", |it| if *it { "fits" } else { "does not fit" });
    let module = it.module.as_deref().unwrap_or("-");
    let role = format!("{:?}", it.role).to_lowercase();
    write!(out, "{role} {} ({}, {fits}, module {module}, package {})", it.path, it.abi_tag, it.package).unwrap();
    if let Some(target) = &it.dangling {
        write!(out, " dangling -> {}", printable(target)).unwrap();
    }
    if !it.siblings.is_empty() {
        let loaded = it.fitting_sibling.as_ref().map_or("itself or none".to_owned(), TreePath::text);
        write!(out, " {} siblings, loaded: {loaded}", it.siblings.len()).unwrap();
    }
    out.push('\n');
}

fn answer<T>(out: &mut String, name: &str, answer: &Answer<T>, text: impl Fn(&T) -> String) {
    match answer {
        Answer::Known { value, because } => {
            let places: Vec<String> = because.iter().map(place).collect();
            writeln!(out, "{name}: {} ({})", text(value), places.join("; ")).unwrap();
        }
        Answer::Unknown { reason } => writeln!(out, "{name}: unknown: {reason}").unwrap(),
    }
}

fn place(it: &Evidence) -> String {
    let line = it.line.map_or(String::new(), |line| format!(":{line}"));
    let offset = if it.offset.is_some() { "@" } else { "" };
    format!("{}{line}{offset} {}", it.path, it.text.trim())
}
