//! What a launch that starts an image lets into it.

use super::launches::Launch;
use super::places::{named, whole};
use super::process::fits_any;
use super::{JobKnowledge, JobReading};
use crate::facts::{EvidenceId, Fact, Facts};
use crate::job::{Binding, Environment, Place, Rest, Value};
use crate::launch::{Change, Container, Line, Wrapper};
use crate::survey::ledger::Ledger;

/// Facts about the image of one launch.
pub(super) struct Image {
    pub(super) image: Fact<Option<String>>,
    pub(super) leaks: Fact<Vec<String>>,
    pub(super) home_visible: Fact<bool>,
    pub(super) image_wins: Fact<Vec<String>>,
}

/// The container in which a launch starts its program.
pub(super) fn of(launch: &Launch) -> Option<(&Wrapper, &Container)> {
    launch.line.wrappers().find_map(|it| Some((it, it.container.as_ref()?)))
}

/// What the container of a launch lets in; nothing where there is none.
pub(super) fn image(reading: &JobReading<'_>, launch: &Launch, facts: &Facts, ledger: &mut Ledger) -> Image {
    let Some((wrapper, container)) = of(launch) else {
        let because = vec![ledger.place(&launch.line.place)];
        return Image {
            image: Fact::known(None, because.clone()),
            leaks: Fact::known(Vec::new(), because.clone()),
            home_visible: Fact::known(false, because.clone()),
            image_wins: Fact::known(Vec::new(), because),
        };
    };
    let at = &wrapper.place;
    let inside = Inside { launch, own: reading.image_env(Some(facts)), container, at, set_inside: set_inside(wrapper) };
    Image {
        image: match &container.image {
            Some(image) => Fact::known(Some(image.display()), ledger.resting(&image.places, at)),
            None => ledger.open(at, "which image it starts is not known", "the image"),
        },
        leaks: inside.leaks(reading.know, ledger),
        home_visible: inside.home_visible(ledger),
        image_wins: inside.image_wins(ledger),
    }
}

/// Adds what the image itself sets; `host` is the environment outside it.
pub(super) fn fill(line: &Line, own: Option<&Environment>, host: &Environment, environment: &mut Environment) {
    let found = line.wrappers().find_map(|it| Some((it, it.container.as_ref()?)));
    let (Some((wrapper, container)), Some(own)) = (found, own) else { return };
    let set_inside = set_inside(wrapper);
    let carried = |name: &str| set_inside.contains(&name) || is_carried(container, host, name);
    // It is the line that brings in what the image sets, and no word of it: nobody wrote a setting there.
    let place = &Place { column: 0, length: 0, ..wrapper.place.clone() };
    let given: Vec<String> = environment.iter().map(|(name, _)| name.to_owned()).collect();
    if let (Rest::Unknown { reason, .. }, true) = (own.rest(), container.image_wins) {
        for name in given.iter().filter(|it| own.own(it).is_none() && !carried(it)) {
            environment.set(name, Binding::Unknown { reason: reason.clone(), place: place.clone() });
        }
    }
    environment.set_rest(match own.rest() {
        Rest::Unset => Rest::Unset,
        Rest::Unknown { reason, .. } => Rest::Unknown { reason: reason.clone(), place: place.clone() },
    });
    for (name, binding) in own.iter() {
        if environment.value(name).is_some() && (!container.image_wins || carried(name)) {
            continue;
        }
        match binding {
            Binding::Set(value) => {
                environment.set(name, Binding::Set(Value { places: vec![place.clone()], ..value.clone() }))
            }
            Binding::Unset(_) => {}
            Binding::Unknown { reason, .. } => {
                environment.set(name, Binding::Unknown { reason: reason.clone(), place: place.clone() });
            }
        }
    }
}

/// Variables that the line itself gives to the image.
fn set_inside(wrapper: &Wrapper) -> Vec<&str> {
    let changes = wrapper.changes.iter().filter_map(|it| match &it.change {
        Change::Set { name, .. } => Some(name.as_str()),
        Change::Remove(_) | Change::Forward(_) | Change::KeepNone | Change::KeepAll | Change::Unknown(_) => None,
    });
    changes.collect()
}

/// Whether a variable of another name brings the value into the image: `APPTAINERENV_NAME`.
fn is_carried(container: &Container, host: &Environment, name: &str) -> bool {
    container.prefixes.iter().any(|it| host.value(&format!("{it}{name}")).is_some())
}

/// Why nothing is said of a variable of an image that was not read.
const NOT_KNOWN: &str = "what the image itself sets is not known";

struct Inside<'a> {
    launch: &'a Launch,
    /// What the image itself sets, where that is known.
    own: Option<Environment>,
    container: &'a Container,
    at: &'a Place,
    /// Variables that the line itself gives to the image.
    set_inside: Vec<&'a str>,
}

