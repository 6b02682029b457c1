//! Library descriptions: `rules/libraries/<word>.toml`, read and checked.

use std::collections::BTreeMap;

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::clause::Clause;
use super::compile::{ClauseText, Compiler};
use super::offers::{ModulesRule, ModulesText};
use super::opening::{Opens, OpensText};
use super::settings::{Settings, SettingsText};
use super::{Attribute, Capabilities, Capability, Identity, KnowledgeError};
use crate::base::{TextFile, compare_versions};

/// Everything in `rules/libraries`.
#[derive(Debug, Clone, Default)]
pub struct Libraries {
    pub(super) libraries: BTreeMap<String, Library>,
}

/// One library.
#[derive(Debug, Clone)]
pub struct Library {
    /// Its public word: the stem of its file.
    pub word: String,
    /// Its name for people.
    pub title: String,
    /// What its file begins with: what is to be known about it.
    pub note: String,
    /// What it can be asked for: `blas`, `lapack`, `mpi`, ...
    pub capabilities: Vec<String>,
    /// Where it lives.
    pub homepage: String,
    /// Whether its marks were measured on real files; if not, a match is likely, not certain.
    pub measured: bool,
    /// Whether only machines with certain hardware have it: its absence elsewhere is no defect.
    pub machine_dependent: bool,
    /// Whether what it opens at run time answers in its place.
    pub dispatches: bool,
    /// What can switch it for another at run time: variables, an alternatives link.
    pub decided_by: Vec<String>,
    /// Known defective releases.
    pub defects: Vec<Defect>,
    /// Facts of real binaries that it must recognise.
    pub seen: Vec<Sample>,
    /// Facts of real binaries that nothing may recognise.
    pub not: Vec<Sample>,
    /// What is asked about it: the attributes of its capabilities.
    pub attributes: Vec<Attribute>,
    /// Descriptions that fit too and are less specific than this one.
    pub(super) before: Vec<String>,
    pub(super) is: Vec<Clause>,
    pub(super) clauses: BTreeMap<Attribute, Vec<Clause>>,
    pub(super) undecided: BTreeMap<Attribute, String>,
    /// For each defect, the builds that carry the repair.
    pub(super) repaired: Vec<Option<Regex>>,
    pub(super) opens: Vec<Opens>,
    /// Each clause that holds is a transport that is built in.
    pub(super) offers: Vec<Clause>,
    pub(super) modules: Vec<ModulesRule>,
    pub(super) settings: Vec<Settings>,
    /// Searched together, once per file.
    pub(super) patterns: Vec<Regex>,
}

/// A release with a known defect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// Bounds that hold together: `>= 0.3.1, < 0.3.4`.
    pub versions: String,
    /// The threading that it needs to show, if one.
    pub threading: Option<String>,
    /// Pattern of file names of builds that carry the repair under the same version.
    pub not_file: Option<Spanned<String>>,
    /// What is wrong, in one line.
    pub text: String,
    /// Where it is described.
    pub reference: String,
}

/// What was seen in a real file, and what it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Where the file comes from.
    #[serde(rename = "where")]
    pub place: String,
    /// Name of the real file.
    pub file: String,
    /// DT_SONAME.
    pub soname: Option<String>,
    /// DT_NEEDED.
    #[serde(default)]
    pub needed: Vec<String>,
    /// Telling symbols that it defines.
    #[serde(default)]
    pub defines: Vec<String>,
    /// Telling symbols that it wants strongly.
    #[serde(default)]
    pub wants: Vec<String>,
    /// Telling symbols that it wants weakly.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// Text that data symbols name.
    #[serde(default)]
    pub objects: BTreeMap<String, String>,
    /// Telling text; each piece stands between NUL bytes.
    #[serde(default)]
    pub text: Vec<String>,
    /// A script, not an object.
    #[serde(default)]
    pub script: bool,
    /// What must come out; an attribute that is not given must come out unknown.
    #[serde(default)]
    pub expect: BTreeMap<Attribute, String>,
    /// What it must open at run time with nothing set, first names only.
    #[serde(default)]
    pub opens: Vec<String>,
    /// The transports that must be found built in, in the order of the description.
    #[serde(default)]
    pub offers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LibraryText {
    title: String,
    capabilities: Vec<Spanned<String>>,
    homepage: String,
    measured: bool,
    #[serde(default)]
    machine_dependent: bool,
    #[serde(default)]
    decided_by: Vec<String>,
    #[serde(default)]
    before: Vec<String>,
    is: Vec<Spanned<ClauseText>>,
    #[serde(default)]
    version: Vec<ClauseText>,
    #[serde(default)]
    interface: Vec<ClauseText>,
    #[serde(default)]
    threading: Vec<ClauseText>,
    #[serde(default)]
    abi: Vec<ClauseText>,
    #[serde(default)]
    parallel: Vec<ClauseText>,
    #[serde(default)]
    gpu: Vec<ClauseText>,
    #[serde(default)]
    undecided: BTreeMap<Attribute, String>,
    #[serde(default)]
    opens: Vec<OpensText>,
    #[serde(default)]
    offers: Vec<ClauseText>,
    #[serde(default)]
    modules: Vec<ModulesText>,
    #[serde(default)]
    dispatches: bool,
    #[serde(default)]
    settings: Vec<SettingsText>,
    #[serde(default)]
    defect: Vec<Defect>,
    #[serde(default)]
    seen: Vec<Sample>,
    #[serde(default)]
    not: Vec<Sample>,
}

