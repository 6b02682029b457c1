//! Words become fields: braces, tilde, expansions, splitting. An unquoted `*` is unknown, but where the surroundings say which
//! files there are.

use super::braces::braces;
use super::limits::WORDS;
use super::node::{Node, Operation, Piece, Simple, Word};
use super::run::Runner;
use super::text::Span;
use super::value::{Binding, Value};
use super::world::{Field, World};

/// What one piece of a word stands for.
pub(super) enum Expansion {
    One(Value),
    /// `$@` and arrays: fields of their own.
    Fields(Vec<Field>),
}

/// Fields while they are put together.
#[derive(Default)]
struct Builder {
    done: Vec<Field>,
    current: Option<Field>,
    /// The current field holds an unquoted `*`, `?` or `[...]`.
    globs: bool,
    /// It holds a quoted one.
    quoted_globs: bool,
    /// Fields of `done` that are patterns.
    patterns: Vec<(usize, String)>,
}

impl Builder {
    fn current(&mut self) -> &mut Field {
        self.current.get_or_insert_with(|| Field { value: Value::default(), open: false })
    }

    fn note_globs(&mut self, text: &str, quoted: bool) {
        self.globs |= !quoted && is_glob(text);
        self.quoted_globs |= quoted && text.contains(['*', '?', '[', '\\']);
    }

    fn finish(&mut self, span: &Span) {
        let Some(mut field) = self.current.take() else { return };
        let text = field.value.text();
        if self.globs && text.as_ref().is_none_or(|it| is_glob(it)) {
            self.patterns.extend(text.filter(|_| !self.quoted_globs).map(|it| (self.done.len(), it)));
            field =
                Field { value: Value::unknown(format!("files {}", field.value.display()), &span.place()), open: true };
        }
        (self.globs, self.quoted_globs) = (false, false);
        if self.done.len() < WORDS {
            self.done.push(field);
        }
    }

    /// Text that blanks split.
    fn split(&mut self, value: &Value, separators: &str, span: &Span) {
        for part in &value.parts {
            let mut piece = Value { parts: vec![part.clone()], places: value.places.clone() };
            let Some(text) = piece.text() else {
                let field = self.current();
                field.value.push(&piece);
                field.open = true;
                continue;
            };
            let mut words = text.split(|it| separators.contains(it)).peekable();
            while let Some(word) = words.next() {
                if !word.is_empty() {
                    piece.parts.clear();
                    piece.push_text(word);
                    self.current().value.push(&piece);
                    self.globs |= is_glob(word);
                }
                if words.peek().is_some() {
                    self.finish(span);
                }
            }
        }
    }
}

/// Numbers that are never several words, known or not: `$?`, `$#`, `$$`, `$!`, `${#X}`.
fn is_one_word(piece: &Piece) -> bool {
    let Piece::Parameter { parameter, .. } = piece else { return false };
    matches!(parameter.name.as_str(), "?" | "#" | "$" | "!") || matches!(parameter.operation, Operation::Length)
}

pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?']) || text.find('[').is_some_and(|at| text.get(at + 2..).is_some_and(|it| it.contains(']')))
}

