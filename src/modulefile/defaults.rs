//! Which version is the default, and which names stand for others: `.modulerc`, `.modulerc.lua`, `.version`.

use super::effect::{Answer, Effect, Host, Lies, Mode, Subject};
use super::knowledge::{Modulefiles, System};
use super::run::Run;
use super::{lua, tcl};
use crate::base::TreePath;
use crate::job::{Binding, Place};
use crate::tree::View;

/// A version that is called so when nobody names one.
const DEFAULT: &str = "default";

/// What the files beside modules say of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Whole names of default versions.
    pub(super) defaults: Vec<String>,
    /// A name, and the one that it stands for.
    pub(super) aliases: Vec<(String, String)>,
}

impl Marks {
    pub(super) fn alias(&self, name: &str) -> Option<String> {
        self.aliases.iter().find(|(from, _)| from == name).map(|(_, to)| to.clone())
    }
}

/// What a file says that is evaluated for its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// `module-version TARGET SYMBOL`.
    Version(String, String),
    /// `module-alias NAME TARGET`.
    Alias(String, String),
    /// `set ModulesVersion VERSION`.
    Own(String),
}

/// The marks in one directory of modules. `name` is the directory as seen from `directory`; empty for that itself.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn marks(
    know: &Modulefiles,
    view: &View,
    directory: &TreePath,
    name: &str,
    system: System,
) -> Result<Marks, String> {
    let here = if name.is_empty() { directory.clone() } else { directory.join(name.as_bytes()) };
    let mut found = Marks::default();
    let lua = (system == System::Lmod).then_some(".modulerc.lua");
    for file in lua.into_iter().chain([".modulerc", ".version"]) {
        let path = here.join(file.as_bytes());
        if !view.is_file(path.as_bytes()) {
            continue;
        }
        let text = view.read_text(path.as_bytes()).map_err(|error| format!("{path} cannot be read: {error}"))?;
        let mut one = Marks::default();
        for mark in evaluated(know, &path, &text, name, system)? {
            one.add(mark, name);
        }
        if !found.defaults.is_empty() && !one.defaults.is_empty() && found.defaults != one.defaults {
            return Err(format!("the files of {here} name several default versions"));
        }
        found.aliases.extend(one.aliases);
        if found.defaults.is_empty() {
            found.defaults = one.defaults;
        }
    }
    Ok(found)
}

impl Marks {
    fn add(&mut self, mark: Mark, name: &str) {
        match mark {
            Mark::Own(version) if !name.is_empty() => self.defaults.push(format!("{name}/{version}")),
            Mark::Own(_) => {}
            Mark::Alias(from, to) => self.aliases.push((from, to)),
            Mark::Version(target, symbol) => {
                // `/1.0` is a version of the directory in which the file lies.
                let target = if target.starts_with('/') { format!("{name}{target}") } else { target };
                let above = target.rsplit_once('/').map_or(target.as_str(), |(above, _)| above).to_owned();
                if symbol == DEFAULT {
                    self.defaults.push(target.clone());
                }
                self.aliases.push((format!("{above}/{symbol}"), target));
            }
        }
    }
}

/// Nothing is set, and nothing is done.
struct Alone {
    undecided: Option<String>,
}

impl Host for Alone {
    fn variable(&self, name: &str) -> Binding {
        Binding::Unknown { reason: format!("${name}"), place: Place::default() }
    }

    fn is_loaded(&self, _name: &str) -> Option<bool> {
        None
    }

    fn kind(&self, _path: &str) -> Lies {
        Lies::Unknown
    }

    fn effect(&mut self, effect: Effect) -> Answer {
        self.undecided = Some(format!("line {} of {} cannot be decided", effect.place.line, effect.place.file));
        Answer::Done
    }
}

fn evaluated(know: &Modulefiles, file: &TreePath, text: &str, name: &str, system: System) -> Result<Vec<Mark>, String> {
    let subject = Subject { file: file.text(), name: name.to_owned(), system, mode: Mode::Load };
    let mut host = Alone { undecided: None };
    let mut run = Run::new(know, &subject, text, &mut host);
    if subject.is_lua() {
        lua::run(&mut run, text)
    } else {
        tcl::run(&mut run, text)
    }
    let marks = std::mem::take(&mut run.marks);
    host.undecided.map_or(Ok(marks), Err)
}