impl Libraries {
    /// Reads the files; a later file replaces an earlier one of the same stem.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(files: &[TextFile], capabilities: &Capabilities) -> Result<Self, KnowledgeError> {
        let one = |file: &TextFile| Ok((file.stem.clone(), Library::read(file, capabilities)?));
        let libraries = files.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Self { libraries })
    }

    /// The library of that word.
    pub fn get(&self, word: &str) -> Option<&Library> {
        self.libraries.get(word)
    }

    /// All of them, sorted by word.
    pub fn iter(&self) -> impl Iterator<Item = &Library> {
        self.libraries.values()
    }

    /// The library that would answer to `soname`, where it comes with the hardware of a machine: a driver that is
    /// missing on this one.
    pub fn machine_dependent(&self, soname: &[u8]) -> Option<&Library> {
        let named = |it: &Clause| it.soname.as_ref().is_some_and(|pattern| pattern.is_match(soname));
        self.iter().filter(|it| it.machine_dependent).find(|it| it.is.iter().any(named))
    }

    /// Known defects of the release that was found.
    pub fn defects(&self, identity: &Identity) -> Vec<&Defect> {
        let Some(version) = identity.value(Attribute::Version) else { return Vec::new() };
        let threading = identity.value(Attribute::Threading);
        let name = identity.path.file_name();
        let fits = |(it, repaired): &(&Defect, &Option<Regex>)| {
            within(version, &it.versions)
                && it.threading.as_deref().is_none_or(|needed| Some(needed) == threading)
                && !repaired.as_ref().is_some_and(|it| it.is_match(name))
        };
        let Some(library) = self.get(&identity.library) else { return Vec::new() };
        library.defects.iter().zip(&library.repaired).filter(fits).map(|it| it.0).collect()
    }
}

