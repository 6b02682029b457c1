//! `rules/shell`: commands by which a shell changes itself, and files that change nothing that is looked at.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::image::ImagePlace;
use super::login::LoginFiles;
use crate::base::Glob;

/// Everything in `rules/shell`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShellCommands {
    /// Commands that load modules.
    #[serde(default)]
    pub(super) modules: Vec<ModuleCommand>,
    /// Commands and scripts that activate an environment.
    #[serde(default)]
    pub(super) activation: Vec<Activation>,
    /// Scripts that bring a command, and set where its installation lies.
    #[serde(default)]
    pub(super) gives: Vec<Gives>,
    /// Files and evaluations that only bring a command.
    #[serde(default)]
    pub(super) harmless: Vec<Harmless>,
    /// Variables that are set wherever a job runs, to what nobody knows.
    #[serde(default)]
    pub(super) login: Vec<String>,
    /// Those of them that say who runs it.
    #[serde(default)]
    pub(super) person: Vec<String>,
    /// Programs that an image starts first, and that start the words behind them with the environment as it is.
    #[serde(default)]
    pub(super) inits: Vec<String>,
    /// Programs that read a script.
    #[serde(default)]
    pub(super) shells: Vec<String>,
    /// What they read when they begin a login.
    #[serde(default)]
    pub(super) login_files: Vec<LoginFiles>,
    /// Variables that are another in every rank of a launch.
    #[serde(default)]
    pub(super) of_rank: Vec<String>,
    /// Variables of the host that change the Python of an image.
    #[serde(default)]
    pub(super) changes_image: Vec<String>,
    /// Where images keep their environment.
    #[serde(default)]
    pub(super) image_environment: Vec<ImagePlace>,
    /// Variables that make a fork safe for memory that a fabric has registered.
    #[serde(default)]
    pub(super) fork_safe: Vec<String>,
    /// Fabrics that register memory.
    #[serde(default)]
    pub(super) registers_memory: Vec<String>,
    /// Kinds of file systems that nodes share.
    #[serde(default)]
    pub(super) shared_filesystems: Vec<String>,
    /// OpenMP runtimes that hang in a forked child.
    #[serde(default)]
    pub(super) hangs_after_fork: Vec<String>,
    /// OpenMP runtimes that bind the thread that loads them.
    #[serde(default)]
    pub(super) binds_when_loaded: Vec<String>,
    /// Runtimes that pin again what a launcher has pinned.
    #[serde(default)]
    pub(super) repins: Vec<Repins>,
}

/// A variable by which runtimes pin threads on their own account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repins {
    pub(super) runtimes: Vec<String>,
    pub(super) variable: String,
    /// Parts of its value that switch it off.
    pub(super) harmless: Vec<String>,
    /// Launcher and placement under which it pins without being set.
    #[serde(default)]
    pub(super) unset_under: Vec<[String; 2]>,
}

/// One command of a module system, with its verbs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModuleCommand {
    pub(super) names: Vec<String>,
    pub(super) load: Vec<String>,
    pub(super) unload: Vec<String>,
    pub(super) swap: Vec<String>,
    pub(super) purge: Vec<String>,
    /// Directories of modulefiles are added, or taken out.
    #[serde(rename = "use")]
    pub(super) uses: Vec<String>,
    #[serde(rename = "unuse")]
    pub(super) unuses: Vec<String>,
    pub(super) nothing: Vec<String>,
    /// Words without a verb are loaded; with a dash before them, unloaded.
    #[serde(default)]
    pub(super) bare: bool,
    /// The variable that lists what is loaded.
    pub(super) recorded: String,
}

/// What activates an environment, and what that sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Activation {
    /// First words of the command; the next is the environment.
    #[serde(default)]
    pub(super) commands: Vec<Vec<String>>,
    /// Globs over scripts that are sourced.
    #[serde(default)]
    pub(super) scripts: Vec<String>,
    /// What follows the prefix in the path of such a script.
    #[serde(default)]
    pub(super) script_suffix: String,
    /// Glob over prefixes of an environment that is called by its name.
    pub(super) named: Option<String>,
    /// Names of the installation itself, which is also meant when no name is given.
    #[serde(default)]
    pub(super) base: Vec<String>,
    /// For people.
    pub(super) kind: String,
    #[serde(default)]
    pub(super) sets: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) prepends: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) unsets: Vec<String>,
    /// Where the installation lies, for an environment that is called by its name.
    #[serde(default)]
    pub(super) roots: Vec<Root>,
    /// A directory of the environment, with scripts that are sourced when it is activated.
    #[serde(default)]
    pub(super) own_scripts: Option<String>,
    /// Globs over scripts of an installation that activate the environment behind them, where it has this directory.
    #[serde(default)]
    pub(super) root_scripts: Vec<String>,
    #[serde(default)]
    pub(super) root_marker: String,
}

