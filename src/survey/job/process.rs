//! The process of the facts, as the first launch of the job starts it: its variables, its user site, its launcher.

use super::JobKnowledge;
use super::launches::Launch;
use super::places::{known_text, named, whole};
use super::python_start::PythonStart;
use super::surroundings::list_entries;
use super::whose::Owner;
use crate::base::{Glob, Variables};
use crate::facts::{Fact, Facts, Launcher, Variable};
use crate::job::{Binding, Environment, Place, Rest};
use crate::survey::ledger::Ledger;
use crate::survey::relations::against_launcher;

/// What switches the user site off, and the words that do not.
pub(super) const NO_USER_SITE: &str = "PYTHONNOUSERSITE";
const NOT_OFF: [&str; 2] = ["", "0"];

/// What is known of variables: a list of which some entries are known holds these, and hides the others. `shown` says a place;
/// what has none comes from `otherwise`.
pub(super) fn known(environment: &Environment, otherwise: &str, shown: fn(&Place) -> String) -> Variables {
    let mut variables = Variables::default();
    for (name, binding) in environment.iter() {
        let value = match binding {
            Binding::Set(value) => value,
            Binding::Unset(_) => continue,
            Binding::Unknown { reason, place } => {
                variables.hide(name, &format!("{}: {reason}", shown(place)));
                continue;
            }
        };
        let origin = value.places.first().filter(|it| 0 < it.line).map_or_else(|| otherwise.to_owned(), shown);
        if let Some(text) = value.text() {
            variables.set(name, text, &origin);
            continue;
        }
        let entries: Vec<String> = list_entries(value).into_iter().flatten().collect();
        if !entries.is_empty() {
            variables.set(name, entries.join(":"), &origin);
        }
        variables.hide(name, &format!("{origin}: {name} is {}, which is computed", value.display()));
    }
    if let Rest::Unknown { reason, place } = environment.rest() {
        variables.hide_rest(&format!("{}: {reason}", shown(place)));
    }
    variables
}

/// Variables that a registered reader reads, as the launch gives them to the process.
pub(super) fn variables(
    environment: &Environment,
    at: &Place,
    know: &JobKnowledge<'_>,
    ledger: &mut Ledger,
) -> Fact<Vec<Variable>> {
    let mut list = Vec::new();
    let mut because = Vec::new();
    for (name, binding) in environment.iter().filter(|(name, _)| know.audit.variables.records(name.as_bytes())) {
        match binding {
            Binding::Set(value) => {
                let origin = value.places.first().map_or_else(|| "caller".to_owned(), named);
                let value = ledger.text_of(value, at, &format!("what {name} is in the job"));
                because.extend(value.because().to_vec());
                list.push(Variable { name: name.to_owned(), value, origin });
            }
            // Whether it is set at all is not known: its value is what cannot be said.
            Binding::Unknown { reason, place } => {
                let value = ledger.open(place, reason, &format!("what {name} is in the job"));
                list.push(Variable { name: name.to_owned(), value, origin: named(place) });
            }
            Binding::Unset(_) => {}
        }
    }
    match environment.rest() {
        Rest::Unset => Fact::known(list, because),
        Rest::Unknown { reason, place } => {
            let open = ledger.open::<()>(place, reason, "which other variables the process has");
            whole(list, because, open.gap())
        }
    }
}

/// Whether the process of the launch puts the user site on `sys.path`.
pub(super) fn user_site(
    facts: &Facts,
    launch: &Launch,
    start: &PythonStart,
    at: &Place,
    ledger: &mut Ledger,
) -> Fact<bool> {
    let because = |ledger: &mut Ledger| vec![ledger.place(at)];
    if start.no_user_site || launch.hides_home() {
        return Fact::known(false, because(ledger));
    }
    let site = &facts.environment.user_site;
    // What the installation itself forbids, no variable allows.
    let kind = &facts.environment.python.kind;
    if kind.value().is_some_and(|it| it == "venv") {
        return site.enabled.clone();
    }
    let enabled = by_variable(launch, start, at, ledger);
    match (enabled.value(), kind) {
        (Some(true), Fact::Unknown { unknown }) => Fact::unknown(*unknown),
        (_, _) => enabled,
    }
}

/// Whether the variables of the launch leave the user site on.
fn by_variable(launch: &Launch, start: &PythonStart, at: &Place, ledger: &mut Ledger) -> Fact<bool> {
    let because = |ledger: &mut Ledger| vec![ledger.place(at)];
    match launch.environment.get(NO_USER_SITE) {
        _ if start.ignores_variables => Fact::known(true, because(ledger)),
        Binding::Unset(place) => {
            let mut shown = because(ledger);
            shown.extend(ledger.places(&[place]));
            Fact::known(true, shown)
        }
        Binding::Unknown { reason, place } => {
            ledger.open(&place, &reason, "whether packages of the user shadow this environment")
        }
        Binding::Set(value) => match value.text() {
            Some(text) => {
                let mut shown = ledger.resting(&value.places, at);
                shown.push(ledger.place(at));
                Fact::known(NOT_OFF.contains(&text.as_str()), shown)
            }
            None if value.is_certainly_not_empty() => Fact::known(false, ledger.resting(&value.places, at)),
            None => ledger.open(
                at,
                &format!("{NO_USER_SITE} is not known"),
                "whether packages of the user shadow this environment",
            ),
        },
    }
}

/// The launcher of the launch line, in the place of the one that a user would type.
pub(super) fn launcher(facts: &mut Facts, owner: &Owner, at: &Place, ledger: &mut Ledger) {
    let because = ledger.resting(&owner.places, at);
    let known = |text: String| Fact::known(text, because.clone());
    let before = &facts.environment.launcher;
    let open = |ledger: &mut Ledger| ledger.open(at, &owner.unknown, "whose launcher it is");
    let launcher = Launcher {
        // Where it lies is not always known; then it is called as the script calls it.
        path: Fact::known(Some(owner.path.clone().unwrap_or_else(|| owner.written.clone())), because.clone()),
        vendor: match &owner.word {
            Some(word) => known(word.clone()),
            None => open(ledger),
        },
        version: match &owner.version {
            Some(version) => known(version.clone()),
            None => ledger.open(at, "nothing says the version of the launcher", "the version of the launcher"),
        },
        abi: match (&owner.word, owner.abis.as_slice()) {
            (None, _) => open(ledger),
            (Some(_), []) => known("any".to_owned()),
            (Some(_), abis) => known(abis.join(" ")),
        },
        pmi: before.pmi.clone(),
    };
    if let Fact::Known { value: uses, .. } = &mut facts.process.mpi {
        for it in uses.iter_mut() {
            it.launcher_agreement = match against_launcher(it, &launcher) {
                // A launcher that starts the ranks of any MPI: what it has to speak is another question.
                _ if owner.word.is_some() && owner.abis.is_empty() => {
                    Fact::known("no-launcher".to_owned(), because.clone())
                }
                // That of a scheduler is made for every library of its ABI.
                Fact::Known { value, because, .. } if value == "same-abi" && !owner.of_library => {
                    Fact::known("same".to_owned(), because)
                }
                agreement @ (Fact::Known { .. } | Fact::Unknown { .. }) => agreement,
            };
        }
    }
    facts.environment.launcher = launcher;
}

/// The value of a variable, when it is known.
pub(super) fn text(environment: &Environment, name: &str) -> Option<String> {
    known_text(&environment.get(name))
}

/// Whether a name fits one of the globs.
pub(super) fn fits_any(globs: &[String], name: &str) -> bool {
    globs.iter().any(|it| Glob::new(it).matches(name.as_bytes()))
}
