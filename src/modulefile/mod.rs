//! What a modulefile does to an environment: Tcl (`#%Module`) and Lua (Lmod), read and never run.
//!
//! Only literal text is worked out: variables, conditions that are decided, loops over known lists. The file is found as
//! Environment Modules or Lmod would ([`find`]), its effects come in order ([`evaluate`]), and lists of directories change as
//! either of both changes them ([`PathList`]).
//!
//! Invariant: what is not understood is [`What::MayChange`] or [`What::MayChangeAll`] with its place, never nothing.

mod defaults;
mod effect;
mod find;
mod knowledge;
pub mod limits;
mod lua;
mod path_list;
mod run;
mod start;
mod tcl;
mod version;

pub use effect::{Answer, Effect, End, Host, How, Lies, Mode, Subject, What};
pub use find::{Found, Module, find};
pub use knowledge::{Modulefiles, System};
pub use path_list::PathList;
pub use start::{MODULE_PATH, kind};

use run::Run;

/// Tells `host` what loading (or unloading) a module does, in order. The text is that of the file that `subject` names.
pub fn evaluate(know: &Modulefiles, subject: &Subject, text: &str, host: &mut dyn Host) -> End {
    let mut run = Run::new(know, subject, text, host);
    if subject.is_lua() {
        lua::run(&mut run, text)
    } else {
        tcl::run(&mut run, text)
    }
    run.end()
}