/// Where the installation of a program lies that activates environments: in a variable, or at a usual place.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Root {
    #[serde(default)]
    pub(super) variable: Option<String>,
    /// What follows the installation in the value of the variable.
    #[serde(default)]
    pub(super) behind: String,
    #[serde(default)]
    pub(super) place: Option<String>,
}

/// A script that gives the shell a command. `{root}` stands for its installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gives {
    /// Globs over paths that are sourced.
    pub(super) scripts: Vec<String>,
    /// What follows the installation in such a path.
    pub(super) suffix: String,
    #[serde(default)]
    pub(super) sets: BTreeMap<String, String>,
    /// Where it is not set yet; then lists get a directory too.
    #[serde(default)]
    pub(super) sets_once: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) prepends_once: BTreeMap<String, String>,
}

/// What changes nothing that is looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Harmless {
    /// Globs over paths that are sourced.
    #[serde(default)]
    pub(super) sources: Vec<String>,
    /// Patterns over what is evaluated.
    #[serde(default)]
    pub(super) evaluations: Vec<Evaluation>,
}

/// A pattern that was checked when it was read.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Evaluation(#[serde(deserialize_with = "crate::survey::knowledge::pattern")] pub(super) Regex);

impl ShellCommands {
    /// Adds what another file says.
    pub(super) fn extend(&mut self, more: Self) {
        self.modules.extend(more.modules);
        self.activation.extend(more.activation);
        self.gives.extend(more.gives);
        self.harmless.extend(more.harmless);
        self.login.extend(more.login);
        self.person.extend(more.person);
        self.inits.extend(more.inits);
        self.shells.extend(more.shells);
        self.login_files.extend(more.login_files);
        self.of_rank.extend(more.of_rank);
        self.changes_image.extend(more.changes_image);
        self.image_environment.extend(more.image_environment);
        self.fork_safe.extend(more.fork_safe);
        self.registers_memory.extend(more.registers_memory);
        self.shared_filesystems.extend(more.shared_filesystems);
        self.hangs_after_fork.extend(more.hangs_after_fork);
        self.binds_when_loaded.extend(more.binds_when_loaded);
        self.repins.extend(more.repins);
    }

    /// Whether a word starts a program that reads a script.
    pub(super) fn is_shell(&self, word: &str) -> bool {
        let name = word.rsplit('/').next().unwrap_or_default();
        self.shells.iter().any(|it| it == name)
    }

    /// The activation that a sourced script is.
    pub(super) fn activated_by_script(&self, path: &str) -> Option<&Activation> {
        self.activation.iter().find(|it| it.scripts.iter().any(|glob| lies(path, glob)))
    }

    /// Whether sourcing this changes nothing that is looked at.
    pub(super) fn is_harmless_source(&self, path: &str) -> bool {
        let sources = self.harmless.iter().flat_map(|it| &it.sources);
        sources.into_iter().any(|glob| lies(path, glob))
    }

    /// Whether evaluating this changes nothing that is looked at.
    pub(super) fn is_harmless_evaluation(&self, what: &str) -> bool {
        self.harmless.iter().flat_map(|it| &it.evaluations).any(|it| it.0.is_match(what))
    }
}

/// Whether a path fits a glob; one that begins with `*/` fits below any directory.
pub(super) fn lies(path: &str, glob: &str) -> bool {
    let Some(rest) = glob.strip_prefix("*/") else { return Glob::new(glob).matches(path.as_bytes()) };
    let elements: Vec<&str> = path.split('/').collect();
    let wanted = rest.split('/').count();
    // The directory above may be unknown, but it is there.
    let above = elements.len().checked_sub(wanted).filter(|it| 0 < *it);
    above.and_then(|at| elements.get(at..)).is_some_and(|it| Glob::new(rest).matches(it.join("/").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::lies;

    #[test]
    fn a_leading_star_is_any_directory() {
        assert!(lies("/home/u/venvs/cfd/bin/activate", "*/bin/activate"));
        assert!(lies("<$HOME>/venvs/cfd/bin/activate", "*/bin/activate"));
        assert!(!lies("/home/u/reactivate", "*/bin/activate"));
        assert!(lies("bin/activate", "bin/activate"));
        assert!(!lies("bin/activate", "*/bin/activate"));
        assert!(lies("/opt/lmod/lmod/init/bash", "*/lmod/init/*"));
    }
}
