//! Lines of scripts with a caret below what is meant.
//!
//! The first place of a finding is what it is about: its caret is `^`, its column stands in the heading. Others are `-`.
//!
//! Invariant: what [`clean`] would escape is shown as one other character, so that every column is that of the file.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::Look;
use super::findings::tone;
use super::layout::{Tone, clean, page_width};
use super::places::Names;
use crate::facts::Evidence;
use crate::rules::Severity;

/// Columns to the left of a snippet.
const INDENT: usize = 1;

/// Longer lines are listed like other evidence, in bytes.
const LINE_BYTES: usize = 16 << 10;

/// Lines between two places of one snippet; further apart, another one begins.
const APART_LINES: u32 = 500;

/// Places of one file that are shown.
const PLACES: usize = 12;

/// What stands for one line between two that are shown.
const LEFT_OUT: &str = "...";

/// Evidence that is a place in a line, and the rest.
pub(super) fn of_scripts(evidence: &[Evidence]) -> (Vec<&Evidence>, Vec<&Evidence>) {
    let fits = |it: &&Evidence| it.line.is_some() && it.column.is_some() && it.text.len() <= LINE_BYTES;
    evidence.iter().partition(fits)
}

/// The lines, those of one file together.
pub(super) fn drawn(evidence: &[&Evidence], severity: Severity, names: &Names, look: &Look) -> String {
    let mut files: Vec<(&str, Vec<Mark<'_>>)> = Vec::new();
    for (at, it) in evidence.iter().enumerate().take(PLACES) {
        let (Some(line), Some(column)) = (it.line, it.column) else { continue };
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let mark = Mark { line, column, length: it.length.unwrap_or(1), text: &it.text, kind };
        match files.iter_mut().find(|(path, _)| *path == it.path) {
            Some((_, marks)) => marks.push(mark),
            None => files.push((&it.path, vec![mark])),
        }
    }
    if files.is_empty() {
        return String::new();
    }
    let group = files.into_iter().fold(Group::with_level(level(severity)), |group, (path, marks)| {
        group.elements(snippets(&clean(&names.short(path), look), marks, look))
    });
    let text = renderer(severity, look).render(&[group]);
    let indented = |line: &str| format!("{}{}\n", " ".repeat(INDENT), line.trim_end());
    text.lines().map(indented).collect()
}

/// A place in a line.
struct Mark<'e> {
    line: u32,
    column: u32,
    length: u32,
    text: &'e str,
    kind: AnnotationKind,
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn renderer(severity: Severity, look: &Look) -> Renderer {
    let base = if look.colour { Renderer::styled() } else { Renderer::plain() };
    let base = base.term_width(page_width(look).saturating_sub(INDENT)).decor_style(if look.ascii {
        DecorStyle::Ascii
    } else {
        DecorStyle::Unicode
    });
    if !look.colour {
        return base;
    }
    let style = tone(severity).style();
    base.error(style).warning(style).note(style).line_num(Tone::Faint.style()).emphasis(Tone::Strong.style())
}

/// The places of one file, in the order of its lines.
fn snippets(path: &str, mut marks: Vec<Mark<'_>>, look: &Look) -> Vec<Snippet<'static, Annotation<'static>>> {
    marks.sort_by_key(|it| it.line);
    let mut snippets = Vec::new();
    let mut piece = Piece::default();
    for mark in &marks {
        if piece.last.is_some_and(|last| APART_LINES < mark.line - last) {
            snippets.extend(std::mem::take(&mut piece).snippet(path));
        }
        piece.add(mark, look);
    }
    snippets.extend(piece.snippet(path));
    snippets
}

/// Lines that stand near to each other.
#[derive(Default)]
struct Piece {
    first: Option<u32>,
    last: Option<u32>,
    source: String,
    /// Where the last line begins.
    start: usize,
    annotations: Vec<Annotation<'static>>,
}

impl Piece {
    fn add(&mut self, mark: &Mark<'_>, look: &Look) {
        if self.last != Some(mark.line) {
            match self.last {
                None => self.first = Some(mark.line),
                // The renderer shows a single line between two others, and nobody said what stands there.
                Some(last) if mark.line - last == 2 => self.source.push_str(&format!("\n{LEFT_OUT}\n")),
                Some(last) => (last..mark.line).for_each(|_| self.source.push('\n')),
            }
            self.last = Some(mark.line);
            self.start = self.source.len();
            self.source.extend(mark.text.chars().map(|it| shown(it, look)));
        }
        let line = self.source.get(self.start..).unwrap_or_default();
        let offset = |characters: u32| {
            let characters = usize::try_from(characters).unwrap_or(usize::MAX);
            self.start + line.char_indices().nth(characters).map_or(line.len(), |(at, _)| at)
        };
        let from = mark.column.saturating_sub(1);
        self.annotations.push(mark.kind.span(offset(from)..offset(from.saturating_add(mark.length))));
    }

    fn snippet(self, path: &str) -> Option<Snippet<'static, Annotation<'static>>> {
        let first = usize::try_from(self.first?).unwrap_or(usize::MAX);
        Some(Snippet::source(self.source).line_start(first).path(path.to_owned()).annotations(self.annotations))
    }
}

/// A character as it may be shown, in one place.
fn shown(character: char, look: &Look) -> char {
    let cleaned = clean(character.encode_utf8(&mut [0; 4]), look);
    let mut characters = cleaned.chars();
    match (characters.next(), characters.next()) {
        // The renderer sets it to several columns and counts it as one.
        _ if character == '\t' => '\t',
        (Some(same), None) => same,
        _ if look.ascii => '?',
        _ => char::REPLACEMENT_CHARACTER,
    }
}
