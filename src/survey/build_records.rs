//! What builds recorded of the libraries they used (`rules/records`), against those that answer in the process.

use std::cmp::Ordering;

use regex::Regex;
use serde::Deserialize;

use super::builder::Builder;
use crate::base::{Gap, Stage, TreePath, compare_versions};
use crate::facts::{BlasUse, BuildClaim, Evidence, EvidenceId, Fact, Hdf5Use, MpiUse};
use crate::python::literals;

/// How one kind of record is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildRecord {
    /// Import names of the packages that have it.
    pub packages: Vec<String>,
    /// The file in the package.
    pub file: String,
    /// How it is written.
    pub format: RecordFormat,
    /// What it says.
    #[serde(rename = "claim")]
    pub claims: Vec<ClaimRule>,
    /// What the names in it stand for; the first that fits.
    #[serde(rename = "name")]
    pub names: Vec<NameRule>,
}

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordFormat {
    /// Literals that a Python module assigns.
    Python,
    /// `[section]` and `key = value`.
    Ini,
}

/// Where a record says what of one library: ways to values (`CONFIG/blas/name`), the first that leads to one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// The capability of the library.
    pub capability: String,
    /// What it is called.
    pub name: Vec<String>,
    /// Whether the name is a path: one that says nothing by itself is followed to its file.
    #[serde(default)]
    pub is_path: bool,
    /// Whether it was found: `False` means a build without.
    #[serde(default)]
    pub found: Vec<String>,
    /// Its version.
    #[serde(default)]
    pub version: Vec<String>,
    /// A text that tells its integers and its threads.
    #[serde(default)]
    pub configuration: Vec<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameRule {
    /// Over the name.
    #[serde(deserialize_with = "super::knowledge::pattern")]
    pub pattern: Regex,
    /// A word of `rules/libraries`, or `none`.
    pub library: String,
    /// The ABI family, for libraries that stand in for each other.
    #[serde(default)]
    pub abi: String,
}

/// A value of a record.
struct Entry {
    way: String,
    text: String,
    line: u32,
}

/// What answers in the process.
struct Linked {
    vendor: Fact<String>,
    version: Fact<String>,
    interface: Fact<String>,
    abi: Fact<String>,
}

/// The name of an interface says nothing of the library behind it.
const ANY: &str = "any";

impl Builder<'_, '_> {
    /// What the records of the installed packages say.
    pub(super) fn build_claims(
        &mut self,
        blas: &[&Fact<Vec<BlasUse>>; 2],
        mpi: &Fact<Vec<MpiUse>>,
        hdf5: &Fact<Vec<Hdf5Use>>,
    ) -> Fact<Vec<BuildClaim>> {
        let mut list = Vec::new();
        let mut hidden = None;
        let know = self.session.catalogue.know;
        for record in &know.records {
            for package in &record.packages {
                match self.record(record, package) {
                    Ok(Some((path, entries))) => {
                        for claim in &record.claims {
                            let linked = linked(&claim.capability, package, blas, mpi);
                            list.extend(self.claim(record, claim, package, &path, &entries, linked));
                        }
                    }
                    Ok(None) => {}
                    Err(gap) => hidden = Some(gap),
                }
            }
        }
        for it in hdf5.value().into_iter().flatten() {
            list.extend(self.settings_claim(it));
        }
        self.unless_hidden(Fact::known(list, Vec::new()), hidden.as_ref())
    }

    fn record(&self, record: &BuildRecord, package: &str) -> Result<Option<(TreePath, Vec<Entry>)>, Gap> {
        let site = self.session.site;
        let Some(installed) = site.packages.iter().find(|it| it.active && it.name == package) else { return Ok(None) };
        let path = installed.location.join(&record.file);
        let view = self.session.catalogue.objects.view();
        if !view.is_file(path.as_bytes()) {
            return Ok(None);
        }
        let text = view.read_text(path.as_bytes()).map_err(|error| {
            Gap::new(&path, Stage::Discover, error.to_string(), "what the build recorded of its libraries")
        })?;
        let entries = match record.format {
            RecordFormat::Python => literals(text.as_bytes())
                .into_iter()
                .map(|it| Entry { way: it.path.join("/"), text: it.text, line: it.line })
                .collect(),
            RecordFormat::Ini => of_ini(&text),
        };
        Ok(Some((path, entries)))
    }

