//! Whether another order of the same imports would give another process.
//!
//! Imports are performed again only where the process at hand shows that it can matter: a soname that stands for two
//! files, a library that something opened for everybody, a library that only an earlier import makes available. Only
//! the imports that are involved change places.

use std::collections::{BTreeSet, HashMap};

use super::bindings::{self, Answer};
use super::builder::Builder;
use super::session::Session;
use super::world::World;
use crate::base::{TreePath, printable};
use crate::facts::{Fact, OrderEffect, SharedSoname};
use crate::loader::{Failure, ObjectIndex, Process};

/// Up to so many imports all orders are tried, else each one comes first once.
const ALL_ORDERS_OF: usize = 5;

/// A difference between two orders.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    kind: &'static str,
    name: String,
    object: Option<TreePath>,
    here: String,
    there: String,
}

/// What the loader would give extensions by themselves.
type Alone<'v> = [(TreePath, Process<'v>)];

impl Builder<'_, '_> {
    /// What another order of the imports changes.
    pub(super) fn order_effects(
        &mut self,
        world: &World<'_>,
        imports: &[String],
        answers: &[Answer<'_>],
        alone: &Alone<'_>,
        shared: &Fact<Vec<SharedSoname>>,
    ) -> Fact<Vec<OrderEffect>> {
        let involved = self.involved(imports, answers, alone, shared);
        let mut effects: Vec<OrderEffect> = Vec::new();
        let mut known: Vec<Difference> = Vec::new();
        for order in orders(imports, &involved) {
            let mut other = world.session();
            for import in &order {
                other.import_as_asked(import);
            }
            for difference in differences(self.session, &other, answers) {
                // One library instead of another answers many symbols: the first stands for all.
                let same = |it: &Difference| {
                    let names = it.kind == "binding" || it.name == difference.name;
                    names && (it.kind, &it.here, &it.there) == (difference.kind, &difference.here, &difference.there)
                };
                if !known.iter().any(same) {
                    known.push(difference.clone());
                    effects.push(self.order_effect(imports, &order, difference));
                }
            }
        }
        self.list(effects, Vec::new())
    }

    fn order_effect(&mut self, imports: &[String], order: &[String], it: Difference) -> OrderEffect {
        let at = it.object.clone().unwrap_or_else(TreePath::root);
        let here = self.ledger.note(&at, format!("{}: {} in the order {}", it.name, it.here, imports.join(", ")));
        let there = self.ledger.note(&at, format!("{}: {} in the order {}", it.name, it.there, order.join(", ")));
        let same_build = match it.kind {
            "file" if is_hashed(&it.name) => Fact::known(true, vec![here, there]),
            "file" | "binding" if it.there.starts_with('/') => {
                self.same_build(&TreePath::new(&it.here), &TreePath::new(&it.there))
            }
            _ => Fact::known(false, vec![here, there]),
        };
        OrderEffect {
            order: imports.to_vec(),
            other_order: order.to_vec(),
            kind: it.kind.to_owned(),
            name: it.name,
            object: it.object.map(|it| it.text()).unwrap_or_default(),
            here: Fact::known(it.here, vec![here]),
            there: Fact::known(it.there, vec![there]),
            same_build,
        }
    }

    /// Imports whose order can matter, as far as this process shows it.
    fn involved(
        &self,
        imports: &[String],
        answers: &[Answer<'_>],
        alone: &Alone<'_>,
        shared: &Fact<Vec<SharedSoname>>,
    ) -> BTreeSet<String> {
        let mut pairs = self.by_soname(shared);
        pairs.extend(self.by_mask(alone));
        pairs.extend(self.by_global_scope(answers));
        pairs.extend(self.by_choice(imports));
        let apart = pairs.into_iter().filter(|(one, other)| one != other);
        let all = apart.flat_map(|(one, other)| [one, other]);
        all.filter(|it| imports.contains(it)).collect()
    }

    /// A soname that stands for two different files: who brought the first, and who would have brought the second.
    fn by_soname(&self, shared: &Fact<Vec<SharedSoname>>) -> Vec<(String, String)> {
        let apart = |it: &&SharedSoname| it.same_build.value() != Some(&true) && !is_hashed(&it.soname);
        let shared = shared.value().into_iter().flatten().filter(apart);
        let pair = |it: &SharedSoname| {
            let used = self.session.process.loaded_as(it.soname.as_bytes())?;
            Some((self.import_of(used)?, self.import_of_file(&it.object)?))
        };
        shared.filter_map(pair).collect()
    }

    /// Extensions that work or fail because of what is in the process, and not by what they find themselves.
    fn by_mask(&self, alone: &Alone<'_>) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (path, process) in alone {
            let Some(import) = self.import_of_file(&path.text()) else { continue };
            for failure in &process.start_failures {
                let Failure::Missing(missing) = failure else { continue };
                let there = self.session.process.loaded_as(&missing.soname).and_then(|it| self.import_of(it));
                pairs.extend(there.map(|it| (it, import.clone())));
            }
            // A failed extension is not among those of which a soname is known to stand for two files.
            if self.session.failures.iter().any(|it| it.extension.as_ref() == Some(path)) {
                for own in process.objects.iter().skip(1) {
                    let soname = own.object.linkage.as_ref().ok().and_then(|it| it.soname.clone()).unwrap_or_default();
                    let used = self.session.process.loaded_as(&soname);
                    let other = used.and_then(|it| self.session.process.objects.get(it));
                    if other.is_some_and(|it| it.object.id != own.object.id) {
                        let brought = used.and_then(|it| self.import_of(it));
                        pairs.extend(brought.map(|it| (it, import.clone())));
                    }
                }
            }
        }
        pairs
    }

    /// A library that something opened for everybody answers those who come later, and not those who came before.
    fn by_global_scope(&self, answers: &[Answer<'_>]) -> Vec<(String, String)> {
        if self.session.published.is_empty() {
            return Vec::new();
        }
        let mut definers: HashMap<&[u8], Option<ObjectIndex>> = HashMap::new();
        let mut pairs = Vec::new();
        for answer in answers {
            let find = || bindings::published_definer(self.session, answer.symbol);
            let Some(definer) = *definers.entry(answer.symbol).or_insert_with(find) else { continue };
            if answer.provider == Some(definer) && answer.own.is_none_or(|own| own == definer) {
                continue;
            }
            let scope_holds = |root: ObjectIndex| self.session.process.scope(root).contains(&definer);
            let publisher = self.session.published.iter().find(|(_, root)| scope_holds(*root)).map(|(by, _)| *by);
            // A library and its own layers are one.
            if publisher.is_some() && (publisher == answer.own || publisher == answer.provider) {
                continue;
            }
            let pair = publisher.and_then(|it| Some((self.import_of(it)?, self.import_of(answer.object)?)));
            pairs.extend(pair);
        }
        pairs
    }

    /// A package that found nothing to choose, of what another import has brought in.
    fn by_choice(&self, imports: &[String]) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for chosen in self.session.choices.iter().filter(|it| it.picked.is_none()) {
            let import = imports.iter().find(|it| it.split('.').next() == Some(chosen.package.as_str()));
            let there = chosen.candidates.iter().find_map(|it| self.session.process.loaded_as(it.as_bytes()));
            let pair = import.zip(there).and_then(|(import, it)| Some((self.import_of(it)?, import.clone())));
            pairs.extend(pair);
        }
        pairs
    }

    /// The import that brought an object in.
    fn import_of(&self, index: ObjectIndex) -> Option<String> {
        let event = self.session.process.objects.get(index)?.event;
        self.session.labels.get(&event).cloned()
    }

    /// The import that loads an extension, or fails at it.
    fn import_of_file(&self, path: &str) -> Option<String> {
        let loaded = self.session.process.objects.iter().position(|it| it.name == path.as_bytes());
        let failed = || {
            let fails = |it: &&super::session::Failed| it.extension.as_ref().is_some_and(|it| it.text() == path);
            self.session.failures.iter().find(fails).map(|it| it.import.clone())
        };
        loaded.and_then(|it| self.import_of(it)).or_else(failed)
    }
}

/// Other orders of the same imports: those that are involved change places among themselves.
fn orders(imports: &[String], involved: &BTreeSet<String>) -> Vec<Vec<String>> {
    let places: Vec<usize> =
        (0..imports.len()).filter(|at| imports.get(*at).is_some_and(|it| involved.contains(it))).collect();
    if places.len() < 2 {
        return Vec::new();
    }
    let arrangements = if places.len() <= ALL_ORDERS_OF { permutations(&places) } else { each_first(&places) };
    let others = arrangements.into_iter().filter(|it| *it != places);
    let arranged = |arrangement: Vec<usize>| {
        let mut order = imports.to_vec();
        for (place, from) in places.iter().zip(arrangement) {
            if let (Some(slot), Some(import)) = (order.get_mut(*place), imports.get(from)) {
                slot.clone_from(import);
            }
        }
        order
    };
    others.map(arranged).collect()
}

/// Every order, those that differ least first.
fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    let Some((last, rest)) = items.split_last() else { return vec![Vec::new()] };
    let shorter = permutations(rest);
    let mut all = Vec::new();
    for at in (0..=rest.len()).rev() {
        for order in &shorter {
            let mut order = order.clone();
            order.insert(at, *last);
            all.push(order);
        }
    }
    all
}

