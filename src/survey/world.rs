//! One installation with everything that its survey reads, each thing once.

use std::rc::Rc;

use super::Question;
use super::catalogue::Catalogue;
use super::knowledge::Knowledge;
use super::objects;
use super::session::Session;
use super::site::Site;
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::discover::{self, Installation};
use crate::elf::Linkage;
use crate::loader::{
    Binding, CpuLevel, Detail, Objects, Process, SEARCH_VARIABLES, Start, Surroundings, System, auditors,
};
use crate::trace::Library;
use crate::tree::View;

pub(super) struct World<'a> {
    pub(super) view: &'a View,
    pub(super) know: &'a Knowledge,
    pub(super) installation: &'a Installation,
    pub(super) question: &'a Question,
    pub(super) catalogue: &'a Catalogue<'a>,
    pub(super) site: &'a Site,
    /// The loader of the interpreter, or why nothing can be said about any process.
    pub(super) system: Result<System, Gap>,
    pub(super) gaps: Vec<Gap>,
    /// What may hide packages: a directory that cannot be listed, a line that is not understood.
    pub(super) hidden_packages: Option<Gap>,
    /// What may hide shared objects.
    pub(super) hidden_objects: Option<Gap>,
    /// What hides which libraries its processes map: a variable that the loader reads first is not known.
    pub(super) hidden_libraries: Option<Gap>,
    /// Sources that its processes follow.
    library: Rc<Library>,
    interpreter: Option<Linkage>,
    bare: Variables,
}

impl World<'_> {
    /// Reads what lies in the installation and lets `ask` look at it.
    pub(super) fn with<T>(
        view: &View,
        know: &Knowledge,
        installation: &Installation,
        question: &Question,
        mut gaps: Vec<Gap>,
        ask: impl FnOnce(&World<'_>) -> T,
    ) -> T {
        let packages = discover::packages(view, installation, &mut gaps);
        let hidden_packages = gaps.iter().find(|it| may_hide_packages(it, installation)).cloned();
        let before = gaps.len();
        let files = discover::extensions(view, installation, &packages, &mut gaps);
        let hidden_objects = gaps.get(before).or(hidden_packages.as_ref()).cloned();
        let site = Site::new(view, installation, files, packages);
        let store = Objects::new(view);
        let catalogue = Catalogue::new(&store, know);
        let interpreter = interpreter(&store, installation);
        let system = system(view, installation, interpreter.as_ref(), &mut gaps);
        if let (Ok(linkage), Some(path)) = (&interpreter, &installation.real_executable) {
            gaps.extend(altered(path, linkage, &question.variables));
        }
        let hidden_libraries = hidden_libraries(question);
        gaps.extend(hidden_libraries.clone());
        let mut bare = question.variables.clone();
        bare.remove("LD_LIBRARY_PATH");
        let interpreter = interpreter.ok();
        let world = World {
            view,
            know,
            installation,
            question,
            catalogue: &catalogue,
            site: &site,
            system,
            gaps,
            hidden_packages,
            hidden_objects,
            hidden_libraries,
            library: Rc::default(),
            interpreter,
            bare,
        };
        ask(&world)
    }

    /// The process before its first import.
    pub(super) fn session(&self) -> Session<'_> {
        self.session_in(&self.question.variables, Detail::Versions, self.question.cpu)
    }

    /// The same on another CPU.
    pub(super) fn session_on(&self, cpu: CpuLevel) -> Session<'_> {
        self.session_in(&self.question.variables, Detail::Names, cpu)
    }

    /// The same, with every candidate that was passed over kept.
    pub(super) fn session_with_probes(&self) -> Session<'_> {
        self.session_in(&self.question.variables, Detail::Probes, self.question.cpu)
    }

    /// The same process without `LD_LIBRARY_PATH`; `None` when it is not set.
    pub(super) fn without_library_path(&self, imports: &[String]) -> Option<Process<'_>> {
        self.question.variables.non_empty("LD_LIBRARY_PATH")?;
        let mut session = self.session_in(&self.bare, Detail::Names, self.question.cpu);
        for import in imports {
            session.import_as_asked(import);
        }
        Some(session.process)
    }

    fn session_in<'s>(&'s self, variables: &'s Variables, detail: Detail, cpu: CpuLevel) -> Session<'s> {
        let store = self.catalogue.objects;
        let process = match (&self.system, &self.installation.real_executable) {
            (Ok(system), Some(executable)) => {
                let start = Start { executable, system, variables, cpu, detail };
                // CPython binds what it opens at once (`RTLD_NOW`).
                let binding = if detail == Detail::Names { Binding::Assumed } else { Binding::Checked };
                let surroundings = Surroundings { binding, ..Surroundings::default() };
                Process::start_in(store, &start, surroundings)
                    .unwrap_or_else(|_| Process::absent(store, System::unknown()))
            }
            (Err(_), _) | (_, None) => Process::absent(store, System::unknown()),
        };
        let library = Rc::clone(&self.library);
        let mut session = Session::new(process, self.catalogue, self.site, self.installation, variables, library);
        // The default process imports what is installed: what hides packages hides what they bring in.
        let hidden = self.hidden_packages.as_ref().filter(|_| self.question.imports.is_empty());
        session.untraced = session.untraced.or_else(|| hidden.cloned());
        session
    }

    /// Imports that were asked for, else those of the default process.
    pub(super) fn imports(&self) -> Vec<String> {
        if !self.question.imports.is_empty() {
            return self.question.imports.clone();
        }
        let installed = self.know.packages.iter().filter(|it| self.site.has_package(&it.import));
        let mut packages: Vec<_> = installed.collect();
        // What a program imports comes in its order; what else is installed may be imported by its modules.
        let order = |import: &String| self.question.first.iter().position(|it| it == import).unwrap_or(usize::MAX);
        packages.sort_by_key(|it| order(&it.import));
        packages.iter().flat_map(|it| it.default_imports.iter().cloned()).collect()
    }

    /// Each extension by itself.
    pub(super) fn alone(&self) -> Vec<(TreePath, Process<'_>)> {
        let Ok(system) = &self.system else { return Vec::new() };
        let (store, question) = (self.catalogue.objects, self.question);
        objects::alone(store, &self.site.files, system, &question.variables, question.cpu, self.interpreter())
    }

    /// Directories in which the loader could not look, so far.
    pub(super) fn closed(&self) -> Vec<Gap> {
        let closed = self.catalogue.objects.closed_directories().into_iter();
        closed.map(|(it, reason)| Gap::new(&it, Stage::Loader, reason, "which libraries lie there")).collect()
    }

    /// Linkage of the interpreter.
    pub(super) fn interpreter(&self) -> Option<&Linkage> {
        self.interpreter.as_ref()
    }
}

