//! Conditions of descriptions: versions, counts, and what the site profile says. Three-valued.

use serde::Deserialize;
use toml::Spanned;

use super::effect::Target;
use super::meaning::Amount;
use crate::base::{KnowledgeError, TextFile, compare_versions};

pub(super) type RangesText = Vec<Spanned<String>>;

/// Alternatives of ranges; empty: always.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranges(Vec<Vec<(Comparison, String)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    AtLeast,
    Above,
    Is,
}

/// Yes, no, or why that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown(String),
}

/// What conditions ask about.
pub(super) trait Situation {
    fn version(&self) -> Option<String>;
    fn version_unknown(&self) -> String;
    fn ranks(&self) -> Result<u64, String>;
    fn oversubscribed(&self) -> Truth;
    /// The word of the site's default binding; `None` inside: none is set.
    fn autobind(&self) -> Result<Option<String>, String>;
    fn task_plugins(&self) -> Result<Vec<String>, String>;
    /// Whether an option or variable gave this amount.
    fn given(&self, amount: Amount) -> Truth;
    /// Whether the ranks fill what the step has on a node, counted in these.
    fn fills(&self, target: Target) -> Truth;
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenText {
    ranks: Option<Spanned<String>>,
    #[serde(default)]
    version: RangesText,
    oversubscribed: Option<bool>,
    #[serde(default)]
    autobind: Vec<String>,
    task_plugins_lack: Option<String>,
    given: Option<Amount>,
    fills: Option<Target>,
}

/// All of these hold.
#[derive(Debug, Clone, Default)]
pub(super) struct When {
    ranks: Ranges,
    version: Ranges,
    oversubscribed: Option<bool>,
    autobind: Vec<String>,
    task_plugins_lack: Option<String>,
    given: Option<Amount>,
    fills: Option<Target>,
}

impl Ranges {
    pub(super) fn read(file: &TextFile, raw: Option<RangesText>) -> Result<Self, KnowledgeError> {
        let mut alternatives = Vec::new();
        for written in raw.unwrap_or_default() {
            let one = written.get_ref().split(',').map(|it| comparison(it.trim())).collect::<Option<Vec<_>>>();
            let message = format!("`{}` is no range such as `>= 5` or `>= 22.05, < 23.11`", written.get_ref());
            alternatives.push(one.ok_or_else(|| KnowledgeError::at(file, written.span().start, message))?);
        }
        Ok(Self(alternatives))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the version lies in one of them.
    pub(super) fn holds(&self, version: &str) -> bool {
        let fits = |(comparison, bound): &(Comparison, String)| {
            let order = compare_versions(version, bound);
            match comparison {
                Comparison::Below => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::AtLeast => order.is_ge(),
                Comparison::Above => order.is_gt(),
                Comparison::Is => order.is_eq(),
            }
        };
        self.is_empty() || self.0.iter().any(|all| all.iter().all(fits))
    }

    /// Whether every version lies in one of several.
    pub(super) fn cover_all(several: &[&Self]) -> bool {
        let bounds = several.iter().flat_map(|it| &it.0).flatten().map(|it| it.1.clone());
        // Below all of them, at each, and behind each: between two of them nothing changes.
        let mut samples = vec!["0".to_owned()];
        samples.extend(bounds.flat_map(|it| [it.clone(), format!("{it}.0.0.1")]));
        samples.iter().all(|version| several.iter().any(|it| it.holds(version)))
    }

    /// Whether the version lies in one of them; without a version that is known only where nothing is asked.
    pub(super) fn truth(&self, version: Option<&str>, unknown: impl Fn() -> String) -> Truth {
        match version {
            Some(version) => Truth::of(self.holds(version)),
            None if self.is_empty() => Truth::Yes,
            None => Truth::Unknown(unknown()),
        }
    }
}

fn comparison(text: &str) -> Option<(Comparison, String)> {
    let signs = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("<", Comparison::Below),
        (">", Comparison::Above),
        ("=", Comparison::Is),
    ];
    let (rest, comparison) = signs.iter().find_map(|(sign, it)| Some((text.strip_prefix(sign)?, *it)))?;
    let bound = rest.trim();
    bound.starts_with(|it: char| it.is_ascii_digit()).then(|| (comparison, bound.to_owned()))
}

impl Truth {
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// Both hold.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(reason), _) | (_, Self::Unknown(reason)) => Self::Unknown(reason),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }
}

impl When {
    pub(super) fn read(file: &TextFile, raw: WhenText) -> Result<Self, KnowledgeError> {
        Ok(Self {
            ranks: Ranges::read(file, raw.ranks.map(|it| vec![it]))?,
            version: Ranges::read(file, Some(raw.version))?,
            oversubscribed: raw.oversubscribed,
            autobind: raw.autobind,
            task_plugins_lack: raw.task_plugins_lack,
            given: raw.given,
            fills: raw.fills,
        })
    }

    pub(super) fn truth(&self, situation: &dyn Situation) -> Truth {
        let version = self.version.truth(situation.version().as_deref(), || situation.version_unknown());
        let mut all = version;
        if !self.ranks.is_empty() {
            all = all.and(match situation.ranks() {
                Ok(ranks) => Truth::of(self.ranks.holds(&ranks.to_string())),
                Err(reason) => Truth::Unknown(reason),
            });
        }
        if let Some(wanted) = self.oversubscribed {
            all = all.and(match situation.oversubscribed() {
                Truth::Yes => Truth::of(wanted),
                Truth::No => Truth::of(!wanted),
                unknown @ Truth::Unknown(_) => unknown,
            });
        }
        if !self.autobind.is_empty() {
            all = all.and(match situation.autobind() {
                Ok(word) => Truth::of(word.is_some_and(|it| self.autobind.contains(&it))),
                Err(reason) => Truth::Unknown(reason),
            });
        }
        if let Some(plugin) = &self.task_plugins_lack {
            all = all.and(match situation.task_plugins() {
                Ok(plugins) => Truth::of(!plugins.contains(plugin)),
                Err(reason) => Truth::Unknown(reason),
            });
        }
        if let Some(amount) = self.given {
            all = all.and(situation.given(amount));
        }
        match self.fills {
            Some(target) => all.and(situation.fills(target)),
            None => all,
        }
    }
}