impl Runner<'_> {
    /// The fields that a word of a command becomes.
    pub(super) fn fields(&mut self, word: &Word, world: &mut World) -> Vec<Field> {
        let mut fields = Vec::new();
        for pieces in braces(&word.pieces) {
            if WORDS < fields.len() {
                self.unclear(&word.span, "very many words");
                break;
            }
            let mut builder = Builder::default();
            self.build(&pieces, &word.span, world, &mut builder);
            builder.finish(&word.span);
            for (at, pattern) in std::mem::take(&mut builder.patterns).into_iter().rev() {
                let files = self.files(&pattern, world).into_iter();
                let place = word.span.place();
                let field = |it: String| Field { value: Value::known(it, &place), open: false };
                files.for_each(|it| drop(builder.done.splice(at..=at, it.into_iter().map(field))));
            }
            fields.append(&mut builder.done);
        }
        fields
    }

    fn build(&mut self, pieces: &[Piece], span: &Span, world: &mut World, builder: &mut Builder) {
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Text { text, quoted } => {
                    let value = if at == 0 && !quoted { self.tilde(text, false, span, world) } else { None };
                    let mut known = Value::default();
                    known.push_text(text);
                    builder.current().value.push(&value.unwrap_or(known));
                    builder.note_globs(text, *quoted);
                }
                Piece::Parameter { quoted, span, .. } | Piece::Command { quoted, span, .. } => {
                    match self.piece(piece, world) {
                        Expansion::One(value) if *quoted => {
                            builder.note_globs(&value.display(), true);
                            builder.current().value.push(&value);
                        }
                        Expansion::One(value) => self.split_words(&value, piece, span, world, builder),
                        Expansion::Fields(fields) => self.splice(fields, *quoted, span, builder),
                    }
                }
                // One word, also where it is not known.
                Piece::Arithmetic { .. } | Piece::Process { .. } => {
                    if let Expansion::One(value) = self.piece(piece, world) {
                        builder.current().value.push(&value);
                    }
                }
            }
        }
    }

    fn split_words(&mut self, value: &Value, piece: &Piece, span: &Span, world: &World, builder: &mut Builder) {
        // csh does not split the words of a variable again, only the output of commands.
        if self.csh && value.parts.is_empty() {
            return;
        }
        if is_one_word(piece) || (self.csh && matches!(piece, Piece::Parameter { .. })) {
            return builder.current().value.push(value);
        }
        match world.shell.own("IFS") {
            None | Some(Binding::Unset(_)) => builder.split(value, " \t\n", span),
            Some(Binding::Set(separators)) => match separators.text() {
                Some(separators) if separators.chars().all(char::is_whitespace) => {
                    builder.split(value, &separators, span);
                }
                Some(separators) if value.text().is_some_and(|it| !it.contains(|it| separators.contains(it))) => {
                    builder.split(value, "", span);
                }
                Some(_) | None => {
                    let unknown = Value::unknown(format!("{} split by IFS", span.written()), &span.place());
                    builder.split(&unknown, "", span);
                }
            },
            Some(Binding::Unknown { .. }) => builder.split(value, " \t\n", span),
        }
    }

    fn splice(&mut self, fields: Vec<Field>, quoted: bool, span: &Span, builder: &mut Builder) {
        let last = fields.len().saturating_sub(1);
        if fields.is_empty() && quoted && builder.current.as_ref().is_some_and(|it| it.value.parts.is_empty()) {
            // `"$@"` without arguments is no word, also between its quotes.
            builder.current = None;
        }
        for (at, field) in fields.into_iter().enumerate() {
            if quoted || self.csh {
                let current = builder.current();
                current.value.push(&field.value);
                current.open |= field.open;
            } else {
                let open = field.open;
                builder.split(&field.value, " \t\n", span);
                if open {
                    builder.current().open = true;
                }
            }
            if at < last {
                builder.finish(span);
            }
        }
    }

    /// The word as one value: an assignment, a here-document, the subject of a `case`. Nothing is split.
    pub(super) fn value(&mut self, word: &Word, world: &mut World) -> Value {
        let mut value = Value::default();
        for (at, piece) in word.pieces.iter().enumerate() {
            match piece {
                Piece::Text { text, quoted } => {
                    match self.tilde(text, at != 0, &word.span, world).filter(|_| !quoted) {
                        Some(expanded) => value.push(&expanded),
                        None => value.push_text(text),
                    }
                }
                Piece::Parameter { .. } | Piece::Command { .. } | Piece::Arithmetic { .. } | Piece::Process { .. } => {
                    match self.piece(piece, world) {
                        Expansion::One(one) => value.push(&one),
                        Expansion::Fields(fields) => value.push(&joined(&fields)),
                    }
                }
            }
        }
        value
    }

    /// The word as a pattern: quoted letters are plain. `None` when a part is unknown.
    pub(super) fn pattern(&mut self, word: &Word, world: &mut World, expression: bool) -> Option<String> {
        let mut pattern = String::new();
        for piece in &word.pieces {
            let (value, quoted) = match piece {
                Piece::Text { text, quoted } => {
                    let mut value = Value::default();
                    value.push_text(text);
                    (value, *quoted)
                }
                Piece::Parameter { quoted, .. } | Piece::Command { quoted, .. } | Piece::Arithmetic { quoted, .. } => {
                    let value = match self.piece(piece, world) {
                        Expansion::One(value) => value,
                        Expansion::Fields(fields) => joined(&fields),
                    };
                    (value, *quoted)
                }
                Piece::Process { .. } => return None,
            };
            let text = value.text()?;
            match (quoted, expression) {
                (false, _) => pattern.push_str(&text),
                (true, true) => pattern.push_str(&regex::escape(&text)),
                (true, false) => text.chars().for_each(|it| pattern.extend(['\\', it])),
            }
        }
        Some(pattern)
    }

    fn piece(&mut self, piece: &Piece, world: &mut World) -> Expansion {
        match piece {
            Piece::Text { text, .. } => {
                let mut value = Value::default();
                value.push_text(text);
                Expansion::One(value)
            }
            Piece::Parameter { parameter, quoted, span } => self.parameter(parameter, *quoted, span, world),
            Piece::Command { body, span, .. } => Expansion::One(self.substitution(body, span, world)),
            Piece::Arithmetic { expression, span, .. } => {
                let value = match self.arithmetic(expression, world) {
                    Ok((number, from)) => {
                        let mut value = from;
                        value.parts.clear();
                        value.push_text(&number.to_string());
                        value
                    }
                    Err(mut from) => {
                        let unknown = Value::unknown(span.written(), &span.place());
                        from.parts = unknown.parts;
                        from
                    }
                };
                Expansion::One(value)
            }
            Piece::Process { body, span } => {
                self.inside(body, world);
                Expansion::One(Value::unknown(span.written(), &span.place()))
            }
        }
    }

    fn substitution(&mut self, body: &Node, span: &Span, world: &mut World) -> Value {
        if let Some(value) = self.output(body, world) {
            return value;
        }
        self.inside(body, world);
        Value::unknown(span.written(), &span.place())
    }

    /// Follows commands that run in a shell of their own beside the word.
    fn inside(&mut self, body: &Node, world: &mut World) {
        let mut inner = world.clone();
        inner.stdin = None;
        let ended = self.run(body, vec![inner]);
        world.after_subshell(&ended);
    }

    /// What `echo` and `printf '%s'` of known words print: nothing else is foretold.
    fn output(&mut self, body: &Node, world: &mut World) -> Option<Value> {
        let simple = only_command(body)?;
        if !simple.assignments.is_empty() || !simple.redirects.is_empty() {
            return None;
        }
        let name = simple.words.first()?.span.written();
        if !matches!(name.as_str(), "echo" | "printf" | "seq") || world.functions.contains_key(&name) {
            return None;
        }
        let mut arguments = Vec::new();
        for word in simple.words.get(1..)? {
            arguments.append(&mut self.fields(word, world));
        }
        if arguments.iter().any(|it| it.open) {
            return None;
        }
        let mut value = match (name.as_str(), arguments.first().and_then(|it| it.value.text())) {
            ("echo", Some(first)) if first == "-n" => joined(arguments.get(1..)?),
            ("echo", Some(first)) if first.starts_with('-') => return None,
            ("echo", _) => joined(&arguments),
            ("printf", Some(format)) if format == "%s" || format == "%s\\n" => match arguments.as_slice() {
                [_, only] => only.value.clone(),
                _ => return None,
            },
            ("printf", Some(format)) if arguments.len() == 1 && !format.contains(['%', '\\']) => joined(&arguments),
            ("seq", _) => sequence(&arguments)?,
            _ => return None,
        };
        value.trim_newlines();
        Some(value)
    }

    fn tilde(&mut self, text: &str, colons: bool, span: &Span, world: &World) -> Option<Value> {
        let start = text.starts_with('~') && !colons;
        if !start {
            return None;
        }
        let end = text.find(['/', ':']).unwrap_or(text.len());
        let (user, rest) = text.get(1..).unwrap_or_default().split_at(end.max(1) - 1);
        let mut value = match (user, world.shell.value("HOME")) {
            ("", Some(home)) => home.clone(),
            _ => Value::unknown(format!("~{user}"), &span.place()),
        };
        value.push_text(rest);
        Some(value)
    }

    /// Elements of an array literal.
    pub(super) fn elements(
        &mut self,
        elements: &[(Option<Word>, Word)],
        world: &mut World,
    ) -> Option<Vec<(Option<i64>, Value)>> {
        let (mut found, mut known) = (Vec::new(), true);
        // All of them are expanded, known or not: an expansion may assign.
        for (index, word) in elements {
            let Some(index) = index else {
                let fields = self.fields(word, world);
                known &= fields.iter().all(|it| !it.open);
                found.extend(fields.into_iter().map(|it| (None, it.value)));
                continue;
            };
            let value = self.value(word, world);
            match self.arithmetic(index, world) {
                Ok((at, _)) => found.push((Some(at), value)),
                Err(_) => known = false,
            }
        }
        known.then_some(found).filter(|it| it.len() <= WORDS)
    }
}

