//! The objects of one process as trees: below each import what it opens, below each object what that brings in.
//!
//! Invariant: every object stands once, with its number in load order; what needs it again names the number.
//! Invariant: only objects that bring in nothing are folded together, and each of them is still named.

use std::collections::BTreeMap;

use super::counts::plural;
use super::layout::{Paper, Tone};
use super::loads::{LoadEvent, LoadedObject, LoadsReport, PassedOver};
use super::places::{Names, file_name};
use super::{Look, Verbosity};

/// Columns of the number and the size in front of a tree.
const FRONT_COLUMNS: usize = 17;

/// Deepest level that is indented further; chains of libraries are rarely deeper than five.
const DEEPEST_INDENT: usize = 12;

/// Fewest neighbours that are folded into one line.
const LEAST_FOLDED: usize = 3;

/// The events, one tree below the other.
pub(super) fn write(report: &LoadsReport, names: &Names, paper: &mut Paper<'_>) {
    let forest = Forest::of(report);
    let head = format!("{:>5}  {:>8}  object, below the one that brings it in; the rule that finds it", "load", "size");
    paper.verbatim(0, Tone::Faint, &head);
    for event in &report.events {
        title(event, report, paper);
        let roots: Vec<&LoadedObject> = event.objects.iter().filter(|it| forest.parent(it).is_none()).collect();
        let mut rest = roots.as_slice();
        while let Some(first) = rest.first() {
            let run = if paper.look().verbosity == Verbosity::Terse { forest.run(rest) } else { 1 };
            let (now, later) = rest.split_at_checked(run).unwrap_or((rest, &[]));
            if run < LEAST_FOLDED {
                forest.tree(first, names, paper);
                rest = rest.get(1..).unwrap_or_default();
            } else {
                forest.folded(now, names, paper);
                rest = later;
            }
        }
    }
}

/// `65 objects in 78.3 MiB of files`.
pub(super) fn size_of_all(report: &LoadsReport) -> String {
    size_of_list(report.events.iter().flat_map(|it| &it.objects))
}

/// Whether the page leaves out what `-v` tells.
pub(super) fn is_folded(report: &LoadsReport, look: &Look) -> bool {
    let probes = report.events.iter().flat_map(|it| &it.objects).any(|it| !it.passed_over.is_empty());
    let folds = || report.events.iter().any(|it| LEAST_FOLDED < it.objects.len());
    look.verbosity == Verbosity::Terse && (probes || folds())
}

fn size_of_list<'o>(objects: impl Iterator<Item = &'o LoadedObject>) -> String {
    let (count, bytes) = objects
        .filter(|it| is_mapped(it))
        .fold((0, 0_u64), |(count, bytes), it| (count + 1, bytes.saturating_add(it.size_bytes)));
    format!("{} in {} of files", plural(count, "object"), human(bytes))
}

/// A list may hold requests that something loaded earlier answers.
fn is_mapped(object: &LoadedObject) -> bool {
    object.via != "already-loaded"
}

/// A size with its unit: `512 B`, `14 KiB`, `10.1 MiB`.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), "B");
    for larger in UNITS {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths.div_ceil(1024), larger);
    }
    match unit {
        "B" | "KiB" => format!("{} {unit}", tenths.div_ceil(10)),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

fn title(event: &LoadEvent, report: &LoadsReport, paper: &mut Paper<'_>) {
    let failure = report.failures.iter().find(|it| it.import == event.import);
    let name = match event.import.as_str() {
        "exec" => "start of the interpreter".to_owned(),
        import => format!("import {import}"),
    };
    let size = match (event.objects.is_empty(), failure) {
        (true, None) => "nothing new".to_owned(),
        (true, Some(_)) => String::new(),
        (false, None) => size_of_list(event.objects.iter()),
        (false, Some(_)) => format!("; {}", size_of_list(event.objects.iter())),
    };
    let fails = if failure.is_some() { "fails" } else { "" };
    paper.blank();
    paper.put(0, 2, &[(Tone::Strong, &name), (Tone::Plain, ": "), (Tone::Error, fails), (Tone::Plain, &size)]);
}

/// Who brought in whom.
struct Forest<'a> {
    objects: BTreeMap<usize, &'a LoadedObject>,
    /// The event of each object.
    events: BTreeMap<usize, usize>,
    children: BTreeMap<usize, Vec<&'a LoadedObject>>,
    /// How many objects stand below each.
    below: BTreeMap<usize, usize>,
}

