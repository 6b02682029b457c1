//! What a package picks at run time: variants of an extension, by variables or by the library that opens.

use super::session::{Session, describe};
use crate::base::{Glob, TreePath, printable};
use crate::identify::{Choice, OpenLibrary, PackageRule, Pick};
use crate::loader::{Failure, ObjectIndex, Request, Via, Visibility};

/// A choice that was made.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) package: String,
    pub(super) capability: String,
    /// Candidates in the order in which they are tried.
    pub(super) candidates: Vec<String>,
    /// The variant, `None` when nothing fits.
    pub(super) picked: Option<String>,
    /// What decided.
    pub(super) decided_by: String,
    /// Why each refused candidate was refused.
    pub(super) refused: Vec<(String, String)>,
    /// Extensions of all variants.
    pub(super) extensions: Vec<TreePath>,
    /// The library that it opened and took.
    pub(super) file: Option<TreePath>,
    /// The other library that the loader's own search would have given, and how.
    pub(super) shadows: Option<(TreePath, Via)>,
}

type Refusal = (Option<TreePath>, Option<Failure>, String);

impl Session<'_> {
    /// Makes the choices of an import. `true` when a variant was loaded.
    ///
    /// # Errors
    /// The extension at fault and why, when no variant works.
    pub(super) fn choose_all(&mut self, rule: &PackageRule, import: &str) -> Result<Option<TreePath>, Refusal> {
        let mut loaded = None;
        let chooses = self.chooses(rule, import);
        for choice in chooses {
            self.choose(rule, choice)?;
            let picked = self.choices.last().and_then(|it| it.picked.clone());
            loaded = picked.and_then(|it| self.files_of(rule, choice, &it).into_iter().next()).or(loaded);
        }
        Ok(loaded)
    }

    /// Choices that an import makes, as far as there is something to choose from.
    pub(super) fn chooses<'r>(&self, rule: &'r PackageRule, import: &str) -> Vec<&'r Choice> {
        let present = |choice: &Choice| choice.variants.iter().any(|it| !self.files_of(rule, choice, it).is_empty());
        rule.choice.iter().filter(|it| it.import == import && present(it)).collect()
    }

    fn files_of(&self, rule: &PackageRule, choice: &Choice, variant: &str) -> Vec<TreePath> {
        let globs: Vec<String> = choice.extensions.iter().map(|it| it.replace("{variant}", variant)).collect();
        self.site.matching(&rule.import, &globs)
    }

    fn choose(&mut self, rule: &PackageRule, choice: &Choice) -> Result<(), Refusal> {
        let mut chosen = Chosen {
            package: rule.import.clone(),
            capability: choice.capability.clone(),
            candidates: Vec::new(),
            picked: None,
            decided_by: String::new(),
            refused: Vec::new(),
            extensions: Vec::new(),
            file: None,
            shadows: None,
        };
        for pick in &choice.pick {
            if let Some((variant, decided_by)) = self.pick(pick, &mut chosen) {
                chosen.picked = Some(variant);
                chosen.decided_by = decided_by;
                break;
            }
        }
        let Some(variant) = chosen.picked.clone() else {
            chosen.decided_by = "nothing that it tries can be opened".to_owned();
            let tried = chosen.candidates.join(", ");
            self.remember(rule, choice, chosen);
            return Err((None, None, format!("no {} library can be opened: tried {tried}", choice.capability)));
        };
        let result = self.load_variant(rule, choice, &variant);
        match (&result, &choice.falls_back_to) {
            (Err((_, _, reason)), Some(other)) if *other != variant => {
                chosen.refused.push((variant, reason.clone()));
                chosen.picked = Some(other.clone());
                chosen.decided_by = format!("{other} is taken because the other variant cannot be loaded");
                let fallback = self.load_variant(rule, choice, other);
                self.remember(rule, choice, chosen);
                fallback
            }
            (Ok(()) | Err(_), _) => {
                self.remember(rule, choice, chosen);
                result
            }
        }
    }

    fn remember(&mut self, rule: &PackageRule, choice: &Choice, mut chosen: Chosen) {
        for variant in &choice.variants {
            chosen.extensions.extend(self.files_of(rule, choice, variant));
        }
        self.choices.push(chosen);
    }

    fn load_variant(&mut self, rule: &PackageRule, choice: &Choice, variant: &str) -> Result<(), Refusal> {
        let files = self.files_of(rule, choice, variant);
        if files.is_empty() {
            return Err((None, None, format!("it picks variant {variant}, for which there is no extension")));
        }
        for path in files {
            if let Err(failure) = self.open_extension(rule, &path) {
                let reason = describe(&failure);
                return Err((Some(path), Some(failure), reason));
            }
        }
        Ok(())
    }

    fn pick(&mut self, pick: &Pick, chosen: &mut Chosen) -> Option<(String, String)> {
        if let Some(variable) = &pick.named_by {
            let value = self.variables.get(variable)?;
            let plain: String =
                printable(value).chars().filter(|it| !" -_".contains(*it)).collect::<String>().to_lowercase();
            let variant = pick.aliases.get(&plain).cloned().unwrap_or(plain);
            return Some((variant, format!("{variable}={}", printable(value))));
        }
        if let Some(open) = &pick.open {
            return self.pick_by_library(open, chosen);
        }
        let variant = pick.variant.clone()?;
        if pick.any_set.is_empty() {
            return Some((variant, "none of the variables that decide is set".to_owned()));
        }
        let set = pick.any_set.iter().find(|it| self.variables.get(it).is_some());
        chosen.candidates.extend(pick.any_set.iter().cloned());
        set.map(|it| (variant, format!("{it} is set")))
    }

    fn pick_by_library(&mut self, open: &OpenLibrary, chosen: &mut Chosen) -> Option<(String, String)> {
        if let Some((_, path)) = self.global_definer(open.must_define.as_bytes()) {
            let index = self.process.objects.iter().position(|it| it.real() == &path)?;
            let variant = self.stands_for(open, index)?;
            return Some((variant, format!("{path} is in the process already")));
        }
        let caller = self.caller(&open.caller);
        for candidate in self.candidates(open) {
            chosen.candidates.push(printable(&candidate));
            let request = if candidate.contains(&b'/') {
                Request::Path(&candidate)
            } else {
                Request::Name { name: &candidate, caller }
            };
            match self.open(request, Visibility::Local) {
                Ok(index) if self.scope_defines(index, open.must_define.as_bytes()) => {
                    let variant = self.stands_for(open, index)?;
                    let real = self.process.objects.get(index).map_or_else(TreePath::root, |it| it.real().clone());
                    let asked = printable(&candidate);
                    if candidate.contains(&b'/') {
                        chosen.shadows = self.shadowed(open, caller, &real);
                    }
                    chosen.file = Some(real.clone());
                    let real = real.text();
                    let by = if asked == real { String::new() } else { format!(", as {asked}") };
                    return Some((variant, format!("{real} (the first that opens{by})")));
                }
                Ok(_) => chosen.refused.push((printable(&candidate), format!("defines no {}", open.must_define))),
                Err(failure) => chosen.refused.push((printable(&candidate), describe(&failure))),
            }
        }
        None
    }

    /// The library that the loader's own search gives for the first name that it finds, unless it is `taken`.
    fn shadowed(&self, open: &OpenLibrary, caller: ObjectIndex, taken: &TreePath) -> Option<(TreePath, Via)> {
        let store = self.catalogue.objects;
        let found = open.names.iter().find_map(|name| {
            let (Ok((path, via)), _) = self.process.search(caller, name.as_bytes()) else { return None };
            let real = store.view().resolve(&path).ok()?;
            let object = store.get(&real).ok()?;
            let symbols = store.symbols(&object).ok()?;
            let defines = symbols.definition(open.must_define.as_bytes()).is_ok_and(|it| it.is_some());
            defines.then_some((real, via))
        });
        found.filter(|(real, _)| real != taken)
    }

    /// Paths and names in the order in which the package tries them.
    fn candidates(&self, open: &OpenLibrary) -> Vec<Vec<u8>> {
        let mut directories: Vec<Vec<u8>> = Vec::new();
        let listed = open.paths_variable.as_ref().and_then(|it| self.variables.get(it));
        match listed {
            Some(list) => directories.extend(list.split(|b| *b == b':').map(<[u8]>::to_vec)),
            None => {
                for template in &open.directories {
                    if let Some(path) = self.site.substitute(template) {
                        let except = open.except.iter().any(|it| it.as_bytes() == path);
                        if !except && !directories.contains(&path) {
                            directories.push(path);
                        }
                    }
                }
                directories.push(Vec::new());
            }
        }
        let mut out = Vec::new();
        for directory in directories {
            if directory.is_empty() {
                out.extend(open.names.iter().map(|it| it.as_bytes().to_vec()));
            } else if self.catalogue.objects.view().is_directory(&directory) {
                out.extend(open.names.iter().map(|it| [directory.as_slice(), b"/", it.as_bytes()].concat()));
            } else if listed.is_some() {
                out.push(directory);
            } else {
                out.extend(open.names.iter().map(|it| [directory.as_slice(), b"/", it.as_bytes()].concat()));
            }
        }
        out
    }

    /// The extension whose search tags count for a bare name; the executable when it is built in.
    pub(super) fn caller(&mut self, module: &str) -> ObjectIndex {
        let Some(path) = self.site.standard_extension(module) else { return 0 };
        match self.open(Request::Path(path.as_bytes()), Visibility::Local) {
            Ok(index) => index,
            Err(failure) => {
                let hides = "where a bare library name would be searched";
                self.gaps.push(crate::base::Gap::new(&path, crate::base::Stage::Loader, describe(&failure), hides));
                0
            }
        }
    }

    fn stands_for(&self, open: &OpenLibrary, index: ObjectIndex) -> Option<String> {
        let loaded = self.process.objects.get(index)?;
        let soname = loaded.object.linkage.as_ref().ok().and_then(|it| it.soname.clone()).unwrap_or_default();
        let fits = |it: &&crate::identify::StandsFor| {
            let by_name = it.soname.as_ref().is_none_or(|glob| Glob::new(glob).matches(&soname));
            by_name && it.defines.as_ref().is_none_or(|symbol| self.scope_defines(index, symbol.as_bytes()))
        };
        open.stands_for.iter().find(fits).map(|it| it.variant.clone())
    }

    fn scope_defines(&self, root: ObjectIndex, symbol: &[u8]) -> bool {
        self.process.scope(root).into_iter().any(|index| self.defines(index, symbol))
    }

    fn global_definer(&self, symbol: &[u8]) -> Option<(ObjectIndex, TreePath)> {
        let index = self.process.global_scope().iter().copied().find(|index| self.defines(*index, symbol))?;
        Some((index, self.process.objects.get(index)?.real().clone()))
    }

    fn defines(&self, index: ObjectIndex, symbol: &[u8]) -> bool {
        let Some(loaded) = self.process.objects.get(index) else { return false };
        match self.catalogue.objects.symbols(&loaded.object).and_then(|it| it.definition(symbol)) {
            Ok(found) => found.is_some(),
            Err(error) => {
                let hides = "whether it is the library that is looked for";
                let gap = crate::base::Gap::new(loaded.real(), crate::base::Stage::Elf, error.to_string(), hides);
                self.catalogue.push(vec![gap]);
                false
            }
        }
    }
}