fn hidden_libraries(question: &Question) -> Option<Gap> {
    let variables = &question.variables;
    let hidden: Vec<&str> = SEARCH_VARIABLES.into_iter().filter(|it| variables.hidden(it).is_some()).collect();
    let first = hidden.first()?;
    let (names, reason) = (hidden.join(" and "), variables.hidden(first)?);
    // In a job the script has the last word.
    let of_image = question.image.as_ref().is_some_and(|it| it.env.variables().hidden(first) == Some(reason));
    let said: Vec<String> = hidden.iter().map(|it| format!("--env {it}=...")).collect();
    let advice = if of_image { format!(" (`{}` would say it)", said.join(" ")) } else { String::new() };
    let reason = format!("what is in {names} is not known{advice}: {reason}");
    Some(Gap::new(&TreePath::root(), Stage::Loader, reason, "which libraries the process maps"))
}

/// Discovery says of each gap what it hides. Those that hide a part of a package or of the interpreter hide no package; what
/// could not be read of an image does where packages are looked for.
fn may_hide_packages(gap: &Gap, installation: &Installation) -> bool {
    let searched = || installation.sys_path.iter().map(|it| &it.path);
    let is_near = || searched().any(|it| gap.path.is_below(it) || it.is_below(&gap.path));
    ["sys.path", "packages", "modules in it"].iter().any(|it| gap.hides.contains(it))
        || (matches!(gap.stage, Stage::Tree) && is_near())
}

fn interpreter(store: &Objects<'_>, installation: &Installation) -> Result<Linkage, Gap> {
    let hides = "every process of this environment";
    let Some(real) = &installation.real_executable else {
        let reason = "no interpreter is there";
        return Err(Gap::new(&installation.prefix, Stage::Discover, reason, hides));
    };
    let fail = |reason: String| Gap::new(real, Stage::Elf, reason, hides);
    let object = store.get(real).map_err(|error| fail(error.to_string()))?;
    object.linkage.clone().map_err(|error| fail(error.to_string()))
}

fn system(
    view: &View,
    installation: &Installation,
    interpreter: Result<&Linkage, &Gap>,
    gaps: &mut Vec<Gap>,
) -> Result<System, Gap> {
    let linkage = interpreter.map_err(Clone::clone)?;
    let at = installation.real_executable.clone().unwrap_or_else(|| installation.prefix.clone());
    let hides = "every process of this environment";
    let asked = linkage.interpreter.as_ref();
    let asked = asked.ok_or_else(|| Gap::new(&at, Stage::Loader, "it names no loader (PT_INTERP)", hides))?;
    System::read(view, asked, gaps)
}

/// An auditor may answer every request of the loader with another file.
fn altered(path: &TreePath, interpreter: &Linkage, variables: &Variables) -> Option<Gap> {
    let auditors = auditors(interpreter, variables);
    let first = auditors.first()?;
    let names: Vec<String> = auditors.iter().map(|it| printable(&it.name)).collect();
    let reason = format!("resolution may be altered by an auditor: {} names {}", first.named_by, names.join(", "));
    Some(Gap::new(path, Stage::Loader, reason, "which file answers each name"))
}
