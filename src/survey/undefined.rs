//! Symbols that nothing in the process defines, and the file that would have: the one that another import keeps out.
//!
//! What is asked is every extension that an import opens, with the libraries that it brings in.

use super::builder::Builder;
use super::session::Unbound;
use crate::base::{TreePath, printable};
use crate::facts::{Fact, UndefinedSymbol};
use crate::loader::{Process, Undefined};

impl Builder<'_, '_> {
    /// Symbols that an object insists on and that nothing in its scope defines.
    pub(super) fn undefined_symbols(&mut self, alone: &[(TreePath, Process<'_>)]) -> Fact<Vec<UndefinedSymbol>> {
        let mut list = Vec::new();
        for unbound in self.session.unbound.clone() {
            let process = alone.iter().find(|(path, _)| *path == unbound.extension).map(|(_, process)| process);
            list.extend(self.undefined_symbol(&unbound, process));
        }
        self.list(list, Vec::new())
    }

    fn undefined_symbol(&mut self, it: &Unbound, alone: Option<&Process<'_>>) -> Option<UndefinedSymbol> {
        let (first, more) = it.symbols.split_first()?;
        let view = self.session.catalogue.objects.view();
        let object = view.resolve(&it.object).unwrap_or_else(|_| TreePath::new(&it.object));
        let name = spelt(first);
        let id = self.ledger.note(&object, format!("wants {name}, which nothing in its scope defines"));
        let mut because = vec![id];
        let defined_by = alone.and_then(|it| self.defined_alone(it, first));
        if let Some(file) = &defined_by {
            because.push(self.ledger.note(file, format!("defines {name}, and is not in the process")));
        }
        let mut also: Vec<String> = more.iter().map(spelt).collect();
        also.sort();
        let package = self.session.site.package_of_extension(it.extension.as_bytes());
        Some(UndefinedSymbol {
            object: object.text(),
            extension: it.extension.text(),
            distribution: self.session.site.distribution(&package),
            package,
            symbol: Fact::known(name, because.clone()),
            also,
            defined_by: Fact::known(defined_by.map(|it| it.text()), because.clone()),
            fails_import: match &it.undecided {
                Some(gap) => Fact::unknown(self.ledger.gap(gap)),
                None => {
                    let fails =
                        self.session.failures.iter().any(|failed| failed.extension.as_ref() == Some(&it.extension));
                    Fact::known(fails, because)
                }
            },
        })
    }

    /// A library that the extension finds when it is alone, that has the symbol, and of which the process holds another
    /// file.
    fn defined_alone(&self, alone: &Process<'_>, symbol: &Undefined) -> Option<TreePath> {
        let loaded = |real: &TreePath| self.session.process.objects.iter().any(|it| it.real() == real);
        let absent = alone.objects.iter().skip(1).filter(|it| !loaded(it.real()));
        let mut definers = absent.filter(|it| {
            let symbols = self.session.catalogue.objects.symbols(&it.object);
            symbols.and_then(|it| it.definition(&symbol.name)).is_ok_and(|it| it.is_some())
        });
        definers.next().map(|it| it.real().clone())
    }
}

/// A symbol as the loader prints it: `pow, version GLIBC_2.29`.
pub(super) fn spelt(symbol: &Undefined) -> String {
    let name = printable(&symbol.name);
    symbol.version.as_ref().map_or_else(|| name.clone(), |it| format!("{name}, version {}", printable(&it.name)))
}
