//! One node of a job: its cores as text, which rank may run where, and where its threads pile up.
//!
//! One character is one core. A digit or small letter is the only rank that may run there, a capital letter several ranks
//! that share it (the legend says which), a dot a core that no rank may use. Where a core gets more than one thread, a
//! second row says how many.

use super::Look;
use super::layout::{Paper, Tone, page_width};
use super::node::{Load, Node, Owner};
use crate::facts::Picture;

/// Cores drawn in one row at most: a power of two is easier to count on.
const ROW_CORES: usize = 64;

/// Room for `  socket 0  64-127   `.
const LABEL_COLUMNS: usize = 22;

/// Lines of the legend that are shown.
const LEGEND_LINES: usize = 8;

/// One node and the ranks on it: words where it cannot be drawn.
pub fn node_picture(picture: &Picture, look: &Look) -> String {
    let mut paper = Paper::new(look);
    let node = Node::of(picture);
    paper.labelled("node", &size(picture));
    paper.labelled("ranks", &format!("{}; {}", ranks(picture), binding(picture)));
    if let Some(node) = &node {
        paper.blank();
        rows(node, &mut paper);
        legend(node, &mut paper);
        node.remarks().iter().for_each(|(tone, text)| paper.put(2, 4, &[(*tone, text)]));
    }
    for note in &picture.notes {
        paper.put(2, 4, &[(Tone::Faint, note)]);
    }
    paper.into_text()
}

fn size(picture: &Picture) -> String {
    let Some(cores) = picture.cores else { return "size unknown".to_owned() };
    let (sockets, numa) = (picture.sockets, picture.numa);
    let mut parts = vec![count(u64::from(cores), "core")];
    parts.extend(sockets.filter(|it| 1 < *it).map(|it| count(u64::from(it), "socket")));
    parts.extend(numa.filter(|it| Some(*it) != sockets && 1 < *it).map(|it| count(u64::from(it), "NUMA domain")));
    if 1 < picture.smt {
        parts.push(format!("{} hardware threads per core", picture.smt));
    }
    parts.join(", ")
}

fn ranks(picture: &Picture) -> String {
    match (picture.ranks_per_node, picture.threads) {
        (Some(1), Some(threads)) => format!("1 rank, {}", count(threads, "thread")),
        (Some(ranks), Some(threads)) => {
            let all = ranks.saturating_mul(threads);
            format!("{} x {} = {all} threads", count(ranks, "rank"), count(threads, "thread"))
        }
        (Some(ranks), None) => format!("{}, threads of each unknown", count(ranks, "rank")),
        (None, Some(threads)) => format!("ranks per node unknown, {} each", count(threads, "thread")),
        (None, None) => "ranks per node unknown, threads of each unknown".to_owned(),
    }
}

fn binding(picture: &Picture) -> String {
    let several = picture.ranks_per_node != Some(1);
    let mask = picture.ranks.first().map(|it| it.cpus.len()).filter(|it| 0 < *it);
    let same = mask.filter(|mask| picture.ranks.iter().all(|it| it.cpus.len() == *mask));
    let cpu = if picture.smt == 1 { "core" } else { "CPU" };
    match (picture.binding.as_str(), same) {
        ("exclusive", Some(mask)) if several => format!("each rank bound to {} of its own", count_of(mask, cpu)),
        ("exclusive", Some(mask)) => format!("bound to {}", count_of(mask, cpu)),
        ("exclusive", None) => "each rank bound to its own cores".to_owned(),
        ("shared", Some(mask)) => format!("each rank bound to {} that others use too", count_of(mask, cpu)),
        ("shared", None) => "ranks bound to cores that others use too".to_owned(),
        ("none", _) => "not bound".to_owned(),
        (_, _) => "whether ranks are bound is unknown".to_owned(),
    }
}

fn rows(node: &Node, paper: &mut Paper<'_>) {
    let room = page_width(paper.look()).saturating_sub(LABEL_COLUMNS);
    for piece in node.pieces(room.min(ROW_CORES + ROW_CORES / 8)) {
        for sibling in 0..node.drawn_siblings() {
            let glyphs = node.glyphs(&piece, sibling);
            let label = match (piece.socket, sibling) {
                (Some(socket), 0) => format!("socket {socket}"),
                (None, 0) => "cores".to_owned(),
                (_, sibling) => format!("+ thread {sibling}"),
            };
            let range = if sibling == 0 { span(piece.first(), piece.last()) } else { String::new() };
            paper.verbatim(2, Tone::Plain, &format!("{label:<10} {range:>8} {glyphs}"));
        }
        if node.is_crowded() {
            paper.verbatim(2, Tone::Warning, &format!("{:<10} {:>8} {}", "", "threads", node.loads(&piece)));
        }
    }
}

/// What the characters stand for.
fn legend(node: &Node<'_>, paper: &mut Paper<'_>) {
    let mut words = vec!["one character per core".to_owned()];
    words.extend(node.has_single_ranks().then(|| "its rank".to_owned()));
    words.extend(node.has_letters().then(|| "a is rank 10".to_owned()));
    words.extend(node.repeats().then(|| "0 to 9 and a to z in turn".to_owned()));
    words.extend(node.has_free_cores().then(|| ". no rank".to_owned()));
    words.extend(node.has_blanks().then(|| "blanks between NUMA domains".to_owned()));
    if 1 < words.len() {
        let text = words.join(", ").replacen(", ", ": ", 1);
        paper.put(2, 4, &[(Tone::Faint, &text)]);
    }
    let groups = node.legend();
    for (glyph, Owner { ranks, cores }) in groups.iter().take(LEGEND_LINES) {
        let text = format!("{glyph} = {} share {}", named("rank", ranks), named("core", cores));
        paper.put(2, 4, &[(Tone::Faint, &text)]);
    }
    if LEGEND_LINES < groups.len() {
        paper.put(2, 4, &[(Tone::Faint, &format!("and {} more groups of ranks", groups.len() - LEGEND_LINES))]);
    }
}

/// `8 ranks (0-7)`, `core 3`.
pub(super) fn named(noun: &str, numbers: &[u64]) -> String {
    match numbers {
        [one] => format!("{noun} {one}"),
        several => format!("{} {noun}s ({})", several.len(), spans(several)),
    }
}

/// Runs of numbers: `0-7, 16-23`; the first few when there are many.
fn spans(numbers: &[u64]) -> String {
    const SHOWN: usize = 6;
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            Some(_) | None => runs.push((*number, *number)),
        }
    }
    let mut shown: Vec<String> = runs.iter().take(SHOWN).map(|(first, last)| span(*first, *last)).collect();
    if SHOWN < runs.len() {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

fn span(first: u64, last: u64) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn count_of(number: usize, noun: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

/// `1 core`, `8 cores`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// How many threads a core gets, as one character.
pub(super) fn load_glyph(load: &Load) -> char {
    match load {
        Load { outside: true, .. } => '!',
        Load { threads: 0, .. } => '.',
        Load { threads, .. } => {
            let digit = u32::try_from(*threads).map_or(None, |it| char::from_digit(it, 10));
            digit.unwrap_or('+')
        }
    }
}
