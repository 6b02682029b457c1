//! Of the commands of a fix, those for the installers that the environment was installed with.
//!
//! Invariant: a fix is shown whole where it is not known who installed the environment, or where it has nothing for them.

use regex::Regex;
use serde::Deserialize;

use crate::base::builtin_files;
use crate::facts::{Fact, Facts};

/// Everything in `rules/ways`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ways {
    #[serde(default)]
    way: Vec<Way>,
}

/// Commands of installers that do for one another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    /// In the words of the facts.
    installers: Vec<String>,
    /// Comments that begin what is meant for this way alone.
    #[serde(default)]
    headings: Vec<Pattern>,
    /// Lines that are for this way, wherever they stand.
    #[serde(default)]
    commands: Vec<Pattern>,
    /// What the operating system installs is of no use to it.
    #[serde(default)]
    own_libraries: bool,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&text).map(Self)
    }
}

/// A comment and the commands behind it.
struct Section<'f> {
    heading: Vec<&'f str>,
    commands: Vec<&'f str>,
}

impl Ways {
    /// # Errors
    /// When a file of `rules/ways` is not what it should be.
    pub(super) fn load() -> Result<Self, String> {
        let mut all = Self::default();
        for file in builtin_files("ways") {
            let read: Self = toml::from_str(&file.text).map_err(|error| format!("{}: {error}", file.path))?;
            all.way.extend(read.way);
        }
        Ok(all)
    }

    /// What of `fix` is for those who installed the environment.
    pub(super) fn fitting(&self, fix: &str, installers: &[String]) -> String {
        let (mut lines, mut is_for_them) = (Vec::new(), false);
        for section in sections(fix) {
            let (mut kept, for_them) = self.kept(section, installers);
            lines.append(&mut kept);
            is_for_them |= for_them;
        }
        if is_for_them { lines.join("\n") } else { fix.to_owned() }
    }

    /// Who installed the packages that the process imports and the libraries behind them; where those may be libraries of the
    /// operating system, who installed that.
    pub(super) fn installers(&self, facts: &Facts) -> Vec<String> {
        let process = &facts.process;
        let packages = facts.packages.value().into_iter().flatten().filter(|it| it.active && it.audited);
        let known = |it: &Fact<String>| it.value().cloned();
        let mut all: Vec<String> = packages.filter_map(|it| known(&it.installer)).collect();
        all.extend(process.blas.value().into_iter().flatten().filter_map(|it| known(&it.installed_by)));
        all.extend(process.mpi.value().into_iter().flatten().filter_map(|it| known(&it.installed_by)));
        all.extend(process.hdf5.value().into_iter().flatten().filter_map(|it| known(&it.installed_by)));
        if !self.way.iter().any(|it| it.own_libraries && it.is_of(&all)) {
            let system = process.mapped.value().into_iter().flatten().filter(|it| it.of_the_system);
            all.extend(system.filter_map(|it| known(&it.installed_by)));
        }
        all
    }

    /// The lines of a section that are for them or for everybody, and whether one is for them.
    fn kept<'f>(&self, section: Section<'f>, installers: &[String]) -> (Vec<&'f str>, bool) {
        let is_theirs = |ways: &[&Way]| ways.iter().any(|it| it.is_of(installers));
        let named = self.ways(&section.heading, |it| &it.headings);
        let commands: Vec<(&str, Vec<&Way>)> =
            section.commands.iter().map(|it| (*it, self.ways(&[it], |it| &it.commands))).collect();
        let theirs = if named.is_empty() { commands.iter().any(|it| is_theirs(&it.1)) } else { is_theirs(&named) };
        let of_others = !named.is_empty() || commands.iter().any(|it| !it.1.is_empty());
        if of_others && !theirs {
            return (Vec::new(), false);
        }
        let kept = commands.into_iter().filter(|it| !named.is_empty() || it.1.is_empty() || is_theirs(&it.1));
        (section.heading.iter().copied().chain(kept.map(|it| it.0)).collect(), theirs)
    }

    /// The ways that one of the lines is for.
    fn ways(&self, lines: &[&str], patterns: impl Fn(&Way) -> &Vec<Pattern>) -> Vec<&Way> {
        let fits = |it: &&Way| patterns(it).iter().any(|it| lines.iter().any(|line| it.0.is_match(line)));
        self.way.iter().filter(fits).collect()
    }
}

impl Way {
    fn is_of(&self, installers: &[String]) -> bool {
        self.installers.iter().any(|it| installers.contains(it))
    }
}

fn sections(fix: &str) -> Vec<Section<'_>> {
    let mut all: Vec<Section<'_>> = Vec::new();
    for line in fix.lines() {
        let is_heading = line.starts_with('#');
        match all.last_mut() {
            Some(it) if is_heading && it.commands.is_empty() => it.heading.push(line),
            Some(it) if !is_heading => it.commands.push(line),
            Some(_) | None => {
                let (heading, commands) = if is_heading { (vec![line], vec![]) } else { (vec![], vec![line]) };
                all.push(Section { heading, commands });
            }
        }
    }
    all
}