    fn claim(
        &mut self,
        record: &BuildRecord,
        claim: &ClaimRule,
        package: &str,
        path: &TreePath,
        entries: &[Entry],
        linked: Option<Linked>,
    ) -> Option<BuildClaim> {
        let first = |ways: &[String]| ways.iter().find_map(|way| entries.iter().find(|it| it.way == *way));
        let entry = first(&claim.name).filter(|it| !it.text.is_empty())?;
        let found = first(&claim.found).is_none_or(|it| it.text != "False");
        let version = first(&claim.version).map(|it| it.text.clone()).unwrap_or_default();
        let configuration = first(&claim.configuration).map(|it| it.text.clone()).unwrap_or_default();
        let because = vec![self.place(path, entry)];
        let name = if found { entry.text.clone() } else { "none".to_owned() };
        let rule = self.name_rule(record, claim, &name);
        let library = rule.map_or(ANY, |it| it.library.as_str());
        let interface = interface_of(&name, &configuration);
        let agreement = match &linked {
            Some(linked) => agreement(library, rule.map_or("", |it| it.abi.as_str()), &version, interface, linked),
            None => Ok("unsaid"),
        };
        let known = |text: &str| Fact::known(text.to_owned(), because.clone());
        Some(BuildClaim {
            package: package.to_owned(),
            capability: claim.capability.clone(),
            file: path.text(),
            name: known(&name),
            library: known(library),
            // The version of an interface is that of no library.
            version: known(if ["none", ANY].contains(&library) { "" } else { &version }),
            interface: known(interface),
            max_threads: known(after(&configuration, "MAX_THREADS=")),
            linked: linked.as_ref().map_or_else(|| known("not-loaded"), linked_text),
            agreement: match agreement {
                Ok(word) => Fact::known(word.to_owned(), with(&because, linked.as_ref())),
                Err(gap) => Fact::unknown(gap),
            },
        })
    }

    fn name_rule<'r>(&self, record: &'r BuildRecord, claim: &ClaimRule, name: &str) -> Option<&'r NameRule> {
        let named = |text: &str| record.names.iter().find(|it| it.pattern.is_match(text));
        let follow = || {
            let view = self.session.catalogue.objects.view();
            // A wrapper that is gone says nothing.
            let real = claim.is_path.then(|| view.resolve(name.as_bytes()).unwrap_or_else(|_| TreePath::new(name)));
            named(&real?.text())
        };
        named(name).or_else(follow)
    }

    /// What a settings file beside HDF5 says, where there is one.
    fn settings_claim(&mut self, it: &Hdf5Use) -> Option<BuildClaim> {
        let library = it.lib.value()?.as_ref()?;
        let (word, id) = self.settings_of("hdf5", &TreePath::new(library))?;
        let file = self.ledger.path_of(id).to_owned();
        let known = |text: &str| Fact::known(text.to_owned(), vec![id]);
        let (linked, agreement) = match &it.parallel {
            Fact::Known { value, .. } => {
                let is = if *value { "parallel" } else { "serial" };
                (known(is), known(if is == word { "same" } else { "other-build" }))
            }
            Fact::Unknown { unknown } => (Fact::unknown(*unknown), Fact::unknown(*unknown)),
        };
        Some(BuildClaim {
            package: it.user.clone(),
            capability: "hdf5".to_owned(),
            file,
            name: known(word),
            library: known(ANY),
            version: known(""),
            interface: known("unsaid"),
            max_threads: known(""),
            linked,
            agreement,
        })
    }

    fn place(&mut self, path: &TreePath, entry: &Entry) -> EvidenceId {
        let text = format!("{} = {}", entry.way, entry.text);
        self.ledger.keep(Evidence { path: path.text(), line: Some(entry.line), text, ..Evidence::default() })
    }
}

/// What answers for a package; none where it does not use the capability, or nothing is said of it.
fn linked(capability: &str, package: &str, blas: &[&Fact<Vec<BlasUse>>; 2], mpi: &Fact<Vec<MpiUse>>) -> Option<Linked> {
    let unsaid = || Fact::known(String::new(), Vec::new());
    let of_blas = |uses: &Fact<Vec<BlasUse>>| {
        let it = uses.value()?.iter().find(|it| it.user == package)?;
        let (vendor, version) = (it.vendor.clone(), it.version.clone());
        Some(Linked { vendor, version, interface: it.interface.clone(), abi: unsaid() })
    };
    match capability {
        "blas" => of_blas(blas[0]),
        "lapack" => of_blas(blas[1]),
        "mpi" => {
            let it = mpi.value()?.iter().find(|it| it.user == package)?;
            let (vendor, version) = (it.vendor.clone(), it.version.clone());
            Some(Linked { vendor, version, interface: unsaid(), abi: it.abi.clone() })
        }
        _ => None,
    }
}

fn linked_text(linked: &Linked) -> Fact<String> {
    match (&linked.vendor, linked.version.value()) {
        (Fact::Known { value, because, .. }, Some(version)) if value != "none" && !version.is_empty() => {
            Fact::known(format!("{value} {version}"), because.clone())
        }
        (vendor, _) => vendor.clone(),
    }
}

