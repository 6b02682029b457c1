//! Any texts as the modulefiles that a script of an image loads, in Tcl and in Lua, for either module system.
//!
//! Parts are separated by a byte 0xff: a file in Lua, one in Tcl, `.modulerc`, then commands of the script behind those that
//! load both.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::base::TreePath;
use pyhpc_audit::survey::{JobKnowledge, Knowledge, SiteFiles, image_environment};
use pyhpc_audit::tree::{MemoryTree, View};

const SCRIPT: &str = "export MODULEPATH=/modules\nmodule load a\nmodule load b/1\nmodule swap a b\nmodule purge\n";

fn knowledge() -> &'static JobKnowledge<'static> {
    static KNOWLEDGE: OnceLock<JobKnowledge<'static>> = OnceLock::new();
    KNOWLEDGE.get_or_init(|| {
        let audit = Box::leak(Box::new(Knowledge::load(&SiteFiles::default()).expect("the rules can be read")));
        JobKnowledge::load(audit, &SiteFiles::default()).expect("the rules can be read")
    })
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(4, |it| *it == 0xff);
    let [lua, tcl, names, commands] = [(); 4].map(|()| parts.next().unwrap_or_default());
    for system in ["LMOD_CMD", "MODULES_CMD"] {
        let mut tree = MemoryTree::new();
        tree.add_file(&TreePath::new("/modules/a/1.lua"), lua);
        tree.add_file(&TreePath::new("/modules/a/1"), [b"#%Module\n", tcl].concat());
        tree.add_file(&TreePath::new("/modules/b/1"), [b"#%Module\n", tcl].concat());
        tree.add_file(&TreePath::new("/modules/b/2.lua"), lua);
        tree.add_file(&TreePath::new("/modules/.modulerc"), [b"#%Module\n", names].concat());
        tree.add_file(&TreePath::new("/modules/b/.version"), [b"#%Module\n", names].concat());
        let script = [format!("export {system}=/there\n{SCRIPT}").as_bytes(), commands].concat();
        tree.add_file(&TreePath::new("/.singularity.d/env/90-modules.sh"), script);
        image_environment(&View::new(Box::new(tree)), knowledge()).expect("the script is there").variables();
    }
});
