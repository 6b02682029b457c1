//! On which file system a run works, as the site profile says.

use super::JobReading;
use super::launches::Launch;
use crate::facts::Fact;
use crate::job::{Place, Value};
use crate::survey::ledger::Ledger;

/// A path of the run that lies on a file system which nodes share, and whether locks work there.
pub(super) fn shared(reading: &JobReading<'_>, launch: &Launch, ledger: &mut Ledger) -> (Fact<String>, Fact<String>) {
    let at = &launch.line.place;
    let hides = "whether the program works on a shared file system";
    let Some(site) = reading.question.site.filter(|it| !it.filesystems.is_empty()) else {
        let reason = "[filesystems.\"/MOUNT\"] kind in the site profile would say it";
        return (ledger.open(at, reason, hides), ledger.open(at, reason, hides));
    };
    let arguments = launch.line.program.iter().map(|it| &it.value);
    let named: Vec<&Value> = arguments.chain(&launch.command.directory).collect();
    for value in named {
        let Some(path) = beginning(value) else { continue };
        let Some(filesystem) = site.filesystem(&path) else { continue };
        let Some(kind) = filesystem.kind.as_ref().filter(|it| reading.is_shared(&it.value)) else { continue };
        let line = Place { file: site.path.clone(), line: filesystem.line, ..Place::default() };
        let mut because = ledger.resting(&value.places, at);
        because.push(ledger.place(&line));
        let locks = match &filesystem.locks {
            Some(locks) => Fact::known(if locks.value { "yes" } else { "no" }.to_owned(), because.clone()),
            None => ledger.open(
                at,
                &format!("[filesystems.\"{}\"] locks would say it", filesystem.mount),
                "whether locks work",
            ),
        };
        return (Fact::known(format!("{path} on {}", kind.value), because), locks);
    }
    // A path elsewhere says nothing of the other files that the program opens.
    let reason = "no path in the script lies on a shared file system, and the program may open others";
    (ledger.open(at, reason, hides), ledger.open(at, reason, hides))
}

impl JobReading<'_> {
    fn is_shared(&self, kind: &str) -> bool {
        self.know.shell.shared_filesystems.iter().any(|it| it == kind)
    }
}

/// The absolute path that a value is, or that it gives to an option, as far as its beginning is known.
fn beginning(value: &Value) -> Option<String> {
    let text = value.parts.first().and_then(|it| match it {
        crate::job::Part::Text(text) => Some(text.as_str()),
        crate::job::Part::Unknown { .. } => None,
    })?;
    let path = text.split_once('=').map_or(text, |(_, path)| path);
    path.starts_with('/').then(|| path.to_owned())
}
