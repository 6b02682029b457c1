//! What the value of an option does: patterns over the value, each with amounts and a way of binding.

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use serde::Deserialize;
use toml::Spanned;

use super::meaning::{Amount, Meaning};
use super::quantity::Quantity;
use crate::base::{KnowledgeError, TextFile};
use crate::job::Value;

/// Part of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Target {
    /// Not bound.
    None,
    /// What the launcher counts as a CPU: hardware threads, core by core.
    Cpu,
    /// CPUs in the order in which Linux numbers them: one thread of every core first.
    NumberedCpu,
    /// A core with the hardware threads that are used.
    Core,
    /// A shared cache; its size is not known.
    Cache,
    /// A NUMA domain.
    Numa,
    /// A socket.
    Socket,
    /// All CPUs that the step has on the node.
    Step,
    /// All CPUs of the resource set.
    Set,
    /// CPUs that the value lists, one entry for each rank.
    List,
    /// One CPU of a list for each rank.
    OneOfList,
    /// CPUs that the value gives as hexadecimal masks, one for each rank.
    Masks,
    /// Something that is not followed here.
    Unknown,
}

/// How many units each rank gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Each {
    /// That many.
    Units(u64),
    /// As many as this amount says.
    Amount(Amount),
    /// What the number of ranks leaves for each.
    Divided,
}

/// A way of binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bind {
    pub(super) to: Target,
    pub(super) each: Each,
    /// Whole cores, where the launcher counts hardware threads.
    pub(super) whole_cores: bool,
    /// Ranks take turns over these.
    pub(super) over: Option<Target>,
    /// Entries for the ranks in order.
    pub(super) list: Vec<String>,
    /// What is wrong or special about it, for people.
    pub(super) because: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BindText {
    to: Target,
    each: Option<Spanned<String>>,
    #[serde(default)]
    whole_cores: bool,
    over: Option<Target>,
    /// `{1}`: the captured list.
    list: Option<String>,
    separator: Option<char>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseText {
    pattern: Spanned<String>,
    bind: Option<BindText>,
    over: Option<Target>,
    #[serde(default)]
    amounts: BTreeMap<Amount, String>,
    means: Option<Meaning>,
    value: Option<String>,
    #[serde(default)]
    because: String,
}

/// One pattern over a value, and what it does.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pattern: Regex,
    bind: Option<BindRule>,
    over: Option<Target>,
    amounts: BTreeMap<Amount, String>,
    means: Option<Meaning>,
    value: Option<String>,
    because: String,
}

/// A way of binding that may hold captures of a pattern.
#[derive(Debug, Clone)]
pub(super) struct BindRule {
    to: Target,
    each: String,
    whole_cores: bool,
    over: Option<Target>,
    list: Option<String>,
    separator: char,
}

/// What a value does.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    pub(super) amounts: Vec<(Amount, Quantity)>,
    pub(super) bind: Option<Bind>,
    pub(super) over: Option<Target>,
    pub(super) means: Option<(Meaning, Value)>,
    /// Why the value is not understood.
    pub(super) unclear: Option<String>,
}

impl Bind {
    /// A way of binding that cannot be told.
    pub(super) fn unknown(because: String) -> Self {
        let (to, each, list) = (Target::Unknown, Each::Units(1), Vec::new());
        Self { to, each, whole_cores: false, over: None, list, because }
    }
}

impl BindRule {
    /// One unit of this for each rank.
    pub(super) fn to(to: Target) -> Self {
        Self { to, each: "1".to_owned(), whole_cores: false, over: None, list: None, separator: ',' }
    }

