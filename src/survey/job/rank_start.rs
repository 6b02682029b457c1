//! How the ranks of a launch learn who they are, and whether the MPI of the process speaks that.

use super::launches::Launch;
use super::pmi::{Fit, Library, Spoken};
use super::runs::Runs;
use super::threads::{is_told, setting};
use crate::facts::{AGREEMENT_OF, Fact, MpiUse};
use crate::job::Place;
use crate::launch::Placement;
use crate::registry::Setting;
use crate::survey::ledger::Ledger;

impl Runs<'_> {
    /// The type of process management, whether the MPI speaks it, and the library that it needs for that.
    pub(super) fn process_management(
        &self,
        launch: &Launch,
        placement: &Placement,
        ledger: &mut Ledger,
    ) -> (Fact<Option<String>>, Fact<String>, Fact<String>) {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        let none = |word: &str| Fact::known(word.to_owned(), because.clone());
        // The launcher of an MPI speaks to its own library; only a scheduler's has a default that the site chose.
        let lines = &self.reading.know.launch_lines;
        let chosen = placement.pmi.is_some() || lines.is_of_scheduler(&launch.line);
        if !chosen || !lines.chooses_process_management(&launch.line) {
            return (Fact::known(None, because.clone()), none("none"), none("not-needed"));
        }
        let kind = match &placement.pmi {
            Some(value) => match ledger.text_of(value, at, "which process management the ranks get") {
                Fact::Known { value, because, .. } => Fact::known(Some(value), because),
                Fact::Unknown { unknown } => Fact::unknown(unknown),
            },
            None => self.default_process_management(at, ledger),
        };
        if self.no_mpi() {
            return (kind, none("none"), none("not-needed"));
        }
        let Some((mpi, vendor)) = self.mpi().and_then(|it| Some((it, it.vendor.value()?))) else {
            let open = |ledger: &mut Ledger| {
                ledger.open(at, "which MPI the process loads is not known", "whether it speaks that")
            };
            return (kind, open(ledger), open(ledger));
        };
        let spoken = self.reading.know.process_management.of(vendor);
        let fits = fits(spoken, &kind, mpi, at, ledger);
        let needed =
            |it: &&Library| !kind.value().is_some_and(|kind| it.is_spared(kind.as_deref(), mpi.version.value()));
        let library = match spoken.and_then(|it| it.library.as_ref()).filter(needed) {
            None => none("not-needed"),
            Some(library) => match setting(&launch.environment, &library.variable) {
                Setting::Value(text) if text.is_empty() || library.wrong.is_match(&text) => none("missing"),
                Setting::Value(_) => none("set"),
                Setting::Unset => none("missing"),
                Setting::Unknown(reason) => ledger.open(at, &reason, &format!("whether {} is set", library.variable)),
            },
        };
        (kind, fits, library)
    }

    /// The type that a launch gets which asks for none.
    fn default_process_management(&self, at: &Place, ledger: &mut Ledger) -> Fact<Option<String>> {
        match self.reading.question.site.and_then(|it| Some((it, it.scheduler.mpi_default.as_ref()?))) {
            Some((site, stated)) => {
                let line = Place { file: site.path.clone(), line: stated.line, ..Place::default() };
                let because = vec![ledger.place(at), ledger.place(&line)];
                Fact::known(Some(stated.value.clone()), because)
            }
            None => ledger.open(
                at,
                "[scheduler] mpi_default in the site profile would say it",
                "which process management the ranks get",
            ),
        }
    }

    /// The MPI of the loaded modules against the one that the process loads.
    pub(super) fn module_mpi(&self, launch: &Launch, ledger: &mut Ledger) -> (Fact<Option<String>>, Fact<String>) {
        let at = &launch.line.place;
        let recorded = self.reading.recorded();
        let asked = self.reading.asked(None, &recorded);
        let (found, places) = asked.by_modules(&launch.environment);
        let because = ledger.resting(&places, at);
        let Some((word, version)) = found else {
            if let Some(reason) = asked.unsaid_module(&launch.environment) {
                let hides = "which MPI the loaded modules bring";
                return (ledger.open(at, &reason, hides), ledger.open(at, &reason, hides));
            }
            return (Fact::known(None, because.clone()), Fact::known("none".to_owned(), because));
        };
        let text = version.as_ref().map_or_else(|| word.clone(), |it| format!("{word} {it}"));
        let module = Fact::known(Some(text), because.clone());
        let open = |ledger: &mut Ledger| {
            ledger.open(at, "which MPI the process loads is not known", "whether it is that of the module")
        };
        if self.no_mpi() {
            return (module, Fact::known("none".to_owned(), because));
        }
        let Some(mpi) = self.mpi() else { return (module, open(ledger)) };
        let agreement = match (mpi.vendor.value(), mpi.version.value(), version) {
            (Some(vendor), _, _) if *vendor != word => "other",
            (Some(_), Some(own), Some(version)) => {
                if series(own) == series(&version) {
                    "same"
                } else {
                    "other-version"
                }
            }
            (Some(_), _, None) => "same",
            (_, _, _) => return (module, open(ledger)),
        };
        (module, Fact::known(agreement.to_owned(), because))
    }

    /// Whether the process is known to load no MPI.
    fn no_mpi(&self) -> bool {
        match self.mpi() {
            Some(mpi) => is_none(mpi),
            None => is_told(&self.facts.process.mpi, |_| true),
        }
    }

    /// MPI of the process, as the packages of the interface use it.
    fn mpi(&self) -> Option<&MpiUse> {
        let uses = self.facts.process.mpi.value().into_iter().flatten();
        let own = uses.clone().find(|it| it.user == AGREEMENT_OF[0]);
        own.or_else(|| uses.into_iter().find(|it| !is_none(it)))
    }
}

fn is_none(mpi: &MpiUse) -> bool {
    mpi.vendor.value().is_some_and(|it| it == "none")
}

/// Whether an MPI speaks a type of process management.
fn fits(
    spoken: Option<&Spoken>,
    kind: &Fact<Option<String>>,
    mpi: &MpiUse,
    at: &Place,
    ledger: &mut Ledger,
) -> Fact<String> {
    let hides = "whether the ranks find each other";
    let mut shown = kind.because().to_vec();
    shown.extend(mpi.vendor.because());
    shown.push(ledger.place(at));
    match (spoken, kind) {
        (_, Fact::Unknown { unknown }) => Fact::unknown(*unknown),
        (None, _) => ledger.open(at, "nothing is known of what this MPI speaks", hides),
        (Some(_), Fact::Known { value: None, .. }) => ledger.open(at, "the type is not known", hides),
        (Some(spoken), Fact::Known { value: Some(kind), .. }) => {
            match spoken.fits(kind, mpi.version.value().map(String::as_str)) {
                Fit::Yes => Fact::known("yes".to_owned(), shown),
                Fit::No => Fact::known("no".to_owned(), shown),
                Fit::Open(reason) => ledger.open(at, &reason, hides),
            }
        }
    }
}

/// `4.1` of `4.1.6`.
fn series(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}
