//! The first screen of a job: what the script asks for, and one node of every launch.

use super::layout::{Paper, Tone};
use super::{Verbosity, node_picture};
use crate::facts::{Job, Run};

/// Launches that are drawn without `-v`.
const SHOWN_RUNS: usize = 4;

/// Every launch with a drawing of one node, in the order of the script.
pub(super) fn write(job: &Job, paper: &mut Paper<'_>) {
    let runs: &[Run] = job.runs.value().map_or(&[], Vec::as_slice);
    let shown = match paper.look().verbosity {
        Verbosity::Verbose => runs.len(),
        Verbosity::Terse if runs.len() <= SHOWN_RUNS => runs.len(),
        Verbosity::Terse => SHOWN_RUNS - 1,
    };
    for (at, run) in runs.iter().enumerate().take(shown) {
        let before = runs.get(..at).unwrap_or_default();
        let same = before.iter().find(|it| it.picture.is_some() && it.picture == run.picture);
        launch(run, same, paper);
    }
    if shown < runs.len() {
        paper.put(0, 2, &[(Tone::Faint, &format!("and {} more launches (-v)", runs.len() - shown))]);
    }
    if job.runs.value().is_some_and(Vec::is_empty) {
        paper.put(0, 2, &[(Tone::Plain, "the script launches nothing")]);
    }
    paper.blank();
}

fn launch(run: &Run, same: Option<&Run>, paper: &mut Paper<'_>) {
    paper.blank();
    paper.put(0, 4, &[(Tone::Strong, &run.name), (Tone::Plain, " "), (Tone::Plain, &run.command)]);
    if !run.conditions.is_empty() {
        paper.put(2, 4, &[(Tone::Faint, "only where "), (Tone::Faint, &run.conditions.join(" and "))]);
    }
    match (&run.picture, same) {
        (Some(_), Some(same)) => paper.put(2, 4, &[(Tone::Faint, "placed as "), (Tone::Faint, &same.name)]),
        (Some(picture), None) => paper.ready(&node_picture(picture, paper.look())),
        (None, _) => paper.put(2, 4, &[(Tone::Faint, "where its ranks and threads run is unknown")]),
    }
}
