//! What a library opens at run time: layers and backends that no NEEDED entry names.

use serde::Deserialize;

use super::clause::Clause;
use super::compile::{ClauseText, Compiler};
use super::engine::{Search, hidden};
use super::{Identity, KnowledgeError, Libraries, Look};
use crate::base::{Gap, Variables, printable};

/// Where a library looks for what it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The directory of the library itself, then a directory below it by that name; empty for the directory itself.
    Own(String),
    /// The loader's search for a bare name, on behalf of the library.
    Search,
}

/// Whether the symbols of what is opened can answer for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// RTLD_GLOBAL.
    Global,
    /// RTLD_LOCAL.
    Local,
}

/// When it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// As soon as the library is loaded.
    Load,
    /// When one of its functions is called first.
    FirstCall,
}

/// One library that is opened at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Names in the order in which they are tried; the first that opens is taken.
    pub names: Vec<Vec<u8>>,
    /// Places, tried in this order for each name.
    pub places: Vec<Place>,
    /// Whether the library fails without it.
    pub required: bool,
    /// Who sees its symbols.
    pub scope: Scope,
    /// When.
    pub moment: Moment,
    /// Which of the names it is depends on the CPU.
    pub by_cpu: bool,
    /// The variable that decides, and the value it has; `None` for a value when it is not set.
    pub decided_by: Option<(String, Option<String>)>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpensText {
    #[serde(default)]
    when: ClauseText,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default = "own_then_search")]
    places: Vec<String>,
    #[serde(default = "yes")]
    required: bool,
    scope: Scope,
    moment: Moment,
    #[serde(default)]
    by_cpu: bool,
    variable: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    undecided: Option<String>,
}

fn own_then_search() -> Vec<String> {
    vec!["own".to_owned(), "search".to_owned()]
}

fn yes() -> bool {
    true
}

/// A rule for one thing that is opened, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Opens {
    pub(super) when: Clause,
    raw: OpensText,
}

impl Opens {
    pub(super) fn read(compiler: &mut Compiler<'_>, raw: &OpensText) -> Result<Self, KnowledgeError> {
        Ok(Self { when: compiler.clause(&raw.when)?, raw: raw.clone() })
    }

    /// What is opened and when, in words.
    pub(super) fn in_words(&self, patterns: &[regex::bytes::Regex]) -> String {
        let raw = &self.raw;
        let what = match &raw.undecided {
            Some(reason) => format!("unknown: {reason}"),
            None => raw.names.join(" or "),
        };
        let when = self.when.in_words(patterns).replace("(?-u)", "");
        let values: Vec<&str> = raw.values.iter().map(|it| if it.is_empty() { "unset" } else { it }).collect();
        let with = raw.variable.as_ref().map(|name| format!("{name} is {}", values.join(" or ")));
        let conditions: Vec<String> = with.into_iter().chain((!when.is_empty()).then_some(when)).collect();
        if conditions.is_empty() { what } else { format!("{what}, when {}", conditions.join(" and it ")) }
    }

    /// Whether the value of its variable calls for it. `""` stands for unset, `*` for any value; case does not matter.
    fn called_for(&self, variables: &Variables) -> bool {
        let Some(variable) = &self.raw.variable else { return true };
        let value = variables.non_empty(variable).map(printable).unwrap_or_default();
        let fits = |it: &String| it.eq_ignore_ascii_case(&value) || (it == "*" && !value.is_empty());
        self.raw.values.iter().any(fits)
    }
}

impl Libraries {
    /// What the library opens at run time in an environment with `variables`, in order.
    ///
    /// A variable with a value that the description does not know is a gap: what is opened then cannot be said.
    pub fn openings(
        &self,
        identity: &Identity,
        look: &dyn Look,
        variables: &Variables,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Opening> {
        let mut openings = Vec::new();
        let mut asked: Vec<(&str, bool)> = Vec::new();
        let Some(library) = self.get(&identity.library) else { return openings };
        let mut search = Search::default();
        search.add(&library.word, &library.patterns);
        for opens in &library.opens {
            let held = match opens.when.holds_with_text(look, &library.word, &mut search) {
                Ok(Some(held)) => held,
                Ok(None) => continue,
                Err(error) => {
                    gaps.push(hidden(look, error.to_string()));
                    continue;
                }
            };
            let called_for = opens.called_for(variables);
            if let Some(variable) = &opens.raw.variable {
                asked.push((variable, called_for));
            }
            if !called_for {
                continue;
            }
            if let Some(reason) = &opens.raw.undecided {
                gaps.push(Gap {
                    hides: "what this library opens at run time".to_owned(),
                    ..hidden(look, reason.clone())
                });
                continue;
            }
            openings.push(opening(opens, variables, |template| held.filled(template)));
        }
        unknown_values(&asked, look, variables, gaps);
        openings
    }
}

fn opening(opens: &Opens, variables: &Variables, fill: impl Fn(&str) -> String) -> Opening {
    let raw = &opens.raw;
    let value = raw.variable.as_ref().and_then(|it| variables.non_empty(it)).map(printable);
    let name = |template: &String| {
        let value = value.clone().unwrap_or_default();
        let name = fill(template).replace("{value}", &value).replace("{value:lower}", &value.to_lowercase());
        name.into_bytes()
    };
    let place = |it: &String| match it.as_str() {
        "search" => Place::Search,
        own => Place::Own(own.strip_prefix("own").unwrap_or(own).trim_matches('/').to_owned()),
    };
    Opening {
        names: raw.names.iter().map(name).collect(),
        places: raw.places.iter().map(place).collect(),
        required: raw.required,
        scope: raw.scope,
        moment: raw.moment,
        by_cpu: raw.by_cpu,
        decided_by: raw.variable.clone().map(|it| (it, value)),
    }
}

fn unknown_values(asked: &[(&str, bool)], look: &dyn Look, variables: &Variables, gaps: &mut Vec<Gap>) {
    let mut names: Vec<&str> = asked.iter().map(|it| it.0).collect();
    names.sort_unstable();
    names.dedup();
    for name in names.into_iter().filter(|name| !asked.iter().any(|it| it.0 == *name && it.1)) {
        let value = variables.non_empty(name).map(printable).unwrap_or_default();
        let reason = format!("{name} is `{value}`, which its description does not know");
        gaps.push(Gap { hides: "what this library opens at run time".to_owned(), ..hidden(look, reason) });
    }
}
