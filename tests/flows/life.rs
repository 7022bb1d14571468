//! One item's journal, judged by what its workflow allows. Every function returns its findings as
//! sentences; none means that it was led as it should.

use std::collections::BTreeMap;

use anteroom::domain::follow_up::{FollowUp, FollowUpKind};
use anteroom::domain::item::{Item, ItemState};
use anteroom::domain::journal::JournalEvent;
use anteroom::store::read::JournalLine;

/// Where a stage may be come from, and what must have happened there.
type Step = (&'static str, &'static str, Option<JournalEvent>);

/// The ways of `case.xml`, `night.xml` and `call-back.xml`; `""` is the beginning.
const WAYS: [(&str, &[Step]); 3] = [
    (
        "case",
        &[
            ("", "received", None),
            ("received", "late", Some(JournalEvent::WorkflowWaits)),
            ("received", "work", Some(JournalEvent::Updated)),
            ("late", "work", None),
            ("work", "held", Some(JournalEvent::MaximumWaitOver)),
            ("work", "done", Some(JournalEvent::EndedByUser)),
            ("held", "work", Some(JournalEvent::ButtonPushed)),
            ("held", "handed", Some(JournalEvent::TransferredByWorkflow)),
            ("held", "lost", Some(JournalEvent::TransferFailed)),
            ("handed", "done", Some(JournalEvent::EndedByUser)),
        ],
    ),
    (
        "night",
        &[
            ("", "received", None),
            ("received", "late", Some(JournalEvent::MaximumWaitOver)),
            ("received", "done", Some(JournalEvent::EndedByUser)),
        ],
    ),
    ("call-back", &[("", "received", None)]),
];

/// The stages beside, and the stage in which each may run.
const BESIDE: [(&str, &str, &str); 3] = [
    ("case", "again", "held"),
    ("case", "mark", "held"),
    ("night", "release", "received"),
];

/// The stages in which a workflow may finish.
const LAST: [(&str, &str); 5] = [
    ("case", "done"),
    ("case", "lost"),
    ("night", "done"),
    ("night", "late"),
    ("call-back", "received"),
];

/// An item with everything that was written of it.
pub struct Life {
    pub reference: String,
    pub row: Item,
    pub lines: Vec<JournalLine>,
    pub follow_ups: Vec<FollowUp>,
}

impl Life {
    /// How often that stands in the journal.
    pub fn count(&self, event: JournalEvent) -> usize {
        self.all(event).count()
    }

    /// The lines of that event.
    pub fn all(&self, event: JournalEvent) -> impl Iterator<Item = &JournalLine> {
        self.lines.iter().filter(move |line| line.event == event)
    }

    /// The values of that name, of the lines of that event.
    pub fn data(&self, event: JournalEvent, name: &str) -> Vec<&str> {
        self.all(event).map(|line| datum(line, name)).collect()
    }

    /// Everything that is wrong with it.
    pub fn judge(&self) -> Vec<String> {
        let mut found = judge_journal(&self.lines);
        let numbers = self.lines.iter().map(|line| line.number);
        if !numbers.eq(1..=self.row.journal_rows) {
            found.push(format!("not {} lines", self.row.journal_rows));
        }
        if self.row.state != ItemState::Ended || self.row.ended.is_none() {
            found.push(format!("it is {}", self.row.state.name()));
        }
        if self.row.flow.is_some() {
            found.push("its workflow is not over".to_owned());
        }
        found.extend(self.judge_follow_ups());
        let about = |fault: String| format!("{}: {fault}\n{}", self.reference, self.shown());
        found.into_iter().map(about).collect()
    }

    /// What the journal says was shown is there, no more, and closed as the journal says.
    fn judge_follow_ups(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (shown, closed, kind) in [
            (
                JournalEvent::AlertShown,
                JournalEvent::AlertAcknowledged,
                "alert",
            ),
            (
                JournalEvent::ButtonShown,
                JournalEvent::ButtonPushed,
                "button",
            ),
        ] {
            let kept: Vec<&FollowUp> = self.follow_ups.iter().collect();
            let kept = kept.into_iter().filter(|one| one.kind.name() == kind);
            let kept: BTreeMap<String, &FollowUp> =
                kept.map(|one| (one.id.to_string(), one)).collect();
            let shown = sorted(self.data(shown, "followUp"));
            if !shown.iter().copied().eq(kept.keys().map(String::as_str)) {
                found.push(format!("shown {shown:?}, kept {:?}", kept.keys()));
            }
            let by_people = kept.iter().filter(|(_, one)| {
                let closed = one.closed.as_ref();
                closed.is_some_and(|closed| closed.by.is_some())
            });
            let handled = sorted(self.data(closed, "followUp"));
            if !handled
                .iter()
                .copied()
                .eq(by_people.map(|(id, _)| id.as_str()))
            {
                found.push(format!("{kind}s handled by people: {handled:?}"));
            }
        }
        let buttons = self.follow_ups.iter().filter(|one| one.closed.is_none());
        let mut buttons = buttons.filter(|one| matches!(one.kind, FollowUpKind::Button { .. }));
        if let Some(button) = buttons.next() {
            found.push(format!("a button is left: {button:?}"));
        }
        found
    }

    fn shown(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let data: Vec<String> = line.data.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let (number, event) = (line.number, line.event.name());
            format!("    {number} {} {event} {}\n", line.at.0, data.join(" "))
        });
        lines.collect()
    }
}

fn sorted(mut list: Vec<&str>) -> Vec<&str> {
    list.sort_unstable();
    list
}

/// The value of that name; empty without.
pub fn datum<'a>(line: &'a JournalLine, name: &str) -> &'a str {
    let found = line.data.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// What a journal alone shows to be wrong.