/// Fields as one value, with blanks between them.
pub(super) fn joined(fields: &[Field]) -> Value {
    let mut value = Value::default();
    for (at, field) in fields.iter().enumerate() {
        if 0 < at {
            value.push_text(" ");
        }
        value.push(&field.value);
    }
    value
}

/// The simple command that a body consists of.
fn only_command(body: &Node) -> Option<&Simple> {
    let mut node = body;
    while let Node::Sequence(nodes) = node {
        let [only] = nodes.as_slice() else { return None };
        node = only;
    }
    if let Node::Simple(simple) = node { Some(simple) } else { None }
}

/// What `seq` prints for whole numbers.
fn sequence(arguments: &[Field]) -> Option<Value> {
    let mut numbers = Vec::new();
    let mut value = Value::default();
    for field in arguments {
        numbers.push(field.value.text()?.parse::<i64>().ok()?);
        value.push(&field.value);
    }
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return None,
    };
    value.parts.clear();
    let (mut at, mut count) = (first, 0);
    while step != 0 && ((0 < step && at <= last) || (step < 0 && last <= at)) {
        count += 1;
        if WORDS < count {
            return None;
        }
        value.push_text(&format!("{at}\n"));
        at = at.checked_add(step)?;
    }
    (step != 0).then_some(value)
}
