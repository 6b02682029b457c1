//! For each object that an import brings in: which file answers the symbols that matter, in which scope, and why.
//!
//! The symbols are those of `rules/capabilities`; functions that a library wants weakly decide nothing and are left out.
//! Invariant: what became global after an object was bound does not answer for it.

use std::collections::HashMap;

use super::builder::Builder;
use super::session::Session;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::facts::{Binding, Capture, EvidenceId, Fact};
use crate::identify::{Capability, Group};
use crate::loader::{ObjectIndex, Via};

/// Groups of symbols by symbol.
type Index<'k> = HashMap<&'k [u8], Groups<'k>>;

/// Groups that hold one symbol, with their capability.
type Groups<'k> = Vec<(&'k Capability, &'k Group)>;

/// What answers symbols of one group for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer<'k> {
    /// The object that wants them.
    pub(super) object: ObjectIndex,
    pub(super) capability: &'k str,
    pub(super) group: &'k str,
    /// The first of them.
    pub(super) symbol: &'k [u8],
    /// How many of the group this object answers.
    pub(super) symbols: u32,
    /// The object that answers.
    pub(super) provider: Option<ObjectIndex>,
    /// It answers from the scope of everybody.
    pub(super) global: bool,
    /// What the tree of the opened object would have answered.
    pub(super) own: Option<ObjectIndex>,
    /// An object on the way that could not be read.
    pub(super) unreadable: Option<ObjectIndex>,
}

/// What answers for every object that an import brought in, in load order.
pub(super) fn answers<'k>(session: &Session<'k>) -> Vec<Answer<'k>> {
    let index = session.catalogue.know.capabilities.by_symbol();
    let mut search = Search { session, index, scopes: HashMap::new(), defined: HashMap::new() };
    let later = |it: &ObjectIndex| session.process.objects.get(*it).is_some_and(|it| 0 < it.event);
    (0..session.process.objects.len()).filter(later).flat_map(|it| search.of_object(it)).collect()
}

/// The first object, among those that were opened for everybody after the start, that would answer `symbol` for whoever
/// comes later.
pub(super) fn published_definer(session: &Session<'_>, symbol: &[u8]) -> Option<ObjectIndex> {
    let started = session.process.objects.first().map_or(0, |it| it.globals_at_load);
    let mut later = session.process.global_scope().iter().skip(started).copied();
    later.find(|it| defines(session, *it, symbol) == Some(true))
}

struct Search<'s, 'k> {
    session: &'s Session<'k>,
    index: Index<'k>,
    scopes: HashMap<ObjectIndex, Vec<ObjectIndex>>,
    defined: HashMap<(ObjectIndex, &'k [u8]), Option<bool>>,
}

impl<'k> Search<'_, 'k> {
    fn of_object(&mut self, object: ObjectIndex) -> Vec<Answer<'k>> {
        let mut answers: Vec<Answer<'k>> = Vec::new();
        for (symbol, groups) in self.wanted(object) {
            let found = self.find(object, symbol);
            for (capability, group) in groups {
                let answer = Answer { capability: &capability.word, group: &group.name, ..found.clone() };
                let same = |it: &&mut Answer<'k>| {
                    (it.capability, it.group, it.provider, it.own)
                        == (answer.capability, answer.group, answer.provider, answer.own)
                };
                match answers.iter_mut().find(same) {
                    Some(known) => known.symbols += 1,
                    None => answers.push(answer),
                }
            }
        }
        answers
    }

    /// Symbols of a group that the object insists on, in table order.
    fn wanted(&self, object: ObjectIndex) -> Vec<(&'k [u8], Groups<'k>)> {
        let Some(loaded) = self.session.process.objects.get(object) else { return Vec::new() };
        let wanted = self.session.catalogue.objects.symbols(&loaded.object).and_then(|it| it.wanted());
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(error) => {
                let hides = "which libraries answer it";
                self.session.catalogue.push(vec![Gap::new(loaded.real(), Stage::Elf, error.to_string(), hides)]);
                return Vec::new();
            }
        };
        let strong = wanted.iter().filter(|it| !it.weak);
        let known = strong.filter_map(|it| self.index.get_key_value(it.name.as_slice()));
        known.map(|(symbol, groups)| (*symbol, groups.clone())).collect()
    }

    fn find(&mut self, object: ObjectIndex, symbol: &'k [u8]) -> Answer<'k> {
        let mut unreadable = None;
        let process = &self.session.process;
        let loaded = process.objects.get(object);
        let root = loaded.map_or(object, |it| it.scope_root);
        let globals = loaded.map_or(0, |it| it.globals_at_load);
        let local = self.scopes.entry(root).or_insert_with(|| process.scope(root)).clone();
        let global = process.global_scope().iter().copied().take(globals);
        let from_all = global.into_iter().find(|it| self.defines(*it, symbol, &mut unreadable));
        let own = local.into_iter().find(|it| self.defines(*it, symbol, &mut unreadable));
        Answer {
            object,
            capability: "",
            group: "",
            symbol,
            symbols: 1,
            provider: from_all.or(own),
            global: from_all.is_some(),
            own,
            unreadable,
        }
    }

    fn defines(&mut self, object: ObjectIndex, symbol: &'k [u8], unreadable: &mut Option<ObjectIndex>) -> bool {
        let session = self.session;
        let known = self.defined.entry((object, symbol)).or_insert_with(|| defines(session, object, symbol));
        if known.is_none() {
            unreadable.get_or_insert(object);
        }
        known.unwrap_or(false)
    }
}

