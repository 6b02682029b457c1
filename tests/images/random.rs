//! Random layers against a plain model of the specification: a map of paths, changed entry by entry.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::case::open;
use super::generate::layers;
use super::support::archive::{Archive, Shape};
use super::support::image::{Coding, Entry, Layer};
use super::support::listing::listing;
use super::{gaps, stored};

type Path = Vec<String>;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq)]
enum Thing {
    Directory(u32),
    /// Its number: hard links share it.
    File(usize),
    Link(String),
    Device,
}

/// An image as a map of paths.
#[derive(Default)]
struct Model {
    things: BTreeMap<Path, Thing>,
    /// Content and mode.
    files: Vec<(String, u32)>,
    misplaced: usize,
}

/// A place that cannot be reached.
struct Misplaced;

impl Model {
    fn apply(&mut self, layer: &Layer) {
        let before = self.targets(layer);
        for entry in &layer.entries {
            let (path, is_opaque) = match (&entry.whiteout, &entry.opaque) {
                (Some(path), _) => (clean(path), false),
                (_, Some(path)) => (clean(path), true),
                (None, None) => continue,
            };
            let directory = if is_opaque { &path[..] } else { &path[..path.len() - 1] };
            if self.is_replaced(directory, layer) {
                continue;
            }
            match self.real(directory, false) {
                Ok(Some(mut real)) => {
                    real.extend(path.last().filter(|_| !is_opaque).cloned());
                    self.remove(&real, !is_opaque);
                }
                Ok(None) => {}
                Err(Misplaced) => self.misplaced += 1,
            }
        }
        let after = self.targets(layer);
        let below = before.into_iter().filter(|(target, _)| !after.contains_key(target)).collect();
        for entry in layer.entries.iter().filter(|it| it.whiteout.is_none() && it.opaque.is_none()) {
            if self.add(entry, &below).is_err() {
                self.misplaced += 1;
            }
        }
    }

    /// What the hard links of a layer name at this moment.
    fn targets(&mut self, layer: &Layer) -> BTreeMap<String, Thing> {
        let links = layer.entries.iter().filter(|it| it.hard_link.is_some());
        links.filter_map(|it| Some((it.target.clone()?, self.at(it.target.as_ref()?)?))).collect()
    }

    fn add(&mut self, entry: &Entry, below: &BTreeMap<String, Thing>) -> Result<(), Misplaced> {
        let name = [&entry.file, &entry.directory, &entry.link, &entry.hard_link, &entry.fifo];
        let path = clean(name.into_iter().flatten().next().unwrap());
        let (last, directory) = path.split_last().unwrap();
        let mut place = self.real(directory, true)?.unwrap();
        place.push(last.clone());
        let thing = if entry.directory.is_some() {
            let mode = entry.mode.unwrap();
            if let Some(Thing::Directory(there)) = self.things.get_mut(&place) {
                *there = mode;
                return Ok(());
            }
            Thing::Directory(mode)
        } else if entry.file.is_some() {
            self.files.push((entry.text.clone().unwrap(), entry.mode.unwrap()));
            Thing::File(self.files.len() - 1)
        } else if entry.link.is_some() {
            Thing::Link(entry.target.clone().unwrap())
        } else if let (Some(_), Some(target)) = (&entry.hard_link, &entry.target) {
            let found = self.reached(target)?.or_else(|| below.get(target).cloned());
            match found {
                Some(Thing::Directory(_)) | None => return Err(Misplaced),
                Some(other) => other,
            }
        } else {
            Thing::Device
        };
        self.remove(&place, true);
        self.things.insert(place, thing);
        Ok(())
    }

    /// What a path leads to, its last name not followed.
    fn reached(&mut self, path: &str) -> Result<Option<Thing>, Misplaced> {
        let path = clean(path);
        let (last, directory) = path.split_last().unwrap();
        let real = self.real(directory, false)?;
        Ok(real.and_then(|mut it| {
            it.push(last.clone());
            self.things.get(&it).cloned()
        }))
    }

    fn at(&mut self, path: &str) -> Option<Thing> {
        self.reached(path).ok().flatten()
    }

    /// Removes what is below a path, and what stands there.
    fn remove(&mut self, path: &Path, itself: bool) {
        self.things.retain(|it, _| !(it.starts_with(path) && (itself || it.len() > path.len())));
    }

    /// Whether the layer has a directory of its own where the way to `path` leads over a link.
    fn is_replaced(&mut self, path: &[String], layer: &Layer) -> bool {
        (1..=path.len()).any(|count| {
            let spelled = path[..count].join("/");
            let own = layer.entries.iter().any(|it| it.directory.as_ref().is_some_and(|it| clean(it) == path[..count]));
            own && matches!(self.at(&spelled), Some(Thing::Link(_)))
        })
    }

    /// The directory that a path leads to.
    fn real(&mut self, path: &[String], make: bool) -> Result<Option<Path>, Misplaced> {
        let mut todo: Vec<String> = path.iter().rev().cloned().collect();
        let (mut here, mut links) = (Path::new(), 0);
        while let Some(name) = todo.pop() {
            if name == ".." {
                here.pop();
                continue;
            }
            here.push(name);
            match self.things.get(&here) {
                Some(Thing::Directory(_)) => {}
                Some(Thing::Link(target)) => {
                    links += 1;
                    if 40 < links {
                        return Err(Misplaced);
                    }
                    if target.starts_with('/') {
                        here.clear();
                    } else {
                        here.pop();
                    }
                    todo.extend(target.split('/').rev().filter(|it| !it.is_empty()).map(str::to_owned));
                }
                Some(Thing::File(_) | Thing::Device) if make => return Err(Misplaced),
                Some(Thing::File(_) | Thing::Device) => return Ok(None),
                None if make => {
                    self.things.insert(here.clone(), Thing::Directory(0o755));
                }
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    fn listing(&self) -> String {
        let mut text = "directory 755  /\n".to_owned();
        let mut first: BTreeMap<usize, String> = BTreeMap::new();
        for (path, thing) in &self.things {
            let path = format!("/{}", path.join("/"));
            text += &match thing {
                Thing::Directory(mode) => format!("directory {mode:03o}  {path}\n"),
                Thing::Link(target) => format!("link      777  {path} -> {target}\n"),
                Thing::Device => format!("other     644  {path}\n"),
                Thing::File(number) => {
                    let (content, mode) = &self.files[*number];
                    let content = match first.get(number) {
                        Some(first) => format!("= {first}"),
                        None => format!("\"{content}\""),
                    };
                    first.entry(*number).or_insert_with(|| path.clone());
                    format!("file      {mode:03o}  {path} {content}\n")
                }
            };
        }
        text
    }
}

fn clean(path: &str) -> Path {
    let mut clean = Path::new();
    for name in path.split('/').filter(|it| !it.is_empty() && *it != ".") {
        if name == ".." {
            clean.pop();
        } else {
            clean.push(name.to_owned());
        }
    }
    clean
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_layers_are_merged_as_the_model_says(
        layers in layers(),
        coding in proptest::sample::select(&Coding::ALL[1..]),
    ) {
        let mut model = Model::default();
        layers.iter().for_each(|it| model.apply(it));
        for coding in [Coding::Plain, coding] {
            let image = open(stored(&Archive::of(&layers, Shape::OciTar, coding))).unwrap();
            prop_assert_eq!(listing(&*image.tree), model.listing(), "{:?}", coding);
            prop_assert_eq!(gaps(&image).len(), model.misplaced);
        }
    }
}
