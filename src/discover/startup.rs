//! What is known about code that runs when a Python starts: `rules/python/startup.toml`.

use serde::Deserialize;

use super::answer::gap;
use crate::base::{Gap, Glob, TreePath, builtin_files};

/// What a line of code does to `sys.path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// Remembers the length of `sys.path`.
    RememberLength,
    /// Moves what was appended since then to the front.
    InsertNewFirst,
    /// Adds the packages of every prefix in a variable.
    Prefixes,
}

/// Everything known about code at startup.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Startup {
    #[serde(default)]
    pth: Vec<Line>,
    #[serde(default)]
    customize: Vec<Customize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: String,
    contains: String,
    effect: Effect,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Customize {
    contains: String,
    effect: Effect,
    #[serde(default)]
    variable: String,
    #[serde(rename = "why")]
    _why: String,
}

impl Startup {
    /// The knowledge that travels in the binary. A file of it that does not parse is a gap.
    pub(super) fn builtin(gaps: &mut Vec<Gap>) -> Self {
        let mut all = Self::default();
        for file in builtin_files("python").into_iter().filter(|it| it.stem == "startup") {
            match toml::from_str::<Self>(&file.text) {
                Ok(known) => {
                    all.pth.extend(known.pth);
                    all.customize.extend(known.customize);
                }
                Err(error) => {
                    let reason = format!("{}: {}", file.path, error.message());
                    gaps.push(gap(&TreePath::root(), reason, "what .pth files do to sys.path"));
                }
            }
        }
        all
    }

    /// What an `import` line of a `.pth` file does, where that is known.
    pub(super) fn effect_of_line(&self, file_name: &[u8], line: &str) -> Option<Effect> {
        let holds = |it: &&Line| line.contains(&it.contains) && Glob::new(&it.file).matches(file_name);
        self.pth.iter().find(holds).map(|it| it.effect)
    }

    /// What a `sitecustomize` or `usercustomize` module does, and the variable it reads, where that is known.
    pub(super) fn effect_of_module(&self, text: &str) -> Option<(Effect, &str)> {
        let holds = |it: &&Customize| text.contains(&it.contains);
        self.customize.iter().find(holds).map(|it| (it.effect, it.variable.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_knowledge_parses() {
        let mut gaps = Vec::new();
        let startup = Startup::builtin(&mut gaps);
        assert_eq!(gaps, []);
        let line = "import os; enabled and __import__('_distutils_hack').add_shim();";
        assert_eq!(startup.effect_of_line(b"distutils-precedence.pth", line), Some(Effect::None));
        assert_eq!(startup.effect_of_line(b"other.pth", line), None);
    }
}