/// `None` where the object cannot be read.
fn defines(session: &Session<'_>, object: ObjectIndex, symbol: &[u8]) -> Option<bool> {
    let loaded = session.process.objects.get(object)?;
    let found = session.catalogue.objects.symbols(&loaded.object).and_then(|it| it.definition(symbol));
    match found {
        Ok(found) => Some(found.is_some()),
        Err(error) => {
            let hides = "which symbols it defines, and so what it is";
            session.catalogue.push(vec![Gap::new(loaded.real(), Stage::Elf, error.to_string(), hides)]);
            None
        }
    }
}

impl Builder<'_, '_> {
    /// Which file answers the symbols that matter, for every object that an import brought in.
    pub(super) fn bindings(&mut self, answers: &[Answer<'_>]) -> Fact<Vec<Binding>> {
        let list = answers.iter().map(|it| self.binding_fact(it)).collect();
        self.list(list, Vec::new())
    }

    /// Libraries whose symbols the global scope answers from another file, one entry per pair of files.
    pub(super) fn captures(&mut self, answers: &[Answer<'_>]) -> Fact<Vec<Capture>> {
        let mut list: Vec<Capture> = Vec::new();
        for answer in answers.iter().filter(|it| it.unreadable.is_none()) {
            if !self.is_captured(answer) {
                continue;
            }
            let (Some(provider), Some(own)) = (answer.provider, answer.own) else { continue };
            let (provider, instead_of) = (self.real(provider), self.real(own));
            let pair = (provider.text(), instead_of.text());
            let known = list.iter().position(|it| it.provider == pair.0 && it.instead_of == pair.1);
            let at = known.unwrap_or_else(|| {
                let (how, opened_by) = self.how(answer);
                let because = self.answer_evidence(answer, opened_by);
                list.push(Capture {
                    capabilities: Vec::new(),
                    symbol: printable(answer.symbol),
                    provider: pair.0,
                    instead_of: pair.1,
                    how: Fact::known(how.to_owned(), because),
                    opened_by: opened_by.map(|it| self.real(it).text()).unwrap_or_default(),
                    objects: Vec::new(),
                    packages: Vec::new(),
                    same_build: self.same_build(&provider, &instead_of),
                });
                list.len() - 1
            });
            let object = self.real(answer.object).text();
            let extension = self.root_of(answer.object).unwrap_or_else(TreePath::root);
            let package = self.session.site.package_of_extension(extension.as_bytes());
            if let Some(capture) = list.get_mut(at) {
                insert(&mut capture.capabilities, answer.capability.to_owned());
                insert(&mut capture.objects, object);
                insert(&mut capture.packages, package);
            }
        }
        self.list(list, Vec::new())
    }

    fn binding_fact(&mut self, answer: &Answer<'_>) -> Binding {
        let (how, opened_by) = self.how(answer);
        let scope = match (answer.provider, answer.global) {
            (None, _) => "none",
            (Some(_), true) => "global",
            (Some(_), false) => "local",
        };
        let because = self.answer_evidence(answer, opened_by);
        let instead_of = answer.own.filter(|_| self.is_captured(answer));
        let instead_of = instead_of.map(|it| self.real(it).text());
        let extension = self.root_of(answer.object).unwrap_or_else(TreePath::root);
        let mut binding = Binding {
            package: self.session.site.package_of_extension(extension.as_bytes()),
            extension: extension.text(),
            object: self.real(answer.object).text(),
            capability: answer.capability.to_owned(),
            group: answer.group.to_owned(),
            symbol: printable(answer.symbol),
            symbols: answer.symbols,
            provider: Fact::known(answer.provider.map(|it| self.real(it).text()), because.clone()),
            scope: Fact::known(scope.to_owned(), because.clone()),
            how: Fact::known(how.to_owned(), because.clone()),
            opened_by: opened_by.map(|it| self.real(it).text()).unwrap_or_default(),
            instead_of: Fact::known(instead_of, because),
        };
        if let Some(unreadable) = answer.unreadable {
            let path = self.real(unreadable);
            let hides = format!("which file answers {}", binding.symbol);
            let gap = self.ledger.gap(&Gap::new(&path, Stage::Elf, "its symbols cannot be read", hides));
            (binding.provider, binding.instead_of) = (Fact::unknown(gap), Fact::unknown(gap));
            (binding.scope, binding.how) = (Fact::unknown(gap), Fact::unknown(gap));
        }
        binding
    }

    /// Whether another library answers than the tree of the extension holds. What a library opens for everybody by itself,
    /// its layers, is no other library.
    fn is_captured(&self, answer: &Answer<'_>) -> bool {
        let Some(own) = answer.own.filter(|own| answer.global && answer.provider != Some(*own)) else { return false };
        self.how(answer).1 != Some(own)
    }

    /// Why the provider is in the scope in which it was found, and who put it there.
    fn how(&self, answer: &Answer<'_>) -> (&'static str, Option<ObjectIndex>) {
        let Some(provider) = answer.provider else { return ("none", None) };
        if !answer.global {
            return ("tree", None);
        }
        let process = &self.session.process;
        let position = process.global_scope().iter().position(|it| *it == provider);
        let started = process.objects.first().map_or(0, |it| it.globals_at_load);
        if position.is_some_and(|it| it < started) {
            let preloaded = process.objects.get(self.top_of(provider)).is_some_and(|it| it.via == Via::Preload);
            return (if preloaded { "preload" } else { "executable" }, None);
        }
        let mut published = self.session.published.iter();
        let opener = published.find(|(_, root)| process.scope(*root).contains(&provider)).map(|(by, _)| *by);
        ("opened-global", opener)
    }

    /// The object at the top of the chain of NEEDED entries that brought another in.
    fn top_of(&self, index: ObjectIndex) -> ObjectIndex {
        let mut at = index;
        while let Some(above) = self.session.process.objects.get(at).and_then(|it| it.needed_by) {
            at = above;
        }
        at
    }

    fn answer_evidence(&mut self, answer: &Answer<'_>, opened_by: Option<ObjectIndex>) -> Vec<EvidenceId> {
        let object = self.real(answer.object);
        let symbol = printable(answer.symbol);
        let Some(provider) = answer.provider else {
            return vec![self.ledger.note(&object, format!("wants {symbol}, which nothing in its scope defines"))];
        };
        let path = self.real(provider);
        let mut because = vec![self.ledger.note(&object, format!("wants {symbol}, answered by {path}"))];
        if let Some(text) = self.arrival(provider) {
            because.push(self.ledger.note(&path, text));
        }
        if let Some(opener) = opened_by {
            let opener = self.real(opener);
            because.push(self.ledger.note(&opener, format!("opens {path} for everybody (RTLD_GLOBAL)")));
        }
        because
    }
}

/// Keeps a list sorted, each entry once.
fn insert(list: &mut Vec<String>, entry: String) {
    if let Err(at) = list.binary_search(&entry) {
        list.insert(at, entry);
    }
}
