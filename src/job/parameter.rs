//! `$NAME` and `${...}`: what a variable holds, and what is done with it.

use super::arithmetic::{Memory, assigned, evaluate};
use super::expand::{Expansion, joined};
use super::node::{Index, Operation, Parameter, Which, Word};
use super::pattern::Pattern;
use super::run::Runner;
use super::text::Span;
use super::value::{Binding, Value};
use super::world::{Elements, Field, World};

/// Variables that the shell itself sets: not known where the script does not set them.
const OF_THE_SHELL: [&str; 24] = [
    "BASHPID",
    "BASH_SOURCE",
    "BASH_VERSION",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HOSTNAME",
    "HOSTTYPE",
    "LINENO",
    "MACHTYPE",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "OSTYPE",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SHLVL",
    "SRANDOM",
    "UID",
];

/// What is known of one variable, as expansion sees it.
enum Found {
    Set(Value),
    Unset,
    /// It may be set or not: the value that stands for it.
    Unknown(Value),
}

impl Runner<'_> {
    /// What `$NAME` or `${...}` stands for.
    pub(super) fn parameter(&mut self, of: &Parameter, quoted: bool, span: &Span, world: &mut World) -> Expansion {
        if let Some(fields) = self.all(of, world, span) {
            return self.list(of, fields, quoted, span, world);
        }
        let found = self.find(of, span, world);
        let unknown = || Value::unknown(span.written(), &span.place());
        Expansion::One(match &of.operation {
            Operation::None => match found {
                Found::Set(value) | Found::Unknown(value) => value,
                Found::Unset => Value::default(),
            },
            Operation::IsSet => match found {
                Found::Set(_) => Value::known("1", &span.place()),
                Found::Unset => Value::known("0", &span.place()),
                Found::Unknown(_) => unknown(),
            },
            Operation::Default { word, empty_counts, assign } => match missing(&found, *empty_counts) {
                Some(true) => {
                    let value = self.value(word, world);
                    if *assign {
                        world.set(&of.name, value.clone().latest(&span.place()));
                    }
                    value
                }
                Some(false) => self.some(found),
                None => {
                    if *assign {
                        world.set(&of.name, unknown());
                    }
                    self.traced(unknown(), &found)
                }
            },
            Operation::Alternative { word, empty_counts } => match missing(&found, *empty_counts) {
                Some(true) => Value::default(),
                Some(false) => self.value(word, world),
                None => unknown(),
            },
            Operation::Required { empty_counts } => {
                if missing(&found, *empty_counts) == Some(true) {
                    world.flow = super::world::Flow::Exit;
                }
                self.some(found)
            }
            Operation::Indirect => match self.some(found).text() {
                Some(name) if super::parser::is_name(&name) => {
                    let inner = Parameter { name, index: None, operation: Operation::None };
                    return self.parameter(&inner, quoted, span, world);
                }
                Some(_) | None => unknown(),
            },
            Operation::Unfollowed => unknown(),
            Operation::Length
            | Operation::Trim { .. }
            | Operation::Replace { .. }
            | Operation::Slice { .. }
            | Operation::Case { .. } => {
                let value = self.some(found);
                let changed = value.text().and_then(|text| self.changed(&of.operation, &text, world));
                let mut result = changed.map_or_else(unknown, |text| Value::known(text, &span.place()));
                result.places = value.places;
                result
            }
        })
    }

    fn some(&self, found: Found) -> Value {
        match found {
            Found::Set(value) | Found::Unknown(value) => value,
            Found::Unset => Value::default(),
        }
    }

    fn traced(&self, mut value: Value, found: &Found) -> Value {
        if let Found::Set(known) | Found::Unknown(known) = found {
            value.places.extend(known.places.iter().cloned());
        }
        value
    }

    /// A text after an operation; `None` when that is not known.
    fn changed(&mut self, operation: &Operation, text: &str, world: &mut World) -> Option<String> {
        match operation {
            Operation::Length => Some(text.chars().count().to_string()),
            Operation::Trim { pattern, end, longest } => {
                Pattern::new(&self.pattern(pattern, world, false)?)?.trimmed(text, *end, *longest)
            }
            Operation::Replace { pattern, with, which } => {
                let pattern = self.pattern(pattern, world, false)?;
                let with = self.value(with, world).text()?;
                // `&` in the replacement stands for the match since bash 5.2, if a shell option says so.
                if with.contains('&') || pattern.is_empty() {
                    return pattern.is_empty().then(|| text.to_owned());
                }
                let pattern = Pattern::new(&pattern)?;
                match which {
                    Which::First => pattern.replaced(text, &with, false),
                    Which::All => pattern.replaced(text, &with, true),
                    Which::Start => pattern.replaced_at(text, &with, false),
                    Which::End => pattern.replaced_at(text, &with, true),
                }
            }
            Operation::Slice { offset, length } => {
                let letters: Vec<char> = text.chars().collect();
                let (start, end) = self.slice(offset, length.as_ref(), letters.len(), world)?;
                Some(letters.get(start..end)?.iter().collect())
            }
            Operation::Case { upper, all } => {
                let changed = |it: &str| if *upper { it.to_uppercase() } else { it.to_lowercase() };
                if *all {
                    return Some(changed(text));
                }
                let first = text.chars().next().map_or(0, char::len_utf8);
                Some(changed(text.get(..first)?) + text.get(first..)?)
            }
            Operation::None
            | Operation::Indirect
            | Operation::Unfollowed
            | Operation::Default { .. }
            | Operation::Alternative { .. }
            | Operation::Required { .. }
            | Operation::IsSet => None,
        }
    }

    fn slice(
        &mut self,
        offset: &Word,
        length: Option<&Word>,
        size: usize,
        world: &mut World,
    ) -> Option<(usize, usize)> {
        let size = i64::try_from(size).ok()?;
        let number = |it: Result<(i64, Value), Value>| it.map_or(None, |(number, _)| Some(number));
        let offset = number(self.arithmetic(offset, world))?;
        let start = if offset < 0 { size.checked_add(offset)? } else { offset };
        if start < 0 || size < start {
            return Some((0, 0));
        }
        let end = match length {
            None => size,
            Some(length) => match number(self.arithmetic(length, world))? {
                length if length < 0 => size.checked_add(length)?,
                length => start.checked_add(length)?.min(size),
            },
        };
        if end < start {
            return None;
        }
        Some((usize::try_from(start).ok()?, usize::try_from(end).ok()?))
    }

    /// Every element, where all are asked for; `None` where one value is.
    fn all(&mut self, of: &Parameter, world: &World, span: &Span) -> Option<Vec<Field>> {
        let arguments = self.csh && super::csh::is_arguments(&of.name, of.index.as_ref());
        if of.name == "@" || of.name == "*" || arguments {
            return Some((*world.arguments).clone());
        }
        if !matches!(of.index, Some(Index::All { .. })) || matches!(of.operation, Operation::IsSet) {
            return None;
        }
        if let Some(elements) = world.arrays.get(&of.name) {
            return Some(elements.values().map(|it| Field { value: it.clone(), open: false }).collect());
        }
        let plain = Parameter { name: of.name.clone(), index: None, operation: Operation::None };
        Some(match self.find(&plain, span, world) {
            Found::Set(value) => vec![Field { value, open: false }],
            Found::Unset => Vec::new(),
            Found::Unknown(value) => vec![Field { value, open: !self.csh }],
        })
    }

    fn list(&mut self, of: &Parameter, fields: Vec<Field>, quoted: bool, span: &Span, world: &mut World) -> Expansion {
        let joins = of.name == "*" || matches!(of.index, Some(Index::All { joined: true })) || self.csh;
        let open = fields.iter().any(|it| it.open);
        let unknown = |open| vec![Field { value: Value::unknown(span.written(), &span.place()), open }];
        let fields = match &of.operation {
            Operation::None => fields,
            Operation::Length if open => return Expansion::One(Value::unknown(span.written(), &span.place())),
            Operation::Length => return Expansion::One(Value::known(fields.len().to_string(), &span.place())),
            Operation::Default { word, .. } if fields.is_empty() => return Expansion::One(self.value(word, world)),
            Operation::Default { .. } if !open => fields,
            Operation::Alternative { word, .. } if !open => match fields.is_empty() {
                true => Vec::new(),
                false => return Expansion::One(self.value(word, world)),
            },
            Operation::Slice { offset, length } if !open => {
                // `${@:1}` begins with `$1`: `$0` stands before it.
                let shift = usize::from(of.name == "@" || of.name == "*");
                let size = fields.len() + shift;
                match self.slice(offset, length.as_ref(), size, world) {
                    Some((start, end)) if shift <= start || start == end => {
                        let end = end.max(start) - shift.min(end.max(start));
                        fields.get(start.saturating_sub(shift)..end).unwrap_or_default().to_vec()
                    }
                    Some(_) | None => unknown(true),
                }
            }
            Operation::Trim { .. } | Operation::Replace { .. } | Operation::Case { .. } if !open => {
                let mut changed = Vec::new();
                for field in fields {
                    let text = field.value.text().and_then(|it| self.changed(&of.operation, &it, world));
                    let unknown = || Value::unknown(span.written(), &span.place());
                    let value = text.map_or_else(unknown, |it| Value::known(it, &span.place()));
                    changed.push(Field { value, open: false });
                }
                changed
            }
            Operation::Indirect
            | Operation::Unfollowed
            | Operation::Default { .. }
            | Operation::Alternative { .. }
            | Operation::Required { .. }
            | Operation::Trim { .. }
            | Operation::Replace { .. }
            | Operation::Slice { .. }
            | Operation::Case { .. }
            | Operation::IsSet => unknown(true),
        };
        if joins && quoted && fields.iter().all(|it| !it.open) {
            return Expansion::One(joined(&fields));
        }
        Expansion::Fields(fields)
    }

    fn find(&mut self, of: &Parameter, span: &Span, world: &World) -> Found {
        if let Ok(number) = of.name.parse::<usize>() {
            return self.argument(number, span, world);
        }
        if of.name == "#" {
            let arguments = &world.arguments;
            let open = arguments.iter().any(|it| it.open);
            let count = Value::known(arguments.len().to_string(), &span.place());
            return Found::Set(if open { Value::unknown("$#", &span.place()) } else { count });
        }
        if !super::parser::is_name(&of.name) {
            return Found::Set(Value::unknown(span.written(), &span.place()));
        }
        if self.csh && super::csh::OF_CSH.contains(&of.name.as_str()) && world.shell.own(&of.name).is_none() {
            return Found::Set(Value::unknown(span.written(), &span.place()));
        }
        if let Some(Index::At(index)) = &of.index {
            let mut reading = world.clone();
            return match self.arithmetic(index, &mut reading) {
                Ok((index, _)) if self.csh && of.name == "argv" => {
                    self.argument(usize::try_from(index).unwrap_or(0), span, world)
                }
                Ok((index, _)) => element(&of.name, index - i64::from(self.csh), span, world),
                Err(_) => Found::Unknown(Value::unknown(span.written(), &span.place())),
            };
        }
        lookup(&of.name, span, world)
    }

    fn argument(&self, number: usize, span: &Span, world: &World) -> Found {
        let before = world.arguments.get(..number.min(world.arguments.len())).unwrap_or_default();
        if number == 0 || before.iter().any(|it| it.open) {
            return Found::Unknown(Value::unknown(span.written(), &span.place()));
        }
        match world.arguments.get(number - 1) {
            Some(field) => Found::Set(field.value.clone()),
            None => Found::Unset,
        }
    }

    /// The number that an expression is worth, and where its operands come from; the latter also when it is unknown.
    pub(super) fn arithmetic(&mut self, expression: &Word, world: &mut World) -> Result<(i64, Value), Value> {
        let value = self.value(expression, world);
        let Some(text) = value.text() else {
            self.lose(&value.display(), expression, world);
            return Err(value);
        };
        let place = expression.span.place();
        let mut cells = Cells { world, place, csh: self.csh, from: value };
        let number = evaluate(&text, &mut cells);
        let from = cells.from;
        match number {
            Some(number) => Ok((number, from)),
            None => {
                self.lose(&text, expression, world);
                Err(from)
            }
        }
    }

    /// What an expression without a known value would have assigned is unknown.
    fn lose(&mut self, text: &str, expression: &Word, world: &mut World) {
        for name in assigned(text) {
            world.set(&name, Value::unknown(expression.span.written(), &expression.span.place()));
        }
    }
}

