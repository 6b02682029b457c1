//! Loads rule files, checks and evaluates their conditions, applies waivers.

mod outcome;

pub use outcome::{Finding, Outcome, Severity, Undecided, Verdict, Waived, WaiverReport, WaiverState};
