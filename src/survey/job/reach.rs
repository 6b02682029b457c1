//! What of the script reaches the ranks of a launch: variables, the interpreter, lists of CPUs.

use super::JobReading;
use super::launches::Launch;
use super::places::whole;
use super::runs::Runs;
use super::scripts::of_every_rank;
use super::threads::said;
use crate::facts::Fact;
use crate::job::{Binding, Place, Value};
use crate::launch::{Change, Placement};
use crate::survey::ledger::Ledger;

impl Runs<'_> {
    /// Variables of the script that ranks on other nodes do not get.
    pub(super) fn not_forwarded(
        &self,
        launch: &Launch,
        placement: &Placement,
        ledger: &mut Ledger,
    ) -> Fact<Vec<String>> {
        let at = &launch.line.place;
        let mut because = vec![ledger.place(at)];
        if !self.reading.know.launch_lines.forwards_listed(&launch.line) {
            return Fact::known(Vec::new(), because);
        }
        match placement.nodes.value {
            Some(1) => return Fact::known(Vec::new(), because),
            Some(_) => {}
            None => return ledger.open(at, &placement.nodes.reason(), "whether ranks run on other nodes"),
        }
        let listed: Vec<&str> = launch
            .changes
            .iter()
            .filter_map(|it| match &it.change {
                Change::Set { name, .. } | Change::Forward(name) => Some(name.as_str()),
                Change::Remove(_) | Change::KeepNone | Change::KeepAll | Change::Unknown(_) => None,
            })
            .collect();
        let mut names = Vec::new();
        for (name, binding) in launch.command.environment.iter() {
            let Binding::Set(value) = binding else { continue };
            let from_script = value.places.first().is_some_and(|it| 0 < it.line && 0 < it.column);
            if from_script && !listed.contains(&name) && self.reading.reaches_ranks(name) {
                names.push(said(&launch.command.environment, name));
                because.extend(ledger.places(&value.places));
            }
        }
        if let (false, Some(scheduler)) = (names.is_empty(), &self.reading.request.scheduler) {
            let reason = format!(
                "{} is handed on if {scheduler} starts the launcher's daemons with the environment of the job",
                names.join(", ")
            );
            return ledger.open(at, &reason, "whether ranks on other nodes get the settings of the script");
        }
        Fact::known(names, because)
    }

    /// Another launcher among the words of the program.
    pub(super) fn nested(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<Option<String>> {
        let because = vec![ledger.place(&launch.line.place)];
        let found = match &launch.line.launcher {
            Some(_) => {
                self.reading.know.launch_lines.is_launch(&launch.line.program).filter(|it| !it.candidates.is_empty())
            }
            None => None,
        };
        let inner =
            found.and_then(|it| launch.line.program.get(it.at)).map(|it| (it.value.display(), it.place.clone()));
        match inner {
            Some((name, place)) => {
                Fact::known(Some(name), vec![ledger.place(&launch.line.place), ledger.place(&place)])
            }
            None => Fact::known(None, because),
        }
    }

    pub(super) fn python(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<Option<String>> {
        let because = vec![ledger.place(&launch.line.place)];
        let Some(start) = &launch.python else { return Fact::known(None, because) };
        match (launch.interpreter(self.reading.view), start.interpreter.value.text()) {
            (Some(path), _) => Fact::known(Some(path.text()), because),
            (None, Some(word)) => {
                let reason = format!("which {word} the PATH of the job gives is not known");
                ledger.open(&start.interpreter.place, &reason, "which interpreter it starts")
            }
            (None, None) => ledger.open(&start.interpreter.place, "it is not known", "which interpreter it starts"),
        }
    }

    /// Whether the interpreter that the line starts is the audited one.
    pub(super) fn python_agreement(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<String> {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        if launch.python.is_none() {
            return Fact::known("none".to_owned(), because);
        }
        let hides = "whether the audited Python is the one that runs";
        // The Python of an image is that of the image.
        if launch.line.wrappers().any(|it| it.container.is_some()) {
            return ledger.open(at, "an image has its own Python", hides);
        }
        let (path, audited) = (launch.interpreter(self.reading.view), &self.facts.environment.python);
        let (Some(path), Some(executable)) = (path, audited.executable.value()) else {
            return ledger.open(
                at,
                "the path of the audited Python or of the one that the line starts is not known",
                hides,
            );
        };
        let inside = |prefix: &String| path.text().starts_with(&format!("{prefix}/"));
        let same = match self.reading.view.resolve(path.as_bytes()) {
            // Two virtual environments share one interpreter: the prefix tells them apart.
            Ok(real) => {
                let kind = audited.kind.value();
                real.text() == *executable
                    && (audited.prefix.value().is_none_or(inside) || kind.is_some_and(|it| it != "venv"))
            }
            // Saved facts are of another machine, where links are not to be seen.
            Err(_) if path.text() == *executable || audited.prefix.value().is_some_and(inside) => true,
            Err(_) => return ledger.open(at, &format!("{} is not on this machine", path.text()), hides),
        };
        Fact::known(if same { "same" } else { "other" }.to_owned(), because)
    }
}

/// Variables of the script that the launch line keeps from its ranks altogether.
pub(super) fn dropped(launch: &Launch, reading: &JobReading<'_>, ledger: &mut Ledger) -> Fact<Vec<String>> {
    let at = &launch.line.place;
    let containers = launch.line.wrappers().filter(|it| it.container.is_none()).flat_map(|it| &it.changes);
    let (mut emptied, mut unknown): (Vec<&Place>, Vec<&Place>) = (Vec::new(), Vec::new());
    for it in launch.changes.iter().chain(containers) {
        match it.change {
            Change::KeepNone => emptied.push(&it.place),
            Change::Unknown(_) => unknown.push(&it.place),
            Change::Set { .. } | Change::Remove(_) | Change::Forward(_) | Change::KeepAll => {}
        }
    }
    let mut because = vec![ledger.place(at)];
    let mut names = Vec::new();
    let mut open = None;
    for (name, binding) in launch.command.environment.iter() {
        let after = launch.environment.get(name);
        let gone = matches!(&after, Binding::Unset(place) if emptied.contains(&place));
        let of_script = matches!(binding, Binding::Set(value) if value.places.first().is_some_and(|it| 0 < it.line && 0 < it.column));
        let matters = name == "PATH" || (of_script && reading.reaches_ranks(name));
        if let (Binding::Unknown { reason, place }, true) = (&after, of_script && matters)
            && unknown.contains(&place)
        {
            let hides = "which settings of the script reach the ranks";
            open = open.or_else(|| ledger.open::<()>(place, reason, hides).gap());
        }
        if gone && matters {
            names.push(said(&launch.command.environment, name));
            if let Binding::Set(value) = binding {
                because.extend(ledger.places(&value.places));
            }
        }
    }
    for place in emptied {
        because.push(ledger.place(place));
    }
    whole(names, because, open)
}

/// A list of CPUs that a wrapper between launcher and program gives every rank.
pub(super) fn fixed_cpu_list(launch: &Launch, of_rank: &[String], ledger: &mut Ledger) -> Fact<Option<String>> {
    let at = &launch.line.place;
    let found = launch.line.inner.iter().find_map(|it| Some((it, it.cpus.as_ref()?)));
    match found {
        None => Fact::known(None, vec![ledger.place(at)]),
        Some((wrapper, value)) => match ledger.text_of(value, &wrapper.place, "which CPUs every rank is given") {
            Fact::Known { value, .. } => {
                let because = vec![ledger.place(&wrapper.place), ledger.place(at)];
                Fact::known(Some(value), because)
            }
            // What differs from rank to rank is no fixed list.
            Fact::Unknown { .. } if differs(value, launch, of_rank) => {
                Fact::known(None, vec![ledger.place(&wrapper.place)])
            }
            Fact::Unknown { unknown } => Fact::unknown(unknown),
        },
    }
}

/// Whether a value rests on what is another in every rank.
fn differs(value: &Value, launch: &Launch, of_rank: &[String]) -> bool {
    let apart = |name: &&String| matches!(launch.environment.get(name), Binding::Unknown { reason, .. } if reason == of_every_rank(name));
    let names = || of_rank.iter().filter(apart);
    value.first_unknown().is_some_and(|(what, _)| names().any(|name| what.contains(name.as_str())))
}