impl<'a> Forest<'a> {
    fn of(report: &'a LoadsReport) -> Self {
        let mut forest = Self {
            objects: BTreeMap::new(),
            events: BTreeMap::new(),
            children: BTreeMap::new(),
            below: BTreeMap::new(),
        };
        for (at, event) in report.events.iter().enumerate() {
            for object in &event.objects {
                forest.objects.insert(object.number, object);
                forest.events.insert(object.number, at);
            }
        }
        for object in report.events.iter().flat_map(|it| &it.objects) {
            let mut above = forest.parent(object);
            if let Some(parent) = above {
                forest.children.entry(parent).or_default().push(object);
            }
            while let Some(parent) = above {
                *forest.below.entry(parent).or_default() += 1;
                above = forest.objects.get(&parent).and_then(|it| forest.parent(it));
            }
        }
        forest
    }

    /// The object above `object` in the tree of its event. A parent is loaded before its children: no loops.
    fn parent(&self, object: &LoadedObject) -> Option<usize> {
        let parent = object.parent.filter(|it| *it < object.number)?;
        (self.events.get(&parent) == self.events.get(&object.number)).then_some(parent)
    }

    fn is_leaf(&self, object: &LoadedObject) -> bool {
        !self.children.contains_key(&object.number) && object.passed_over.is_empty() && object.rule.is_empty()
    }

    /// How many of `roots` from the first on lie in one directory, follow each other and bring in nothing.
    fn run(&self, roots: &[&LoadedObject]) -> usize {
        let fits = |pair: &[&LoadedObject]| match pair {
            [one, other] => {
                one.number + 1 == other.number
                    && self.is_leaf(other)
                    && self.opener(other).is_none()
                    && directory(&one.place) == directory(&other.place)
            }
            _ => false,
        };
        let first = roots.first().is_some_and(|it| self.is_leaf(it) && self.opener(it).is_none());
        usize::from(first) + roots.windows(2).take_while(|pair| first && fits(pair)).count()
    }

    /// One root and everything below it.
    fn tree(&self, root: &LoadedObject, names: &Names, paper: &mut Paper<'_>) {
        let mut waiting = vec![(root, 0)];
        while let Some((object, depth)) = waiting.pop() {
            self.row(object, depth, names, paper);
            let children = self.children.get(&object.number).into_iter().flatten().rev();
            waiting.extend(children.map(|it| (*it, depth + 1)));
        }
    }

    fn row(&self, object: &LoadedObject, depth: usize, names: &Names, paper: &mut Paper<'_>) {
        let indent = (depth * 2).min(DEEPEST_INDENT);
        let number = if is_mapped(object) { (object.number + 1).to_string() } else { "=".to_owned() };
        let front = format!("{number:>5}  {:>8}{}", human(object.size_bytes), " ".repeat(indent));
        let verbose = paper.look().verbosity == Verbosity::Verbose;
        let mut how: Vec<String> = Vec::new();
        let (place, real) = (object.place.as_str(), object.real.as_str());
        if place != real && (verbose || directory(place) != directory(real)) {
            how.push(format!("-> {}", names.short(real)));
        }
        how.extend(self.opener(object));
        how.extend(Some(names.short_tag(&object.rule)).filter(|it| !it.is_empty()));
        how.extend(Some(object.library.clone()).filter(|it| !it.is_empty()));
        if !verbose {
            how.extend(passed_over(object, names));
        }
        paper.numbered(&front, &names.short(place), &how.join("; "));
        let below = FRONT_COLUMNS + indent + 4;
        if verbose {
            for it in &object.passed_over {
                let line = format!("not {} ({}): {}", names.short(&it.path), it.via, names.short_inside(&it.reason));
                paper.put(below, below + 2, &[(Tone::Faint, &line)]);
            }
        }
        if verbose || depth == 0 {
            self.also_needs(&object.again, below, names, paper);
        }
    }