impl Inside<'_> {
    fn host(&self) -> &Environment {
        &self.launch.command.environment
    }

    fn lets_in(&self) -> bool {
        self.container.passes_environment && self.container.clean.is_none()
    }

    /// What the image itself says of a variable.
    fn own(&self, name: &str) -> Binding {
        match &self.own {
            Some(own) => own.get(name),
            None => Binding::Unknown { reason: NOT_KNOWN.to_owned(), place: self.at.clone() },
        }
    }

    /// Variables of the script that get in and change what Python does.
    fn leaks(&self, know: &JobKnowledge<'_>, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let (mut list, mut because) = (Vec::new(), Vec::new());
        let hides = "which variables of the script enter the image";
        let mut open = None;
        if let (true, Rest::Unknown { reason, place }) = (self.lets_in(), self.host().rest()) {
            open = ledger.open::<()>(place, reason, hides).gap();
        }
        if self.lets_in() {
            for (name, binding) in self.host().iter().filter(|(name, _)| fits_any(&know.shell.changes_image, name)) {
                let kept_out = fits_any(&self.container.never, name) || self.set_inside.contains(&name);
                let value = match binding {
                    Binding::Set(value) => value,
                    Binding::Unknown { reason, place } if !kept_out => {
                        open = open.or_else(|| ledger.open::<()>(place, reason, hides).gap());
                        continue;
                    }
                    Binding::Unknown { .. } | Binding::Unset(_) => continue,
                };
                let overridden = self.container.image_wins && matches!(self.own(name), Binding::Set(_));
                let empty = value.text().is_some_and(|it| it.is_empty());
                if kept_out || overridden || empty {
                    continue;
                }
                let place = value.places.first().map_or_else(|| "the submitting shell".to_owned(), named);
                list.push(format!("{name}={} ({place})", value.display()));
                because.extend(ledger.places(&value.places));
            }
        }
        because.push(ledger.place(self.at));
        whole(list, because, open)
    }

    /// Whether the user site of the home directory is seen: the home is mounted, and nothing switches the user site off.
    fn home_visible(&self, ledger: &mut Ledger) -> Fact<bool> {
        let because: Vec<EvidenceId> = vec![ledger.place(self.at)];
        if !self.container.home || self.container.no_home.is_some() {
            return Fact::known(false, because);
        }
        let hides = "whether the user site is seen in the image";
        let off = |text: Option<String>| text.is_some_and(|it| !it.is_empty() && it != "0");
        let name = super::process::NO_USER_SITE;
        let from_host = if self.lets_in() { self.host().get(name) } else { Binding::Unset(Place::default()) };
        let given = match (self.launch.environment.value(name), from_host) {
            (Some(value), _) => Some(value.clone()),
            (None, Binding::Set(value)) => Some(value),
            (None, Binding::Unset(_)) => None,
            (None, Binding::Unknown { reason, place }) => return ledger.open(&place, &reason, hides),
        };
        let open = given.as_ref().is_some_and(|it| !it.is_known() && !it.is_certainly_not_empty());
        let ranks = given.is_some_and(|it| off(it.text()) || it.is_certainly_not_empty());
        let switched_off = self.launch.python.as_ref().is_some_and(|it| it.no_user_site);
        match self.own(name) {
            _ if ranks || switched_off => Fact::known(false, because),
            _ if open => ledger.open(self.at, &format!("{name} is not known"), hides),
            Binding::Set(value) if value.is_known() => Fact::known(!off(value.text()), because),
            Binding::Set(value) => ledger.open(self.at, &format!("{name} in the image is {}", value.display()), hides),
            Binding::Unset(_) => Fact::known(true, because),
            Binding::Unknown { reason, .. } => ledger.open(self.at, &reason, hides),
        }
    }

    /// Variables of the script that the image sets otherwise.
    fn image_wins(&self, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let mut because = vec![ledger.place(self.at)];
        let mut list = Vec::new();
        if !self.container.image_wins {
            return Fact::known(list, because);
        }
        let mut open = None;
        for (name, binding) in self.host().iter() {
            let Binding::Set(value) = binding else { continue };
            let carried = self.set_inside.contains(&name) || is_carried(self.container, self.host(), name);
            let from_script = value.places.first().is_some_and(|it| 0 < it.line);
            // The search path of programs is the image's own business.
            if carried || !from_script || name == "PATH" {
                continue;
            }
            match self.own(name) {
                Binding::Set(own) if !own.says_the_same(value) => {
                    list.push(format!("{name}={}, in the image {}", value.display(), own.display()));
                    because.extend(ledger.places(&value.places));
                }
                Binding::Unknown { reason, .. } => {
                    open =
                        open.or_else(|| ledger.open::<()>(self.at, &reason, "which variables of the image win").gap());
                }
                Binding::Set(_) | Binding::Unset(_) => {}
            }
        }
        whole(list, because, open)
    }
}