fn each_first(items: &[usize]) -> Vec<Vec<usize>> {
    let first = |it: &usize| std::iter::once(*it).chain(items.iter().copied().filter(|other| other != it)).collect();
    items.iter().map(first).collect()
}

/// What differs for the objects that both processes hold, and which imports work in one only.
fn differences(here: &Session<'_>, there: &Session<'_>, answers: &[Answer<'_>]) -> Vec<Difference> {
    let mut found = files(here, there);
    if !here.published.is_empty() || !there.published.is_empty() {
        let follows = |it: &Difference| found.iter().any(|file| file.here == it.here && file.there == it.there);
        let bindings: Vec<Difference> =
            answers_differ(here, there, answers).into_iter().filter(|it| !follows(it)).collect();
        found.extend(bindings);
    }
    found.extend(choices(here, there));
    found.extend(imports(here, there));
    found
}

fn files(here: &Session<'_>, there: &Session<'_>) -> Vec<Difference> {
    let others = by_name(there);
    let mut found = Vec::new();
    for one in &here.process.objects {
        let other = others.get(one.name.as_slice()).and_then(|it| there.process.objects.get(*it));
        let Some(other) = other else { continue };
        for ((name, answer), (_, other_answer)) in one.needs.iter().zip(&other.needs) {
            let answer = answer.and_then(|it| here.process.objects.get(it));
            let other_answer = other_answer.and_then(|it| there.process.objects.get(it));
            if let (Some(a), Some(b)) = (answer, other_answer)
                && a.object.id != b.object.id
            {
                found.push(Difference {
                    kind: "file",
                    name: printable(name),
                    object: Some(one.real().clone()),
                    here: a.real().text(),
                    there: b.real().text(),
                });
            }
        }
    }
    found
}

fn answers_differ(here: &Session<'_>, there: &Session<'_>, answers: &[Answer<'_>]) -> Vec<Difference> {
    let real =
        |session: &Session<'_>, index: ObjectIndex| session.process.objects.get(index).map(|it| it.real().clone());
    let mut others: HashMap<(TreePath, &[u8]), Option<TreePath>> = HashMap::new();
    for answer in bindings::answers(there) {
        if let Some(object) = real(there, answer.object) {
            others.insert((object, answer.symbol), answer.provider.and_then(|it| real(there, it)));
        }
    }
    let mut found = Vec::new();
    for answer in answers {
        let Some(object) = real(here, answer.object) else { continue };
        let provider = answer.provider.and_then(|it| real(here, it));
        let other = others.get(&(object.clone(), answer.symbol)).cloned().flatten();
        if let (Some(a), Some(b)) = (provider, other)
            && a != b
            && !is_layer(here, &a, &b)
            && !is_layer(there, &b, &a)
        {
            let name = printable(answer.symbol);
            found.push(Difference { kind: "binding", name, object: Some(object), here: a.text(), there: b.text() });
        }
    }
    found
}

/// Whether one of two files is a layer that the other opened: a library and its own layers are one.
fn is_layer(session: &Session<'_>, one: &TreePath, other: &TreePath) -> bool {
    let real = |index: ObjectIndex| session.process.objects.get(index).map(|it| it.real());
    let pair = |it: &(ObjectIndex, ObjectIndex)| (real(it.0), real(it.1));
    let mut parts = session.parts.iter().map(pair);
    parts.any(|(by, part)| (by, part) == (Some(one), Some(other)) || (by, part) == (Some(other), Some(one)))
}

fn choices(here: &Session<'_>, there: &Session<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    for one in &here.choices {
        let same = |it: &&super::chooser::Chosen| it.package == one.package && it.capability == one.capability;
        let Some(other) = there.choices.iter().find(same) else { continue };
        if let (Some(a), Some(b)) = (&one.picked, &other.picked)
            && a != b
        {
            let name = one.package.clone();
            found.push(Difference { kind: "choice", name, object: None, here: a.clone(), there: b.clone() });
        }
    }
    found
}

fn imports(here: &Session<'_>, there: &Session<'_>) -> Vec<Difference> {
    let outcome = |session: &Session<'_>, import: &str| {
        let failed = session.failures.iter().find(|it| it.import == import);
        failed.map_or_else(|| "works".to_owned(), |it| it.reason.clone())
    };
    let mut names: Vec<&String> = here.failures.iter().chain(&there.failures).map(|it| &it.import).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for name in names {
        let (a, b) = (outcome(here, name), outcome(there, name));
        if (a == "works") != (b == "works") {
            found.push(Difference { kind: "import", name: name.clone(), object: None, here: a, there: b });
        }
    }
    found
}

