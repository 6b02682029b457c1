//! What the imports of a case meet outside Python: everything loads unless the case says otherwise; every load is noted.

use pyhpc_audit::base::TreePath;
use pyhpc_audit::trace::Process;

use super::{Case, short};

/// Modules that are taken to be linked into the interpreter.
const BUILT_IN: [&str; 6] = ["builtins", "sys", "os", "importlib", "platform", "typing"];

/// The outside of one case.
pub(super) struct Outside<'c> {
    case: &'c Case,
    /// What was loaded, in order.
    pub(super) log: Vec<String>,
}

impl<'c> Outside<'c> {
    pub(super) fn new(case: &'c Case) -> Self {
        Self { case, log: Vec::new() }
    }

    fn open(&mut self, name: &str, how: &str) -> Result<(), String> {
        match self.case.refused.get(name) {
            Some(reason) => Err(reason.clone()),
            None => {
                self.log.push(format!("{how} {name}"));
                Ok(())
            }
        }
    }
}

impl Process for Outside<'_> {
    fn is_built_in(&mut self, module: &str) -> bool {
        BUILT_IN.contains(&module)
    }

    fn is_provided(&mut self, module: &str) -> bool {
        self.case.provided.contains_key(module)
    }

    fn imports_before(&mut self, module: &str) -> Vec<String> {
        self.case.imports_of.get(&format!("before {module}")).cloned().unwrap_or_default()
    }

    fn provide(&mut self, module: &str) -> Result<Option<TreePath>, String> {
        let file = self.case.provided.get(module).cloned().unwrap_or_default();
        self.open(&file, "load").map(|()| Some(TreePath::new(format!("/site/{file}"))))
    }

    fn load(&mut self, _module: &str, path: &TreePath, _is_global: bool) -> Result<(), String> {
        self.open(&short(path), "load")
    }

    fn open_library(&mut self, name: &str, is_global: bool) -> Result<(), String> {
        self.open(name, if is_global { "open for all" } else { "open" })
    }

    fn mentions(&mut self, path: &TreePath, name: &str) -> Option<bool> {
        self.case.holds.get(&short(path)).map(|it| it.contains(name))
    }

    fn imports_of(&mut self, module: &str, _path: &TreePath) -> Vec<String> {
        self.case.imports_of.get(module).cloned().unwrap_or_default()
    }
}
