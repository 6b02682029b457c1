//! Files that a word of the shell stands for (`/etc/profile.d/*.sh`), where it can be said which are there.

use super::expand::is_glob;
use super::limits::WORDS;
use super::pattern::Pattern;
use super::run::Runner;
use super::value::Binding;
use super::world::World;

/// Locales that sort by bytes.
const BY_BYTES: [&str; 4] = ["C", "POSIX", "C.UTF-8", "C.utf8"];

impl Runner<'_> {
    /// The paths that fit an absolute pattern, in the order of the shell; the pattern itself where none does. `None` where that
    /// cannot be said.
    pub(super) fn files(&mut self, pattern: &str, world: &World) -> Option<Vec<String>> {
        if self.csh || world.globs_otherwise || !matches!(world.shell.get("GLOBIGNORE"), Binding::Unset(_)) {
            return None;
        }
        let mut places = vec![String::new()];
        for element in pattern.strip_prefix('/')?.split('/') {
            places = match is_glob(element) {
                true => self.fitting(&places, element)?,
                false => places.into_iter().map(|it| format!("{it}/{element}")).collect(),
            };
        }
        if !pattern.rsplit('/').next().is_some_and(is_glob) {
            let there = places.iter().map(|it| self.surroundings.exists(it)).collect::<Option<Vec<bool>>>()?;
            places = places.into_iter().zip(there).filter_map(|(it, there)| there.then_some(it)).collect();
        }
        match places.is_empty() {
            true => Some(vec![pattern.to_owned()]),
            false => (is_sorted_by_bytes(world) || is_ordered(&places)).then_some(places),
        }
    }

    /// What lies in these directories under a name that fits.
    fn fitting(&mut self, directories: &[String], element: &str) -> Option<Vec<String>> {
        let pattern = Pattern::new(element)?;
        let counts_letters = element.contains(['?', '[']);
        let mut found = Vec::new();
        for directory in directories {
            let names = self.surroundings.names(if directory.is_empty() { "/" } else { directory })?;
            // What one letter is depends on the locale.
            if counts_letters && !names.iter().all(|it| it.is_ascii()) {
                return None;
            }
            let fits = |it: &&String| {
                let is_hidden = it.starts_with('.') && !element.starts_with('.');
                !is_hidden && pattern.matches(&it.chars().collect::<Vec<_>>())
            };
            found.extend(names.iter().filter(fits).map(|it| format!("{directory}/{it}")));
        }
        (found.len() <= WORDS).then_some(found)
    }
}

/// Whether the locale of the shell sorts by bytes. What begins in an image has no locale but the one that the image sets.
fn is_sorted_by_bytes(world: &World) -> bool {
    let decides = ["LC_ALL", "LC_COLLATE", "LANG"].iter().map(|it| world.shell.get(it)).find(|it| match it {
        Binding::Set(value) => value.text().is_none_or(|it| !it.is_empty()),
        Binding::Unset(_) => false,
        Binding::Unknown { .. } => true,
    });
    match decides {
        None | Some(Binding::Unset(_)) => true,
        Some(Binding::Set(value)) => value.text().is_some_and(|it| BY_BYTES.contains(&it.as_str())),
        Some(Binding::Unknown { .. }) => false,
    }
}

/// Whether every locale puts the paths, which are in the order of their bytes, in this order: some look at letters and digits
/// alone.
fn is_ordered(paths: &[String]) -> bool {
    let letters = |it: &String| it.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let keys: Vec<String> = paths.iter().map(letters).collect();
    keys.is_sorted() && paths.is_sorted()
}