fn by_name<'s>(session: &'s Session<'_>) -> HashMap<&'s [u8], ObjectIndex> {
    session.process.objects.iter().enumerate().map(|(at, it)| (it.name.as_slice(), at)).collect()
}

/// Whether a name holds a hash of the content, as auditwheel writes it: `libgfortran-040039e1.so.5`.
fn is_hashed(name: &str) -> bool {
    let hash = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        digits == 8 && part.get(8..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    name.split('-').skip(1).any(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(imports: &str, involved: &str, expected: &[&str]) {
        let words = |it: &str| it.chars().map(|it| it.to_string()).collect::<Vec<_>>();
        let orders = orders(&words(imports), &words(involved).into_iter().collect());
        assert_eq!(orders.iter().map(|it| it.concat()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_those_involved_change_places() {
        check("abc", "", &[]);
        check("abc", "b", &[]);
        check("abc", "ac", &["cba"]);
        check("abc", "abc", &["bac", "acb", "bca", "cab", "cba"]);
    }

    #[test]
    fn hashes_in_names() {
        assert!(is_hashed("libgfortran-040039e1-0352e75f.so.5.0.0"));
        assert!(!is_hashed("libstdc++.so.6") && !is_hashed("libopenblas-r0-3.7.so") && !is_hashed("lib-deadbeefx.so"));
    }
}
