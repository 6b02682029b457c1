//! What `audit`, `facts` and `baseline write` are asked, and the facts that answer it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, bail};

use super::args::QuestionArgs;
use super::config::{self, Configured};
use super::job::{self, Joined};
use super::target::{self, Opened, Target, Targets};
use super::{host, output};
use crate::discover::DiscoverError;
use crate::facts::Facts;
use crate::survey::{Host, Question, join_fabric, survey_beside};

/// The arguments, with the knowledge and the host that they name.
pub(super) struct Asked<'a> {
    pub(super) args: &'a QuestionArgs,
    pub(super) configured: Configured,
    pub(super) host: Option<Host>,
}

/// What answers.
pub(super) struct Answer {
    /// The facts of every target, in order.
    pub(super) facts: Vec<Facts>,
    /// The job script that they are joined with.
    pub(super) job: Option<Joined>,
}

impl<'a> Asked<'a> {
    /// Reads the knowledge and the host.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub(super) fn read(args: &'a QuestionArgs) -> Result<Self> {
        let configured = config::read(&args.knowledge)?;
        let host = host::read(args.checks.host.as_deref(), &configured)?;
        Ok(Self { args, configured, host })
    }

    /// The facts of every target, joined with the job where one is named.
    ///
    /// # Errors
    /// When a target or the script is not there, or is not what it should be; when the tool itself fails.
    pub(super) fn answer(&self) -> Result<Answer> {
        match &self.args.job.script {
            Some(script) => {
                let (job, facts) = job::joined(self, script)?;
                Ok(Answer { facts, job: Some(job) })
            }
            None => {
                let site = job::profile(&self.args.job)?;
                let mut facts = self.surveyed()?;
                facts.iter_mut().for_each(|it| join_fabric(it, &self.configured.knowledge, site.as_ref()));
                Ok(Answer { facts, job: None })
            }
        }
    }

    /// The targets, in order, each asked everything.
    pub(super) fn targets(&self) -> Result<Targets> {
        let targets = target::targets(&self.args.targets, &self.args.target, &self.configured)?;
        Ok(targets.with(&self.args.checks))
    }

    /// Saved facts, held against the host where one is named; else as they were saved.
    pub(super) fn beside(&self, mut facts: Facts) -> Facts {
        if let Some(host) = &self.host {
            host.join(&mut facts, &self.configured.knowledge);
        }
        facts
    }

    fn surveyed(&self) -> Result<Vec<Facts>> {
        let Targets { view, list, .. } = self.targets()?;
        let mut all = Vec::new();
        let mut is_without = false;
        for target in list {
            if let Target::Saved(facts) = target {
                all.push(self.beside(*facts));
                continue;
            }
            let Some(Opened { view, question }) = target.open(&view, &self.configured)? else { continue };
            let answer = || survey_beside(&view, &self.configured.knowledge, &question, self.host.as_ref());
            match catch_unwind(AssertUnwindSafe(answer)) {
                Ok(Ok(facts)) => all.extend(facts),
                // Of several images, some are of other kinds: they are told, and the rest is audited.
                Ok(Err(error @ DiscoverError::NoPython { .. })) if target.is_one_of_several() => {
                    output::message(&format!("{}: {error}", named(&question)));
                    is_without = true;
                }
                // Paths in an image say nothing without it.
                Ok(Err(error)) if target.is_image() => return Err(error).with_context(|| named(&question)),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => bail!(
                    "{}: this is a bug of pyhpc-audit {}; the message above says where",
                    question.target,
                    env!("CARGO_PKG_VERSION")
                ),
            }
        }
        if all.is_empty() && is_without {
            bail!("none of these images holds a Python: what was looked for is told above");
        }
        Ok(all)
    }
}

/// The name of an image, and what of it was not read: that may hide what is looked for.
fn named(question: &Question) -> String {
    match question.image.as_ref().and_then(|it| it.gaps.first()) {
        Some(gap) => format!("{} (not read as a whole: {})", question.target, gap.reason),
        None => question.target.clone(),
    }
}
