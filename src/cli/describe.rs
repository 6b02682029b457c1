//! Pages about libraries, launchers and ABI groups, how each is recognised and by what; pages about variables.

use crate::registry::Reader;
use crate::report::{Body, Page, Section};
use crate::survey::Knowledge;

/// The page of a library.
pub(super) fn library(know: &Knowledge, name: &str) -> Option<Page> {
    let library = know.libraries.get(name)?;
    let titles = library.capabilities.iter().map(|word| match know.capabilities.get(word) {
        Some(capability) => capability.title.clone(),
        None => word.clone(),
    });
    let answers = titles.collect::<Vec<_>>().join("; ");
    let answers = if answers.is_empty() { "nothing that is compared".to_owned() } else { answers };
    let measured = if library.measured {
        "Its marks were measured on files: a match is certain, except where only names tell (likely only)."
    } else {
        "Its marks come from documentation and public texts; nobody measured a file. The report says \"likely\"."
    };
    let said = library.said().into_iter().map(|it| match it.value {
        Some(value) => {
            format!("{} is {}: {}", it.attribute.word(), value.replace("{1}", "what (...) matches"), it.when)
        }
        None => format!("{} is unknown otherwise: {}", it.attribute.word(), it.when),
    });
    let defects = library.defects.iter().map(|it| format!("{}: {}", it.versions, it.text));
    let seen = library.seen.iter().map(|it| format!("{} in {}", it.file, it.place));
    let traps = library.not.iter().map(|it| format!("{} in {}", it.file, it.place));
    let groups = know.abi_groups.iter().filter(|it| it.members.iter().any(|it| it == name));
    Some(Page {
        title: format!("{name}: {}", library.title),
        sections: vec![
            prose(&format!("{}\n\nAnswers {answers}. {measured}", library.note)),
            list("Recognised by any of", library.marks()),
            list("More specific than", library.more_specific_than().to_vec()),
            list("Says of itself, the first that holds", said.collect()),
            list("Opens at run time", library.openings_in_words()),
            list("Sends messages by, all that hold", library.offers_in_words()),
            list("Opens for further transports", library.modules_in_words()),
            list("ABI groups", groups.map(|it| format!("{}: {}", it.name, it.title)).collect()),
            list("Known defects", defects.collect()),
            list("Switched at run time by", library.decided_by.clone()),
            list("Seen", seen.collect()),
            list("Not to be taken for it", traps.collect()),
            list("More", vec![library.homepage.clone()]),
        ],
    })
}

/// The page of a launcher.
pub(super) fn launcher(know: &Knowledge, name: &str) -> Option<Page> {
    let launcher = know.launchers.get(name)?;
    let measured = if launcher.measured {
        "Its marks were measured on files."
    } else {
        "Its marks come from documentation and public texts; nobody measured a file."
    };
    let starts = match launcher.starts_abis() {
        [] => "Starts ranks of any MPI that speaks its language.".to_owned(),
        abis => format!("Starts ranks of MPI libraries with the interface {}.", abis.join(" or ")),
    };
    let seen = launcher.seen.iter().map(|it| format!("{} in {}", it.file, it.place));
    let traps = launcher.not.iter().map(|it| format!("{} in {}", it.file, it.place));
    Some(Page {
        title: format!("{name}: {}", launcher.title),
        sections: vec![
            prose(&format!("{}\n\n{starts} {measured}", launcher.note)),
            list("Recognised by any of", launcher.marks()),
            list("Version", launcher.versions_in_words()),
            list("Plugins for process management", launcher.plugins_in_words()),
            list("Seen", seen.collect()),
            list("Not to be taken for it", traps.collect()),
            list("More", vec![launcher.homepage.clone()]),
        ],
    })
}

/// The page of an ABI group.
pub(super) fn abi_group(know: &Knowledge, name: &str) -> Option<Page> {
    let group = know.abi_groups.iter().find(|it| it.name == name)?;
    let exchange = if group.stand_in_for_each_other() {
        "A program that was compiled for one of them runs with every other."
    } else {
        "A program runs with those of the same soname only."
    };
    Some(Page {
        title: format!("{name}: {}", group.title),
        sections: vec![
            prose(&format!("Interface {}. {exchange}", group.abi)),
            list("Soname like", group.soname_in_words().into_iter().collect()),
            list("Members", group.members.clone()),
        ],
    })
}

/// The page of a variable.
pub(super) fn variable(know: &Knowledge, name: &str) -> Option<Page> {
    let variable = know.variables.variable(name)?;
    let dead = variable.dead_values.iter().map(|it| format!("{}: {} {}", it.value, it.library, it.because));
    let otherwise = variable.otherwise.iter().map(|it| format!("any other value {it}"));
    let empty = variable.empty.iter().map(|it| format!("an empty value {it}"));
    let without = variable.without_effect.iter().map(|it| format!("{it} has no effect"));
    let values = [variable.grammar.expected()].into_iter().chain(otherwise).chain(empty).chain(without).chain(dead);
    let new = variable.replaced_by.as_ref().map(|it| match &it.since {
        Some(since) => format!("{} since {since}", it.name),
        None => it.name.clone(),
    });
    Some(Page {
        title: format!("{}: {}", variable.name, variable.summary),
        sections: vec![
            prose(&format!("About {}; {}.", variable.group.as_str(), variable.evidence.in_words())),
            list("Read by", variable.readers.iter().map(Reader::in_words).collect()),
            list("Values", values.collect()),
            list("Without it", variable.default.iter().cloned().collect()),
            list("Replaced by", new.into_iter().collect()),
        ],
    })
}

/// Every page by its word: libraries, launchers, ABI groups.
pub(super) fn pages(know: &Knowledge) -> [Vec<(String, Page)>; 3] {
    let library = |word: &str| library(know, word).map(|page| (word.to_owned(), page));
    let launcher = |word: &str| launcher(know, word).map(|page| (word.to_owned(), page));
    let group = |word: &str| abi_group(know, word).map(|page| (word.to_owned(), page));
    [
        know.libraries.iter().filter_map(|it| library(&it.word)).collect(),
        know.launchers.iter().filter_map(|it| launcher(&it.word)).collect(),
        know.abi_groups.iter().filter_map(|it| group(&it.name)).collect(),
    ]
}

fn prose(text: &str) -> Section {
    Section { heading: String::new(), body: vec![Body::Prose(text.trim().to_owned())] }
}

fn list(heading: &str, lines: Vec<String>) -> Section {
    let body = if lines.is_empty() { Vec::new() } else { vec![Body::List(lines)] };
    Section { heading: heading.to_owned(), body }
}