impl Library {
    fn read(file: &TextFile, capabilities: &Capabilities) -> Result<Self, KnowledgeError> {
        let raw: LibraryText = toml::from_str(&file.text).map_err(|it| KnowledgeError::toml(file, &it))?;
        let kinds = kinds(file, &raw.capabilities, capabilities)?;
        let mut compiler = compiler(file, &kinds);
        let is = raw.is.iter().map(|it| mark(&mut compiler, it)).collect::<Result<Vec<_>, _>>()?;
        let texts = [
            (Attribute::Version, &raw.version),
            (Attribute::Interface, &raw.interface),
            (Attribute::Threading, &raw.threading),
            (Attribute::Abi, &raw.abi),
            (Attribute::Parallel, &raw.parallel),
            (Attribute::Gpu, &raw.gpu),
        ];
        let mut clauses = BTreeMap::new();
        for (attribute, list) in texts {
            let valued = |it: &ClauseText| valued(&mut compiler, &kinds, attribute, it);
            clauses.insert(attribute, list.iter().map(valued).collect::<Result<_, _>>()?);
        }
        let opens = raw.opens.iter().map(|it| Opens::read(&mut compiler, it)).collect::<Result<_, _>>()?;
        let offers = raw.offers.iter().map(|it| offer(&mut compiler, it)).collect::<Result<_, _>>()?;
        let modules = raw.modules.iter().map(|it| ModulesRule::read(&mut compiler, it)).collect::<Result<_, _>>()?;
        let repaired = |it: &Defect| it.not_file.as_ref().map(|it| compiler.pattern(it)).transpose();
        let repaired = raw.defect.iter().map(repaired).collect::<Result<_, _>>()?;
        let mut attributes: Vec<Attribute> = kinds.iter().flat_map(|it| it.attributes.iter().copied()).collect();
        attributes.sort();
        attributes.dedup();
        Ok(Self {
            word: file.stem.clone(),
            title: raw.title,
            note: super::words::note(file),
            capabilities: raw.capabilities.iter().map(|it| it.get_ref().clone()).collect(),
            homepage: raw.homepage,
            measured: raw.measured,
            machine_dependent: raw.machine_dependent,
            decided_by: raw.decided_by,
            defects: raw.defect,
            seen: raw.seen,
            not: raw.not,
            attributes,
            before: raw.before,
            is,
            clauses,
            undecided: raw.undecided,
            repaired,
            opens,
            offers,
            modules,
            settings: raw.settings.iter().map(|it| Settings::read(file, it)).collect::<Result<_, _>>()?,
            dispatches: raw.dispatches,
            patterns: compiler.patterns,
        })
    }
}

fn kinds<'a>(
    file: &TextFile,
    words: &[Spanned<String>],
    capabilities: &'a Capabilities,
) -> Result<Vec<&'a Capability>, KnowledgeError> {
    let one = |word: &Spanned<String>| {
        capabilities.get(word.get_ref()).ok_or_else(|| {
            let message = format!("`{}` is not a capability", word.get_ref());
            let valid = capabilities.iter().map(|it| it.word.as_str());
            KnowledgeError::at(file, word.span().start, message).instead_of(word.get_ref(), valid)
        })
    };
    words.iter().map(one).collect()
}

fn compiler<'a>(file: &'a TextFile, kinds: &[&Capability]) -> Compiler<'a> {
    let (mut prefixes, mut suffixes): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for kind in kinds {
        prefixes.extend(kind.prefixes.iter().filter(|it| !prefixes.contains(it)).cloned().collect::<Vec<_>>());
        suffixes.extend(kind.suffixes.iter().filter(|it| !suffixes.contains(it)).cloned().collect::<Vec<_>>());
    }
    Compiler { file, prefixes, suffixes, patterns: Vec::new() }
}

/// A clause that says what the file is; it must ask for something.
fn mark(compiler: &mut Compiler<'_>, raw: &Spanned<ClauseText>) -> Result<Clause, KnowledgeError> {
    let clause = compiler.clause(raw.get_ref())?;
    if clause.is_empty() {
        let message = "a clause of `is` that asks for nothing matches every file";
        return Err(KnowledgeError::at(compiler.file, raw.span().start, message));
    }
    Ok(clause)
}

fn valued(
    compiler: &mut Compiler<'_>,
    kinds: &[&Capability],
    attribute: Attribute,
    raw: &ClauseText,
) -> Result<Clause, KnowledgeError> {
    let Some(value) = &raw.value else {
        let message = format!("a clause of `{}` has no `value`", attribute.word());
        return Err(KnowledgeError::at(compiler.file, 0, message));
    };
    for kind in kinds {
        kind.check(compiler.file, attribute, value)?;
    }
    compiler.clause(raw)
}

fn offer(compiler: &mut Compiler<'_>, raw: &ClauseText) -> Result<Clause, KnowledgeError> {
    if raw.value.is_none() {
        return Err(KnowledgeError::at(compiler.file, 0, "a clause of `offers` has no `value`".to_owned()));
    }
    compiler.clause(raw)
}

/// Whether `version` fulfils every bound of `bounds`.
fn within(version: &str, bounds: &str) -> bool {
    bounds.split(',').map(str::trim).all(|bound| {
        let cut = bound.find(|c: char| !"<>=".contains(c)).unwrap_or(bound.len());
        let (sign, limit) = bound.split_at(cut);
        let order = compare_versions(version, limit.trim());
        match sign {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            "=" | "==" => order.is_eq(),
            _ => false,
        }
    })
}
