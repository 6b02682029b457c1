//! The host that starts an image: what is known of it, and held against the image.
//!
//! Two trees are looked at: the host is a saved facts file or a prefix on this machine, the image is the target.
//! Invariant: what the host does not say is unknown here; that the image works with it is never concluded from silence.
//! Absent on purpose: what a mounted MPI opens by itself (components, providers), and whether a companion that the image has
//! is recent enough for it.

mod closure;
mod fit;
mod mounted;
mod prefix;
mod saved;

use crate::base::{KnowledgeError, builtin_files};
use crate::facts::{self, Evidence, Fact, Facts, HostLibrary, Launcher};
use crate::loader::{Detail, Process, Request, Start, Visibility};
use crate::survey::job::ProcessManagement;
use crate::survey::knowledge::Knowledge;
use crate::survey::ledger::Ledger;
use crate::survey::world::World;

pub(super) use fit::{found_first, image_architecture, launcher_against, mount, same, sonames, wanted};

/// What stands before everything that is seen on the host: its paths are not those of the image.
const ON_THE_HOST: &str = "on the host: ";

/// A host, as far as it is known.
#[derive(Debug, Clone)]
pub struct Host {
    name: String,
    kind: &'static str,
    told: Told,
    management: ProcessManagement,
}

/// Why something is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Neither a library nor a launcher of MPI.
    #[error("no MPI in {prefix}: looked for {looked_for}")]
    NoMpi {
        /// Where.
        prefix: String,
        /// What would have been one.
        looked_for: String,
    },
    /// The files that travel in the binary.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
}

/// What a host says, with evidence and gaps of its own.
#[derive(Debug, Clone)]
struct Told {
    launcher: Launcher,
    architecture: Fact<String>,
    libraries: Fact<Vec<HostLibrary>>,
    /// The MPI libraries and everything that they need, the C library left out.
    objects: Fact<Vec<HostObject>>,
    /// The directory that would be mounted; none where that is all of the system.
    root: Option<String>,
    evidence: Vec<Evidence>,
    gaps: Vec<facts::Gap>,
}

/// A file of the host that a mounted MPI maps.
#[derive(Debug, Clone)]
struct HostObject {
    soname: String,
    file: Option<String>,
    /// Empty for the MPI library itself.
    needed_by: String,
    glibc: Fact<Option<String>>,
}

/// Whether a process in the image finds a library by its soname; why it cannot be said.
type Holds<'h> = dyn FnMut(&str) -> Result<bool, String> + 'h;

impl Host {
    fn new(name: &str, kind: &'static str, told: Told) -> Result<Self, HostError> {
        let management = ProcessManagement::load(&builtin_files("pmi"))?;
        Ok(Self { name: name.to_owned(), kind, told, management })
    }

    /// Holds saved facts of an image against the host: what they do not hold of the image is unknown.
    pub fn join(&self, facts: &mut Facts, know: &Knowledge) {
        let mapped = facts.process.mapped.clone();
        let mut holds = |soname: &str| saved::holds(&mapped, soname);
        let mut ledger = Ledger::resume(std::mem::take(&mut facts.evidence), std::mem::take(&mut facts.gaps));
        let host = fit::host(self, facts, know, &mut holds, &mut ledger);
        facts.host = Some(host);
        (facts.evidence, facts.gaps) = ledger.finish();
    }

    /// Holds the facts of an image whose files are at hand against the host.
    pub(super) fn join_world(&self, facts: &mut Facts, world: &World<'_>) {
        let mut finder = Finder::of(world);
        let mut holds = |soname: &str| finder.holds(soname);
        let mut ledger = Ledger::resume(std::mem::take(&mut facts.evidence), std::mem::take(&mut facts.gaps));
        let host = fit::host(self, facts, world.know, &mut holds, &mut ledger);
        facts.host = Some(host);
        (facts.evidence, facts.gaps) = ledger.finish();
    }
}

/// A process of the image that is asked for one library after the other.
struct Finder<'w>(Result<Process<'w>, String>);

impl<'w> Finder<'w> {
    fn of(world: &'w World<'w>) -> Self {
        let (system, executable) = match (&world.system, &world.installation.real_executable) {
            (Ok(system), Some(executable)) => (system, executable),
            (Err(gap), _) => return Self(Err(gap.reason.clone())),
            (Ok(_), None) => return Self(Err("the image has no interpreter".to_owned())),
        };
        let question = world.question;
        let start =
            Start { executable, system, variables: &question.variables, cpu: question.cpu, detail: Detail::Names };
        Self(Process::start(world.catalogue.objects, &start))
    }

    fn holds(&mut self, soname: &str) -> Result<bool, String> {
        let process = self.0.as_mut().map_err(|reason| reason.clone())?;
        let request = Request::Name { name: soname.as_bytes(), caller: 0 };
        // What it needs in turn may be missing: that is a companion of its own.
        let known = process.loaded_as(soname.as_bytes()).is_some();
        Ok(known || process.open(request, Visibility::Local).is_ok())
    }
}

impl Told {
    /// A fact of the host with its evidence and its gap, in the ledger of the image.
    fn carry<T: Clone>(&self, fact: &Fact<T>, ledger: &mut Ledger) -> Fact<T> {
        let because = fact.because().iter().filter_map(|id| self.evidence.get(id.0 as usize));
        let because = because
            .map(|it| ledger.keep(Evidence { text: format!("{ON_THE_HOST}{}", it.text), ..it.clone() }))
            .collect();
        let gap = fact.gap().and_then(|id| self.gaps.get(id.0 as usize)).map(|it| {
            let reason = format!("{ON_THE_HOST}{}", it.reason);
            ledger.keep_told(facts::Gap { reason, ..it.clone() })
        });
        match (fact, gap) {
            (Fact::Known { value, .. }, None) => Fact::known(value.clone(), because),
            (Fact::Known { value, .. }, Some(gap)) => Fact::partial(value.clone(), because, gap),
            (Fact::Unknown { .. }, Some(gap)) => Fact::unknown(gap),
            (Fact::Unknown { unknown }, None) => Fact::unknown(*unknown),
        }
    }

    fn carry_launcher(&self, ledger: &mut Ledger) -> Launcher {
        let it = &self.launcher;
        Launcher {
            path: self.carry(&it.path, ledger),
            vendor: self.carry(&it.vendor, ledger),
            version: self.carry(&it.version, ledger),
            abi: self.carry(&it.abi, ledger),
            pmi: self.carry(&it.pmi, ledger),
        }
    }

    fn carry_libraries(&self, ledger: &mut Ledger) -> Fact<Vec<HostLibrary>> {
        self.carry(&self.libraries, ledger).map(|list| {
            let one = |it: HostLibrary| HostLibrary {
                soname: self.carry(&it.soname, ledger),
                vendor: self.carry(&it.vendor, ledger),
                version: self.carry(&it.version, ledger),
                abi: self.carry(&it.abi, ledger),
                path: it.path,
            };
            list.into_iter().map(one).collect()
        })
    }

    fn carry_objects(&self, ledger: &mut Ledger) -> Fact<Vec<HostObject>> {
        self.carry(&self.objects, ledger).map(|list| {
            let one = |it: HostObject| HostObject { glibc: self.carry(&it.glibc, ledger), ..it };
            list.into_iter().map(one).collect()
        })
    }
}
