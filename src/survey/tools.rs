//! What the tools beside a library say of it: settings files and compiler wrappers, described in `rules/tools`.

use regex::Regex;

use super::builder::Builder;
use super::knowledge::Tools;
use crate::base::{Gap, Glob, Stage, TreePath, printable};
use crate::facts::{Evidence, EvidenceId, Fact};

/// Directories between a library and the prefix that holds its programs: `lib/x86_64-linux-gnu`.
const DEPTH: usize = 3;

impl Builder<'_, '_> {
    /// `parallel`, `serial`, or `none` when there are no tools.
    pub(super) fn tools(&mut self, capability: &str, library: &TreePath) -> Fact<String> {
        let know = self.session.catalogue.know;
        let none = |because| Fact::known("none".to_owned(), because);
        let Some(tools) = know.tools.iter().find(|it| it.capability == capability) else { return none(Vec::new()) };
        let Some(directory) = library.parent() else { return none(Vec::new()) };
        match self.settings(tools, library, &directory) {
            Ok(Some((word, id))) => return Fact::known(word.to_owned(), vec![id]),
            Ok(None) => {}
            Err(gap) => return Fact::unknown(self.ledger.gap(&gap)),
        }
        match self.programs(tools, &directory) {
            Some((word, id)) => Fact::known(word.to_owned(), vec![id]),
            None => {
                none(vec![self.ledger.note(&directory, "no settings file beside the library, no compiler wrapper")])
            }
        }
    }

    /// What a settings file beside the library says. One that cannot be read is told by [`Builder::tools`].
    pub(super) fn settings_of(&mut self, capability: &str, library: &TreePath) -> Option<(&'static str, EvidenceId)> {
        let know = self.session.catalogue.know;
        let tools = know.tools.iter().find(|it| it.capability == capability)?;
        self.settings(tools, library, &library.parent()?).unwrap_or_default()
    }

    /// A settings file that belongs to the library: called after it, or the only one there.
    fn settings(
        &mut self,
        tools: &Tools,
        library: &TreePath,
        directory: &TreePath,
    ) -> Result<Option<(&'static str, EvidenceId)>, Gap> {
        let view = self.session.catalogue.objects.view();
        let hides = "what the tools say of the library";
        let names = match view.list(directory.as_bytes()) {
            Ok(names) => names,
            Err(error) => return Err(Gap::new(directory, Stage::Tree, error.to_string(), hides)),
        };
        let stem = |name: &[u8]| name.split(|b| *b == b'.').next().map(<[u8]>::to_vec).unwrap_or_default();
        let own = stem(library.file_name());
        let globs: Vec<Glob> = tools.settings.iter().map(|it| Glob::new(it)).collect();
        let named = names.iter().filter(|(name, _)| globs.iter().any(|it| it.matches(name)));
        let Some((name, _)) = named.clone().find(|(name, _)| stem(name) == own) else { return Ok(None) };
        let path = directory.join(name);
        let text = match view.read_text(path.as_bytes()) {
            Ok(text) => text,
            Err(error) => return Err(Gap::new(&path, Stage::Tree, error.to_string(), hides)),
        };
        for (pattern, word) in [(&tools.parallel, "parallel"), (&tools.serial, "serial")] {
            if let Some((line, shown)) = line_of(&text, pattern) {
                let evidence = Evidence { path: path.text(), line: Some(line), text: shown, ..Evidence::default() };
                return Ok(Some((word, self.ledger.keep(evidence))));
            }
        }
        Ok(None)
    }

    fn programs(&mut self, tools: &Tools, directory: &TreePath) -> Option<(&'static str, EvidenceId)> {
        let view = self.session.catalogue.objects.view();
        let mut at = directory.parent();
        for _ in 0..DEPTH {
            let prefix = at?;
            let bin = prefix.join("bin");
            for (programs, word) in [(&tools.parallel_programs, "parallel"), (&tools.serial_programs, "serial")] {
                let found = programs.iter().map(|it| bin.join(it)).find(|it| view.is_file(it.as_bytes()));
                if let Some(program) = found {
                    return Some(self.wrapper(tools, &program, word));
                }
            }
            at = prefix.parent();
        }
        None
    }

    /// What the text of a compiler wrapper says, which may be a link to another; else what its name says.
    fn wrapper(&mut self, tools: &Tools, program: &TreePath, by_name: &'static str) -> (&'static str, EvidenceId) {
        // A wrapper that cannot be read, or is a program, has its name only.
        if let Ok(text) = self.session.catalogue.objects.view().read_text(program.as_bytes()) {
            let compiler = tools.compiler.captures(&text).and_then(|it| it.name("name"));
            if let (Some(compiler), Some((line, shown))) = (compiler, line_of(&text, &tools.compiler)) {
                let word = if tools.parallel_compiler.is_match(compiler.as_str()) { "parallel" } else { "serial" };
                let evidence = Evidence { path: program.text(), line: Some(line), text: shown, ..Evidence::default() };
                return (word, self.ledger.keep(evidence));
            }
        }
        let text = format!("the compiler wrapper {}", printable(program.file_name()));
        (by_name, self.ledger.note(program, text))
    }
}

fn line_of(text: &str, pattern: &Regex) -> Option<(u32, String)> {
    let found = pattern.find(text)?;
    let before = text.get(..found.end())?.matches('\n').count();
    Some((u32::try_from(before + 1).unwrap_or(u32::MAX), found.as_str().trim().to_owned()))
}
