//! Images of containers as targets: which of an archive, and what starts in it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};

use super::config::Configured;
use super::progress::Bar;
use crate::base::{TreePath, Variables};
use crate::discover::DEFAULT_PATH;
use crate::survey::{
    AuditForesight, ImageEnvironment, ImageFacts, JobKnowledge, entrypoint_variables, home_in_image, image_environment,
};
use crate::tree::{Archive, ImageName, View};

/// One image of an archive, not read yet.
#[derive(Clone)]
pub(super) struct ImageTarget {
    archive: Rc<RefCell<Archive>>,
    number: usize,
    /// For people.
    pub(super) name: String,
    /// Whether it is one of several that were not asked for by name.
    pub(super) is_one_of_several: bool,
}

/// An image that was opened.
pub(super) struct OpenedImage {
    pub(super) view: Arc<View>,
    pub(super) facts: ImageFacts,
    /// What it sets for whatever starts in it.
    pub(super) variables: Variables,
}

/// The images that a path of the command line means, by what is there; `None` where it is none.
/// `FILE:TAG` is one of several; so is FILE with `tag`.
///
/// # Errors
/// When the archive is damaged, or has no such image.
pub(super) fn images(
    view: &View,
    path: &Path,
    tag: Option<&str>,
    inside: Inside<'_>,
) -> Result<Option<Vec<ImageTarget>>> {
    let (file, word) = match split(view, path, inside)? {
        Some((file, word)) => (file, Some(word)),
        None => (path.to_owned(), tag.map(str::to_owned)),
    };
    let shown = file.display().to_string();
    let real = inside(&file)?;
    let bar = Bar::new(&shown);
    let archive = Archive::at(view, &real, &AuditForesight, &bar);
    drop(bar);
    let Some(archive) = archive.map_err(|it| anyhow!("{it}")).with_context(|| format!("could not read {shown}"))?
    else {
        return match word {
            Some(word) if tag.is_none() => bail!("{shown} is no archive of images: it has no {word}"),
            Some(_) | None => Ok(None),
        };
    };
    let names = archive.names().to_vec();
    let meant: Vec<usize> = match &word {
        Some(word) => (0..names.len()).filter(|it| names.get(*it).is_some_and(|it| it.answers_to(word))).collect(),
        None => (0..names.len()).collect(),
    };
    if meant.is_empty() {
        bail!("{shown} has no image \"{}\": there are {}", word.unwrap_or_default(), listed(&names));
    }
    let archive = Rc::new(RefCell::new(archive));
    let several = 1 < meant.len();
    // The one that was asked for goes by the name that was asked for.
    let name_of = |number: usize| match &word {
        Some(word) if !several => Some(word.clone()),
        Some(_) | None => names.get(number).map(|it| it.text(&names)).filter(|it| several && !it.is_empty()),
    };
    let one = |number: usize| ImageTarget {
        archive: Rc::clone(&archive),
        number,
        name: match name_of(number) {
            Some(name) => format!("{shown}:{name}"),
            None => shown.clone(),
        },
        is_one_of_several: several,
    };
    Ok(Some(meant.into_iter().map(one).collect()))
}

/// The directory `path` as an image.
///
/// # Errors
/// When it cannot be read.
pub(super) fn of_directory(view: &View, path: &TreePath, name: String) -> Result<ImageTarget> {
    let archive = Archive::of_directory(view, path).map_err(|it| anyhow!("{it}"));
    let archive = archive.with_context(|| format!("could not read {name}"))?;
    Ok(ImageTarget { archive: Rc::new(RefCell::new(archive)), number: 0, name, is_one_of_several: false })
}

/// Where a path of the command line lies in the tree.
pub(super) type Inside<'a> = &'a dyn Fn(&Path) -> Result<TreePath>;

/// A path that is not there, but is up to one of its colons.
fn split(view: &View, path: &Path, inside: Inside<'_>) -> Result<Option<(PathBuf, String)>> {
    let text = path.to_string_lossy();
    if view.exists(inside(path)?.as_bytes()) {
        return Ok(None);
    }
    for (at, _) in text.match_indices(':').filter(|(at, _)| 0 < *at) {
        let (file, tag) = text.split_at(at);
        if view.exists(inside(Path::new(file))?.as_bytes()) {
            return Ok(Some((PathBuf::from(file), tag.trim_start_matches(':').to_owned())));
        }
    }
    Ok(None)
}

/// Every name that an image answers to.
fn listed(names: &[ImageName]) -> String {
    let further = |it: &ImageName| it.tags.iter().skip(1).map(|tag| format!(" = {tag}")).collect::<String>();
    names.iter().map(|it| it.text(names) + &further(it)).collect::<Vec<_>>().join(", ")
}

impl ImageTarget {
    /// Reads the image.
    ///
    /// # Errors
    /// When a part of it is missing or damaged.
    pub(super) fn open(&self, configured: &Configured) -> Result<OpenedImage> {
        let bar = Bar::new(&self.name);
        let image = self.archive.borrow_mut().open(self.number, &AuditForesight, &bar);
        drop(bar);
        let image = image.map_err(|it| anyhow!("{it}")).with_context(|| format!("could not read {}", self.name))?;
        let view = Arc::new(View::new(image.tree));
        let know = JobKnowledge::load(&configured.knowledge, &configured.site_files)?;
        // Where no configuration says it, the home directory is probably that of the host.
        let (env, home) = match image.config.env {
            Some(list) => (ImageEnvironment::of_config(&list), home_in_image(&view, &image.config.user)),
            None => (image_environment(&view, &know).unwrap_or_default(), None),
        };
        let entrypoint = match image.config.entrypoint.is_empty() {
            true => ImageEnvironment::default(),
            false => {
                let command = [image.config.entrypoint, image.config.cmd].concat();
                entrypoint_variables(&view, &know, &env, &command, home.as_deref())
            }
        };
        let mut variables = env.variables();
        let defaults = [("PATH", Some(DEFAULT_PATH)), ("HOME", home.as_deref())];
        for (name, value) in defaults {
            if let (None, Some(value)) = (variables.get(name), value) {
                variables.set(name, value, "the default of container runtimes");
            }
        }
        let facts = ImageFacts { env, entrypoint, gaps: image.gaps };
        Ok(OpenedImage { view, facts, variables })
    }
}
