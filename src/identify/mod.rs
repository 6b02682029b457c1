//! Says what a shared object is: matches it against the descriptions in `rules/libraries` and `rules/launchers`.
//!
//! The caller finds by symbol lookup which object answers (`rules/capabilities` names the symbols), then asks
//! [`Libraries::identify`] what that object is. A renamed file is recognised as long as its symbols or text tell.
//!
//! Invariant: no name of a library stands here; which file is what is data.
//! Invariant: an attribute that no clause decides is unknown with a reason, never a default.
//! Invariant: a file that matches two descriptions is neither: that is a gap.

mod abi;
mod capability;
mod clause;
mod compile;
mod engine;
mod launcher;
mod library;
mod look;
mod mach_file;
mod offers;
mod opening;
mod package;
mod sampling;
mod settings;
mod words;

pub use crate::base::KnowledgeError;
pub(crate) use crate::base::parse;
pub use abi::{AbiGroup, AbiGroups, Exchangeable};
pub use capability::{Capabilities, Capability, Group, Used};
pub use engine::{Answer, Attribute, Confidence, Identity, Seen};
pub use launcher::{Description, Launcher, Launchers};
pub use library::{Defect, Libraries, Library, Sample};
pub use look::{Look, RealFile, SampleFile};
pub use mach_file::{MachFile, NamedFile};
pub use offers::{Modules, Offer};
pub use opening::{Moment, Opening, Place, Scope};
pub use package::{
    Binds, CInterface, Choice, ExtensionImport, ExtensionImports, Loads, OpenLibrary, PackageRule, Packages, Pick,
    Reopens, SeenLayout, StandsFor, matches_any,
};
pub use sampling::Telling;
pub use settings::Settings;
pub use words::Said;