    pub(super) fn read(file: &TextFile, raw: &BindText) -> Result<Self, KnowledgeError> {
        if let Some(each) = &raw.each {
            let word = each.get_ref();
            if !word.contains('{') && amount_or_number(word).is_none() {
                let message = format!("`{word}` is no number, no amount, no capture and not `divided`");
                return Err(KnowledgeError::at(file, each.span().start, message));
            }
        }
        Ok(Self {
            to: raw.to,
            each: raw.each.as_ref().map_or("1".to_owned(), |it| it.get_ref().clone()),
            whole_cores: raw.whole_cores,
            over: raw.over,
            list: raw.list.clone(),
            separator: raw.separator.unwrap_or(','),
        })
    }

    /// The way of binding, with captures put in.
    pub(super) fn bind(&self, because: &str, fill: impl Fn(&str) -> String) -> Bind {
        let each = amount_or_number(&fill(&self.each)).unwrap_or(Each::Units(1));
        let list = self.list.as_deref().map(&fill).unwrap_or_default();
        let list = list.split(self.separator).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let (to, whole_cores, over) = (self.to, self.whole_cores, self.over);
        Bind { to, each, whole_cores, over, list, because: because.to_owned() }
    }
}

fn amount_or_number(word: &str) -> Option<Each> {
    if word == "divided" {
        return Some(Each::Divided);
    }
    match word.parse() {
        Ok(number) => Some(Each::Units(number)),
        Err(_) => Amount::called(word).map(Each::Amount),
    }
}

impl Case {
    pub(super) fn read(file: &TextFile, raw: &CaseText) -> Result<Self, KnowledgeError> {
        let pattern = Regex::new(raw.pattern.get_ref());
        let wrong = |it: regex::Error| KnowledgeError::at(file, raw.pattern.span().start, it.to_string());
        Ok(Self {
            pattern: pattern.map_err(wrong)?,
            bind: raw.bind.as_ref().map(|it| BindRule::read(file, it)).transpose()?,
            over: raw.over,
            amounts: raw.amounts.clone(),
            means: raw.means,
            value: raw.value.clone(),
            because: raw.because.clone(),
        })
    }

    fn apply(&self, name: &str, value: &Value, text: &str, found: &Captures<'_>, effects: &mut Effects) {
        let fill = |template: &str| filled(template, found);
        for (amount, template) in &self.amounts {
            let number =
                Value { parts: Value::known(fill(template), &Default::default()).parts, places: value.places.clone() };
            let because = format!("{name} {text}");
            effects.amounts.push((*amount, Quantity { because, ..Quantity::read(name, &number) }));
        }
        if let (Some(bind), None) = (&self.bind, &effects.bind) {
            let because = if self.because.is_empty() { format!("{name} {text}") } else { self.because.clone() };
            effects.bind = Some(bind.bind(&because, fill));
        }
        effects.over = effects.over.or(self.over);
        if let (Some(means), None) = (self.means, &effects.means) {
            let kept = Value { parts: Vec::new(), places: value.places.clone() };
            let mut restated = kept;
            restated.push_text(&self.value.as_deref().map_or(text.to_owned(), fill));
            effects.means = Some((means, restated));
        }
    }
}

/// `{1}` is what the first group captured.
fn filled(template: &str, found: &Captures<'_>) -> String {
    let mut text = template.to_owned();
    for index in 0..found.len() {
        let group = found.get(index).map_or("", |it| it.as_str());
        text = text.replace(&format!("{{{index}}}"), group);
    }
    text
}

/// What `value` of `name` does by these cases: every case that fits adds, the first that binds counts.
pub(super) fn effects(cases: &[Case], name: &str, value: &Value) -> Effects {
    let mut effects = Effects::default();
    if cases.is_empty() {
        return effects;
    }
    let Some(text) = value.text() else {
        let what = value.first_unknown().map_or("its value", |it| it.0);
        effects.unclear = Some(format!("{what} is not known"));
        return effects;
    };
    let mut fits = false;
    for case in cases {
        if let Some(found) = case.pattern.captures(&text) {
            case.apply(name, value, &text, &found, &mut effects);
            fits = true;
        }
    }
    if !fits {
        effects.unclear = Some(format!("`{text}` is no value of {name} that is known here"));
    }
    effects
}
