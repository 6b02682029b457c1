//! What others ask about a launch line.

use super::description::{LaunchDescription, Launchers};
use super::line::{Line, Parameter};
use super::meaning::{Amount, Meaning};

impl Launchers {
    /// Whether a program is an interpreter of programs that are audited: `/usr/bin/python3.11`.
    pub fn is_interpreter(&self, program: &str) -> bool {
        self.wrappers.is_interpreter_name(program)
    }

    /// Whether the program of a line is an interpreter of programs that are audited.
    pub fn starts_interpreter(&self, line: &Line) -> bool {
        line.program.first().is_some_and(|it| self.wrappers.is_interpreter(it))
    }

    /// Whether `name` is another name for the launcher `word`, as site profiles and libraries use it.
    pub fn is_called(&self, word: &str, name: &str) -> bool {
        self.lines.iter().any(|it| it.word == word && it.aliases.iter().any(|alias| alias == name))
    }

    /// Whether a line can choose how its ranks learn who they are.
    pub fn chooses_process_management(&self, line: &Line) -> bool {
        let options = |it: &LaunchDescription| {
            it.grammar.means(Meaning::Pmi) || it.variables.iter().any(|rule| rule.means == Meaning::Pmi)
        };
        self.of(line).is_some_and(options)
    }

    /// Whether the launcher of a line is a scheduler's own.
    pub fn is_of_scheduler(&self, line: &Line) -> bool {
        self.of(line).is_some_and(|it| it.scheduler.is_some())
    }

    /// Parameters of a line, each with the variable that says the same.
    pub fn parameter_variables<'l>(&self, line: &'l Line) -> Vec<(String, &'l Parameter)> {
        let prefix = self.of(line).and_then(|it| it.parameter_prefix.as_ref());
        let named = |it: &'l Parameter| prefix.map(|prefix| (format!("{prefix}{}", it.name), it));
        line.parameters.iter().filter_map(named).collect()
    }

    fn of(&self, line: &Line) -> Option<&LaunchDescription> {
        self.description(line.launcher.as_deref()?, &line.name)
    }
}

impl Line {
    /// Whether the line says which CPUs are its own, or that it shares them on purpose.
    pub fn says_its_cpus(&self) -> bool {
        let means = [Meaning::Exact, Meaning::Exclusive, Meaning::Overlap, Meaning::CpuList, Meaning::CpuMask];
        self.amounts.contains_key(&Amount::CpusPerRank) || means.into_iter().any(|it| self.last(it).is_some())
    }
}