/// Whether a default stands in for the variable; `None` when that is not known.
fn missing(found: &Found, empty_counts: bool) -> Option<bool> {
    match found {
        Found::Unset => Some(true),
        Found::Unknown(_) => None,
        Found::Set(_) if empty_counts => Some(false),
        Found::Set(value) if value.is_certainly_not_empty() => Some(false),
        Found::Set(value) if value.is_known() => Some(true),
        Found::Set(_) => None,
    }
}

fn lookup(name: &str, span: &Span, world: &World) -> Found {
    match world.shell.get(name) {
        Binding::Set(value) => Found::Set(value),
        Binding::Unset(_) if OF_THE_SHELL.contains(&name) && world.shell.own(name).is_none() => {
            Found::Set(Value::unknown(format!("${name}"), &span.place()))
        }
        Binding::Unset(_) => Found::Unset,
        Binding::Unknown { reason, place } => {
            let mut value = Value::unknown(format!("${name} ({reason})"), &place);
            if place == super::Place::default() {
                value = Value::unknown(format!("${name} ({reason})"), &span.place());
            }
            Found::Unknown(value)
        }
    }
}

fn element(name: &str, index: i64, span: &Span, world: &World) -> Found {
    match world.arrays.get(name) {
        None if index == 0 => lookup(name, span, world),
        None => match world.shell.get(name) {
            Binding::Unknown { reason, place } => Found::Unknown(Value::unknown(format!("${name} ({reason})"), &place)),
            Binding::Set(_) | Binding::Unset(_) => Found::Unset,
        },
        Some(elements) => {
            let last = elements.keys().next_back().copied().unwrap_or(-1);
            let index = if index < 0 { last.wrapping_add(1).wrapping_add(index) } else { index };
            elements.get(&index).map_or(Found::Unset, |it| Found::Set(it.clone()))
        }
    }
}

/// The variables of a world, as arithmetic sees them.
struct Cells<'a> {
    world: &'a mut World,
    place: super::Place,
    csh: bool,
    /// The expression, with the places of every variable that was read.
    from: Value,
}

impl Memory for Cells<'_> {
    fn get(&mut self, name: &str, index: Option<i64>) -> Option<String> {
        let origin = super::text::Origin::inside(name, &self.place);
        let span = Span { origin, start: 0, end: name.len() };
        let found = match index {
            Some(index) => element(name, index, &span, self.world),
            None => lookup(name, &span, self.world),
        };
        match found {
            Found::Unset => Some(String::new()),
            Found::Set(value) => {
                self.from.came_all_from(&value);
                value.text()
            }
            Found::Unknown(value) => {
                self.from.came_all_from(&value);
                None
            }
        }
    }

    fn set(&mut self, name: &str, index: Option<i64>, value: i64) {
        let value = Value::known(value.to_string(), &self.place);
        match index {
            None => self.world.set(name, value),
            Some(index) => {
                let mut elements: Elements = self.world.arrays.get(name).cloned().unwrap_or_default();
                elements.insert(index - i64::from(self.csh), value);
                self.world.set_elements(name, elements);
            }
        }
    }
}
