//! What each object is: identified once, whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::bytes::Regex;

use super::knowledge::Knowledge;
use super::settings;
use crate::base::{Gap, Stage, TreePath, Variables};
use crate::identify::{Group, Identity, Look, Opening, RealFile};
use crate::loader::{Object, ObjectIndex, Objects, Process};

/// The identities of the objects of one survey.
pub(super) struct Catalogue<'v> {
    pub(super) objects: &'v Objects<'v>,
    pub(super) know: &'v Knowledge,
    known: Mutex<HashMap<TreePath, Option<Arc<Identity>>>>,
    gaps: Mutex<Vec<Gap>>,
    /// What extensions name that tells what they import.
    texts: Mutex<HashMap<TreePath, Vec<String>>>,
    /// Patterns by their text: most extensions of a package are asked for the same.
    patterns: Mutex<HashMap<String, Regex>>,
}

impl<'v> Catalogue<'v> {
    pub(super) fn new(objects: &'v Objects<'v>, know: &'v Knowledge) -> Self {
        Self {
            objects,
            know,
            known: Mutex::default(),
            gaps: Mutex::default(),
            texts: Mutex::default(),
            patterns: Mutex::default(),
        }
    }

    /// What the object is, if it defines a symbol of a capability and a description fits.
    pub(super) fn identity(&self, object: &Object) -> Option<Arc<Identity>> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&object.real) {
            return known.clone();
        }
        let mut gaps = Vec::new();
        let fresh = if self.may_provide(object, &mut gaps) { self.recognise(object, &mut gaps) } else { None };
        self.push(gaps);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(object.real.clone(), fresh.clone());
        fresh
    }

    /// The first capability of the object that is followed.
    pub(super) fn followed(&self, object: &Object) -> Option<String> {
        let followed = |word: &&String| self.know.capabilities.get(word).is_some_and(|it| it.followed);
        self.identity(object)?.capabilities.iter().find(followed).cloned()
    }

    /// What an object is that another opens at run time: a part need not define what the whole provides.
    pub(super) fn part(&self, object: &Object) -> Option<Arc<Identity>> {
        let mut gaps = Vec::new();
        let identity = self.identity(object).or_else(|| self.recognise(object, &mut gaps));
        self.push(gaps);
        identity
    }

    fn recognise(&self, object: &Object, gaps: &mut Vec<Gap>) -> Option<Arc<Identity>> {
        self.look(object, gaps, |look, gaps| self.know.libraries.identify(look, gaps)).flatten().map(Arc::new)
    }

    /// What the object opens at run time; each gap hides further openings.
    pub(super) fn openings(&self, object: &Object, variables: &Variables, gaps: &mut Vec<Gap>) -> Vec<Opening> {
        let Some(identity) = self.identity(object) else { return Vec::new() };
        let soname = object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref());
        let settings = self.know.libraries.settings(&identity.library, soname);
        let view = self.objects.view();
        let said = settings.and_then(|it| settings::resolved(view, it, &object.real, variables, gaps));
        let variables = said.as_ref().unwrap_or(variables);
        let openings =
            self.look(object, gaps, |look, gaps| self.know.libraries.openings(&identity, look, variables, gaps));
        openings.unwrap_or_default()
    }

    /// Whether the object defines a symbol of the group.
    pub(super) fn defines(&self, object: &Object, group: &Group) -> bool {
        self.defines_any(object, group, &mut Vec::new())
    }

    /// The object behind a provider: itself, or what it forwards to. `None` when nothing of it is known.
    pub(super) fn kernels(
        &self,
        process: &Process<'_>,
        provider: ObjectIndex,
        capability: &str,
    ) -> Option<(ObjectIndex, Arc<Identity>)> {
        let able = |index: ObjectIndex| {
            let object = &process.objects.get(index)?.object;
            // What a front forwards to need not define the names of the front: ATLAS calls its own by other names.
            let identity = if index == provider { self.identity(object) } else { self.part(object) }?;
            identity.capabilities.iter().any(|it| it == capability).then_some((index, identity))
        };
        process.scope(provider).into_iter().find_map(able)
    }

    /// What an extension names, where it was read before.
    pub(super) fn telling_texts(&self, extension: &TreePath) -> Option<Vec<String>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(extension).cloned()
    }

    /// A pattern, compiled once; none where it is none.
    pub(super) fn pattern(&self, text: &str) -> Option<Regex> {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = patterns.get(text) {
            return Some(known.clone());
        }
        let Ok(fresh) = Regex::new(text) else { return None };
        patterns.insert(text.to_owned(), fresh.clone());
        Some(fresh)
    }

    /// Every process of the installation asks again.
    pub(super) fn remember_texts(&self, extension: &TreePath, texts: &[String]) {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).insert(extension.clone(), texts.to_vec());
    }

    /// Gaps met so far, sorted.
    pub(super) fn take_gaps(&self) -> Vec<Gap> {
        let mut gaps = std::mem::take(&mut *self.gaps.lock().unwrap_or_else(PoisonError::into_inner));
        gaps.sort();
        gaps.dedup();
        gaps
    }

    pub(super) fn push(&self, gaps: Vec<Gap>) {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner).extend(gaps);
    }

    /// Hash look-ups of a few names: most objects of a process define none of them and are never looked at again.
    fn may_provide(&self, object: &Object, gaps: &mut Vec<Gap>) -> bool {
        self.know.capabilities.iter().flat_map(|it| &it.groups).any(|group| self.defines_any(object, group, gaps))
    }

    fn defines_any(&self, object: &Object, group: &Group, gaps: &mut Vec<Gap>) -> bool {
        if object.linkage.is_err() {
            return false;
        }
        let symbols = match self.objects.symbols(object) {
            Ok(symbols) => symbols,
            Err(error) => {
                gaps.push(unreadable(object, &error.to_string()));
                return false;
            }
        };
        for name in group.names() {
            match symbols.definition(name) {
                Ok(Some(_)) => return true,
                Ok(None) => {}
                Err(error) => {
                    gaps.push(unreadable(object, &error.to_string()));
                    return false;
                }
            }
        }
        false
    }

    /// Lets `ask` look at the file of an object.
    pub(super) fn look<T>(
        &self,
        object: &Object,
        gaps: &mut Vec<Gap>,
        ask: impl FnOnce(&dyn Look, &mut Vec<Gap>) -> T,
    ) -> Option<T> {
        let linkage = object.linkage.as_ref().ok()?;
        let opened = self.objects.symbols(object).map_err(|error| error.to_string());
        let opened = opened.and_then(|it| Ok((it, self.objects.file(object).map_err(|error| error.to_string())?)));
        match opened {
            Ok((symbols, file)) => Some(ask(&RealFile::object(&object.real, linkage, &symbols, &*file), gaps)),
            Err(reason) => {
                gaps.push(unreadable(object, &reason));
                None
            }
        }
    }
}

fn unreadable(object: &Object, reason: &str) -> Gap {
    Gap::new(&object.real, Stage::Elf, reason, "which symbols it defines, and so what it is")
}