fn with(because: &[EvidenceId], linked: Option<&Linked>) -> Vec<EvidenceId> {
    let more = linked.map(|it| it.vendor.because()).unwrap_or_default();
    because.iter().chain(more).copied().collect()
}

fn agreement(
    library: &str,
    abi: &str,
    version: &str,
    interface: &str,
    linked: &Linked,
) -> Result<&'static str, crate::facts::GapId> {
    if library == ANY {
        return Ok("unsaid");
    }
    let vendor = match &linked.vendor {
        Fact::Known { value, .. } => value,
        Fact::Unknown { unknown } => return Err(*unknown),
    };
    if vendor != library {
        let stands_in = !abi.is_empty() && linked.abi.value().is_some_and(|it| it == abi);
        // A package that would use it and has none fails elsewhere.
        let absent = vendor == "none" && library != "none" && !abi.is_empty();
        return Ok(if stands_in {
            "same-abi"
        } else if absent {
            "unsaid"
        } else {
            "other-library"
        });
    }
    if linked.version.value().is_some_and(|it| differs(it, version)) {
        return Ok("other-version");
    }
    let width = linked.interface.value().map_or("", String::as_str);
    Ok(if interface != "unsaid" && !width.is_empty() && width != "none" && width != interface {
        "other-interface"
    } else {
        "same"
    })
}

/// Whether two versions differ in a number that both name: `0.3.29.0.0` and `0.3.29` do not, nor do `0.3.21` and `0.3.21.dev`.
fn differs(one: &str, other: &str) -> bool {
    fn numbers(text: &str) -> impl Iterator<Item = &str> {
        text.split('.').take_while(|it| !it.is_empty() && it.chars().all(|c| c.is_ascii_digit()))
    }
    numbers(one).zip(numbers(other)).any(|(a, b)| compare_versions(a, b) != Ordering::Equal)
}

fn interface_of(name: &str, configuration: &str) -> &'static str {
    let wide = configuration.contains("USE64BITINT") || configuration.contains("USE_64BITINT=1");
    let named = name.ends_with("64") || name.ends_with("64_") || name.contains("ilp64");
    match (wide || named, configuration.contains("MAX_THREADS")) {
        (true, _) => "ilp64",
        // A whole configuration would say so.
        (false, true) => "lp64",
        (false, false) => "unsaid",
    }
}

fn after<'t>(text: &'t str, key: &str) -> &'t str {
    let rest = text.split(key).nth(1).unwrap_or_default();
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default()
}

fn of_ini(text: &str) -> Vec<Entry> {
    let mut section = "";
    let mut entries = Vec::new();
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        if let Some(name) = content.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = content.split_once('=').filter(|_| !content.starts_with(['#', ';'])) {
            entries.push(Entry { way: format!("{section}/{}", key.trim()), text: value.trim().to_owned(), line });
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_far_as_both_go() {
        assert!(!differs("0.3.29", "0.3.29.0.0"));
        assert!(!differs("0.3.21", "0.3.21.dev"));
        assert!(!differs("", "0.3.21"));
        assert!(differs("0.3.21", "0.3.29"));
    }

    #[test]
    fn configurations_tell_integers_and_threads() {
        let text = "OpenBLAS 0.3.31  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64";
        assert_eq!((interface_of("scipy-openblas", text), after(text, "MAX_THREADS=")), ("ilp64", "64"));
        assert_eq!(interface_of("scipy-openblas", "OpenBLAS 0.3.30 DYNAMIC_ARCH MAX_THREADS=64"), "lp64");
        assert_eq!(interface_of("openblas64_", ""), "ilp64");
        assert_eq!(interface_of("blas", "unknown"), "unsaid");
        assert_eq!((interface_of("blas", ""), after("", "MAX_THREADS=")), ("unsaid", ""));
        let old = "USE_64BITINT=1 DYNAMIC_ARCH=1 DYNAMIC_OLDER= NO_CBLAS= NO_LAPACK= USE_OPENMP= HASWELL MAX_THREADS=2";
        assert_eq!(interface_of("openblas64", old), "ilp64");
    }

    #[test]
    fn sections_of_ini_files_lead_to_values() {
        let entries = of_ini("# mpi\n[mpi]\nmpicc = /opt/bin/mpicc\n; x = y\n");
        let text: Vec<String> = entries.iter().map(|it| format!("{}: {} = {}", it.line, it.way, it.text)).collect();
        assert_eq!(text, ["3: mpi/mpicc = /opt/bin/mpicc"]);
    }
}
