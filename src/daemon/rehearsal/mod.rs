//! Rehearsals of workflows: the real engine over a store in memory, with a clock of its own, a
//! message, and a script that says what people and systems do. So what is shown is what the daemon
//! would do; nothing here knows what a workflow means.
//!
//! `script` is what was written, `setting` the policy, `house` the engine with its clock, `act` what
//! a step does, `told` how the journal reads, `report` what comes out.

mod act;
mod house;
mod report;
mod script;
mod setting;
mod told;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::domain::content::Content;
use crate::domain::message::{Message, Submission};
use crate::domain::policy::Policy;
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::workflow::Workflow;
use crate::engine::StartError;
use crate::store::StoreError;
use crate::wire::decode::decode;
use crate::wire::message::{ReadContext, read_message};
use crate::wire::rules::{Bodies, Judge, check_submission};

use house::House;
use script::{Script, Verb};
use setting::Setting;

pub use report::{Line, OpenFollowUp, Report, StageShown, Standing};
pub use script::{SCRIPT_BYTES_MAX, STEPS_MAX, ScriptFault, VERBS};

/// What is rehearsed.
pub struct Play {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// The workflows that it starts, and those that these start.
    pub follow_ups: Vec<Arc<Workflow>>,
    /// The message that makes the item: a `workItem` as a sender would send it.
    pub message: Vec<u8>,
    /// What happens; see [`VERBS`].
    pub script: String,
    /// The policy in force; `None`: a small one in which everything that is named is there.
    pub policy: Option<Arc<Policy>>,
    /// The tenant; `None`: the one that has the service.
    pub tenant: Option<String>,
    /// The service; `None`: the message's.
    pub service: Option<String>,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// Mend the script.
    #[error(transparent)]
    Script(#[from] ScriptFault),
    /// The message is refused as the daemon would refuse it. Mend the message.
    #[error("{}: {}", .0.code().name(), .0.first.message)]
    Refused(Refusal),
    /// The message, tenant or service does not fit. Say others.
    #[error("{0}")]
    Setting(String),
    /// The engine cannot start with the policy.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] StoreError),
    /// Something happens again and again at one instant.
    #[error("the engine does not come to rest at {0}")]
    Restless(String),
}

/// Plays a workflow through. The same play always gives the same report.
///
/// # Errors
/// See [`RehearsalError`]. Steps of the script that are refused are no error: they stand in the
/// report ([`Report::refused`]).
pub fn rehearse(play: &Play) -> Result<Report, RehearsalError> {
    let script = script::read(&play.script)?;
    let read = read(play, script.start, None)?;
    let setting = Setting::of(play, &script, &read.content)?;
    let about = (read.content.service, play.workflow.name.clone());
    let mut house = House::open(setting, about, script.start)?;
    let Script { steps, start, .. } = script;
    let sends = |verb: &Option<Verb>| matches!(verb, Some(Verb::Send));
    if !steps.iter().any(|step| sends(&step.verb)) {
        house.send(play)?;
    }
    for step in &steps {
        house.perform(step, play)?;
    }
    Ok(house.report(start))
}

/// Reads the message; by the rules too once there is a setting.
fn read(
    play: &Play,
    now: Timestamp,
    setting: Option<&Setting>,
) -> Result<Submission, RehearsalError> {
    // Everybody who is named is there.
    let is_agent = |_: &str| true;
    let judge = setting.map(|setting| Judge {
        tenant: &setting.tenant,
        is_agent: &is_agent,
        sender: Some(&setting.sender),
    });
    let other_service = play.service.as_ref();
    let context = ReadContext {
        now,
        judge: judge.filter(|_| other_service.is_none()),
    };
    let text = decode(&play.message, None).map_err(|error| refused(error.into()))?;
    let Message::Create(submission) = read_message(&text, &context).map_err(refused)? else {
        let text = "the message must be one workItem";
        return Err(RehearsalError::Setting(text.to_owned()));
    };
    let mut submission = *submission;
    if let Some(service) = other_service {
        submission.content.service = service.clone();
        submission.problems = judge.map_or_else(Vec::new, |judge| {
            judged(&submission.content, &submission, judge, now)
        });
    }
    Ok(submission)
}

/// What the rules say of a message whose service was replaced.
fn judged(
    content: &Content,
    submission: &Submission,
    judge: Judge<'_>,
    now: Timestamp,
) -> Vec<Problem> {
    let bodies = Bodies {
        uploads: &submission.uploads,
        corrupt: &[],
    };
    let findings = check_submission(content, bodies, judge, now);
    findings
        .into_iter()
        .map(|finding| Problem::new(finding.code, finding.message))
        .collect()
}

fn refused(refusal: Refusal) -> RehearsalError {
    RehearsalError::Refused(refusal)
}