    /// What opened an object by itself, where the tree does not show it.
    fn opener(&self, object: &LoadedObject) -> Option<String> {
        let parent = object.parent.filter(|_| object.needed_by.is_empty())?;
        let by = self.objects.get(&parent)?;
        Some(format!("opened by {} ({})", file_name(&by.place), parent + 1))
    }

    fn folded(&self, run: &[&LoadedObject], names: &Names, paper: &mut Paper<'_>) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        let number = format!("{}-{}", first.number + 1, last.number + 1);
        let size = human(run.iter().map(|it| it.size_bytes).fold(0, u64::saturating_add));
        let front = format!("{number:>5}  {size:>8}");
        let stem = |it: &&LoadedObject| file_name(&it.place).split('.').next().unwrap_or_default().to_owned();
        let stems: Vec<String> = run.iter().map(stem).collect();
        let place = names.short(directory(&first.place));
        let what = format!("{place}: {} that bring in nothing else:", plural(run.len(), "extension"));
        let below = FRONT_COLUMNS + 4;
        paper.beside(&front, below, &format!("{what} {}", stems.join(", ")));
        let mut again: Vec<usize> = run.iter().flat_map(|it| it.again.iter().copied()).collect();
        again.sort_unstable();
        again.dedup();
        self.also_needs(&again, below, names, paper);
    }

    /// Needs that something else brings in. Everybody needs what the interpreter brings: only `-v` repeats that, and what
    /// libraries share among themselves.
    fn also_needs(&self, again: &[usize], column: usize, names: &Names, paper: &mut Paper<'_>) {
        let verbose = paper.look().verbosity == Verbosity::Verbose;
        let of_start = |it: &usize| self.events.get(it) == Some(&0);
        // One that stands below another in the list goes without saying.
        let implied = |it: &usize| {
            let above = |number: usize| self.objects.get(&number).and_then(|it| self.parent(it));
            std::iter::successors(above(*it), |number| above(*number)).any(|it| again.contains(&it))
        };
        let told = again.iter().filter(|it| verbose || !of_start(it) && !implied(it));
        let one = |number: &usize| {
            let name = self.objects.get(number).map_or("", |it| file_name(&it.place));
            match self.below.get(number) {
                Some(below) if !verbose => {
                    format!("{} ({}, with the {below} below it)", names.short_tag(name), number + 1)
                }
                Some(_) | None => format!("{} ({})", names.short_tag(name), number + 1),
            }
        };
        let list: Vec<String> = told.map(one).collect();
        if !list.is_empty() {
            paper.put(column, column + 2, &[(Tone::Faint, "also needs "), (Tone::Faint, &list.join(", "))]);
        }
    }
}

/// What was tried before: the one that says most, and how many more.
fn passed_over(object: &LoadedObject, names: &Names) -> Option<String> {
    let all = &object.passed_over;
    let weight = |it: &&PassedOver| match it.reason.as_str() {
        "no such directory" => 2,
        "not there" => 1,
        _ => 0,
    };
    let telling = all.iter().min_by_key(weight)?;
    let place = names.short(directory(&telling.path));
    let first = match weight(&telling) {
        2 => format!("no directory {place}"),
        1 => format!("not in {place}"),
        _ => format!("not {}: {}", names.short(&telling.path), names.short_inside(&telling.reason)),
    };
    Some(match all.len() {
        1 => first,
        many => format!("{first} (and {} more)", many - 1),
    })
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}