fn judge_journal(lines: &[JournalLine]) -> Vec<String> {
    let mut found = Vec::new();
    let is_end = |line: &&JournalLine| match line.event {
        JournalEvent::EndedByUser | JournalEvent::CancelledByWorkflow => true,
        JournalEvent::WorkflowFinished => !datum(line, "outcome").is_empty(),
        _ => false,
    };
    let ends = lines.iter().filter(is_end).count();
    if ends != 1 {
        found.push(format!("it ended {ends} times"));
    }
    let over = |line: &&JournalLine| line.event == JournalEvent::WorkflowFinished;
    if lines.iter().filter(over).count() != 1 {
        found.push("its workflow finished another number of times than once".to_owned());
    }
    let mut way = Way::default();
    for line in lines {
        found.extend(way.go(line));
    }
    if let Some(button) = way.pushed {
        found.push(format!("{button} was pushed and did nothing"));
    }
    found
}

/// Goes through a journal stage by stage.
#[derive(Default)]
struct Way<'a> {
    workflow: &'a str,
    stage: &'a str,
    /// What has happened since it came there.
    since: Vec<JournalEvent>,
    /// A pushed button whose stage has not run.
    pushed: Option<&'a str>,
    /// The `elapsed` stage of the present stage has run.
    elapsed: bool,
}

impl<'a> Way<'a> {
    fn go(&mut self, line: &'a JournalLine) -> Option<String> {
        if line.event != JournalEvent::StageEntered {
            self.since.push(line.event);
            let last = LAST.contains(&(self.workflow, self.stage));
            if line.event == JournalEvent::WorkflowFinished && !last {
                return Some(format!("it finished in {}", self.stage));
            }
            if line.event == JournalEvent::ButtonPushed {
                let before = self.pushed.replace(datum(line, "name"));
                return before.map(|name| format!("{name} was pushed and did nothing"));
            }
            return None;
        }
        let [workflow, stage] = ["workflow", "name"].map(|name| datum(line, name));
        let right = match datum(line, "event") {
            "elapsed" => self.stage == "work" && !std::mem::replace(&mut self.elapsed, true),
            "button" => {
                BESIDE.contains(&(workflow, stage, self.stage)) && self.pushed.take() == Some(stage)
            }
            _ => {
                let right = self.may_come(workflow, stage);
                (self.workflow, self.stage, self.elapsed) = (workflow, stage, false);
                self.since.clear();
                right
            }
        };
        let number = line.number;
        (!right).then(|| format!("line {number}: {stage} of {workflow} may not begin there"))
    }

    fn may_come(&self, workflow: &str, stage: &str) -> bool {
        // Its own button's stage goes first; a push that waits leaves nothing else.
        if self.pushed.is_some() {
            return false;
        }
        let steps = WAYS.iter().find(|(known, _)| *known == workflow);
        let mut steps = steps.iter().flat_map(|(_, steps)| steps.iter());
        let step = steps.find(|(from, to, _)| (*from, *to) == (self.stage, stage));
        let updated = self.since.contains(&JournalEvent::Updated);
        step.is_some_and(|(_, to, cause)| {
            cause.is_none_or(|cause| self.since.contains(&cause)) && !(*to == "late" && updated)
        })
    }
}

#[cfg(test)]
mod tests {
    //! A judge who finds nothing is worth something only if it finds what is planted.

    use anteroom::domain::journal::{Actor, JournalEvent};
    use anteroom::domain::time::Timestamp;
    use anteroom::store::read::JournalLine;

    use super::judge_journal;

    fn line(event: JournalEvent, data: &[(&str, &str)]) -> JournalLine {
        let data = data.iter();
        JournalLine {
            number: 0,
            at: Timestamp(0),
            event,
            actor: Actor::Engine,
            data: data
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    fn stage(name: &str, event: &str) -> JournalLine {
        let data = [("workflow", "case"), ("name", name), ("event", event)];
        line(JournalEvent::StageEntered, &data)
    }

    /// A whole life, over a button and back into the queue.
    fn life() -> Vec<JournalLine> {
        vec![
            stage("received", "received"),
            line(JournalEvent::WorkflowWaits, &[]),
            line(JournalEvent::Updated, &[]),
            stage("work", "goto"),
            line(JournalEvent::QueuedByWorkflow, &[]),
            stage("", "elapsed"),
            line(JournalEvent::MaximumWaitOver, &[]),
            stage("held", "goto"),
            line(JournalEvent::ButtonPushed, &[("name", "again")]),
            stage("again", "button"),
            stage("work", "goto"),
            line(JournalEvent::QueuedByWorkflow, &[]),
            line(JournalEvent::EndedByUser, &[]),
            stage("done", "goto"),
            line(JournalEvent::WorkflowFinished, &[]),
        ]
    }

    #[test]
    fn a_right_way_has_no_findings() {
        assert_eq!(judge_journal(&life()), Vec::<String>::new());
    }

    #[test]
    fn a_line_doubled_or_left_out_is_found_wherever_it_counts() {
        for index in 0..life().len() {
            let lines = life();
            // What may happen more than once without harm.
            if [1, 2, 4, 6, 11].contains(&index) {
                continue;
            }
            let mut doubled = lines.clone();
            doubled.insert(index, lines[index].clone());
            assert_ne!(judge_journal(&doubled), Vec::<String>::new(), "{index}");
            // Stages beside may be missing for want of time.
            if index != 5 {
                let mut less = lines;
                less.remove(index);
                assert_ne!(judge_journal(&less), Vec::<String>::new(), "{index}");
            }
        }
    }
}
