//! A workflow's file as it is understood, with the place of everything: what the rules look at.
//! Where a value is bad, the fault is noted and something harmless stands in its place.

use std::collections::BTreeMap;

use crate::domain::workflow::{
    ACTIONS_MAX, Action, Elapsed, Event, STAGES_MAX, Stage, StageNumber,
};

use super::element::Element;
use super::fault::{Faults, Rule};
use super::known::Known;
use super::value::{self, Attributes};

mod action;

/// The word that names the first stage where a stage is named (`in`).
const RECEIVED: &str = "received";

/// A whole workflow.
pub(super) struct Tree<'a> {
    pub(super) element: &'a Element,
    pub(super) name: String,
    pub(super) stages: Vec<StageTree<'a>>,
}

/// A stage.
pub(super) struct StageTree<'a> {
    pub(super) element: &'a Element,
    pub(super) event: Event,
    pub(super) actions: Vec<ActionTree<'a>>,
    /// The event was understood.
    pub(super) event_is_sound: bool,
}

/// An action.
pub(super) struct ActionTree<'a> {
    pub(super) element: &'a Element,
    pub(super) action: Action,
    /// Its exits that are linked, and the target of a `goto`.
    pub(super) links: Vec<Link>,
}

/// Something that leads to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The word of the exit; `goto` of the action of that name.
    pub(super) word: &'static str,
    /// Byte of its `<`.
    pub(super) at: usize,
    /// `None`: no such stage.
    pub(super) to: Option<StageNumber>,
}

impl ActionTree<'_> {
    /// The exits that it can take, and whether each is linked. An exit that is not goes on.
    fn exits(&self) -> Vec<(&'static str, bool)> {
        let words: &[&'static str] = match &self.action {
            Action::CheckOpeningHours { .. } => &["open", "closed"],
            Action::CheckAvailability { .. } => &["available", "busy", "nobodySignedIn"],
            Action::Check { .. } => &["then", "otherwise"],
            Action::Queue(queue) | Action::QueueToAgent { queue, .. } => match queue.max_wait_ms {
                Some(_) => &["ended", "expired"],
                None => &["ended"],
            },
            Action::Transfer { .. } => &["ok", "failed"],
            Action::Wait { .. }
            | Action::SetPriority { .. }
            | Action::RaisePriority { .. }
            | Action::SetContactData { .. }
            | Action::ForceQueue
            | Action::RelaxSkills
            | Action::Alert { .. }
            | Action::Button { .. }
            | Action::Notify { .. }
            | Action::StartWorkflow { .. }
            | Action::Cancel { .. }
            | Action::Goto(_)
            | Action::Finish => &[],
        };
        let linked = |word: &str| self.links.iter().any(|link| link.word == word);
        words.iter().map(|word| (*word, linked(word))).collect()
    }

    /// The exits that go on with the next action.
    pub(super) fn unlinked(&self) -> Vec<&'static str> {
        let exits = self.exits().into_iter();
        let unlinked = exits.filter(|(_, linked)| !linked);
        unlinked.map(|(word, _)| word).collect()
    }

    /// Whether the next action may come after it.
    pub(super) fn goes_on(&self) -> bool {
        match &self.action {
            Action::Cancel { .. } | Action::Goto(_) | Action::Finish => false,
            Action::CheckOpeningHours { .. }
            | Action::CheckAvailability { .. }
            | Action::Check { .. }
            | Action::Queue(_)
            | Action::QueueToAgent { .. }
            | Action::Transfer { .. } => !self.unlinked().is_empty(),
            Action::Wait { .. }
            | Action::SetPriority { .. }
            | Action::RaisePriority { .. }
            | Action::SetContactData { .. }
            | Action::ForceQueue
            | Action::RelaxSkills
            | Action::Alert { .. }
            | Action::Button { .. }
            | Action::Notify { .. }
            | Action::StartWorkflow { .. } => true,
        }
    }

    /// Whether it has exits, linked or not.
    pub(super) fn can_lead(&self) -> bool {
        !self.exits().is_empty()
    }
}

impl<'a> StageTree<'a> {
    /// Whether the event and every action were understood.
    pub(super) fn is_complete(&self) -> bool {
        self.event_is_sound && self.actions.len() == self.element.children.len()
    }

    /// The actions that can be reached: up to the first after which none comes.
    pub(super) fn reached(&self) -> &[ActionTree<'a>] {
        let last = self.actions.iter().position(|it| !it.goes_on());
        match last {
            Some(last) => &self.actions[..=last],
            None => &self.actions,
        }
    }
}

impl<'a> Tree<'a> {
    /// Understands the root element; `None`: it is of another language.
    pub(super) fn of(root: &'a Element, known: &Known, faults: &mut Faults) -> Option<Tree<'a>> {
        if root.name != "workflow" {
            let message = "Begin with <workflow>.";
            faults.add(root.at, Rule::Schema, message);
            return None;
        }
        let mut attributes = Attributes::of(root);
        let name = attributes.required("name", faults, String::new(), value::name);
        attributes.done(faults);
        let is_event = |child: &&Element| child.name == "event";
        for stray in root.children.iter().filter(|child| !is_event(child)) {
            let message = format!("Remove {}: workflow holds events only.", stray.name);
            faults.add(stray.at, Rule::Schema, message);
        }
        let events: Vec<&Element> = root.children.iter().filter(is_event).collect();
        if let Some(first_over) = events.get(STAGES_MAX) {
            let message = format!(
                "Split the workflow: it may have {STAGES_MAX} stages, and has {}.",
                events.len()
            );
            faults.add(first_over.at, Rule::TooMany, message);
            return None;
        }
        let names = Names::of(&events);
        let stages = events
            .iter()
            .map(|event| stage(event, &names, known, faults));
        Some(Tree {
            element: root,
            name,
            stages: stages.collect(),
        })
    }

    /// All stages with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (StageNumber, &StageTree<'a>)> {
        let stages = self.stages.iter().enumerate();
        stages.map(|(index, stage)| (StageNumber::of_index(index), stage))
    }

    /// All actions with the stages they stand in.
    pub(super) fn actions(&self) -> impl Iterator<Item = (&StageTree<'a>, &ActionTree<'a>)> {
        let stages = self.stages.iter();
        stages.flat_map(|stage| stage.actions.iter().map(move |action| (stage, action)))
    }

    /// The stages without their places; `line_of` says the line of a byte.
    pub(super) fn into_stages(self, line_of: impl Fn(usize) -> u32) -> Vec<Stage> {
        let stages = self.stages.into_iter().map(|stage| Stage {
            event: stage.event,
            actions: stage.actions.into_iter().map(|it| it.action).collect(),
            line: line_of(stage.element.at),
        });
        stages.collect()
    }
}

/// The numbers of the stages that can be named.
pub(super) struct Names {
    gotos: BTreeMap<String, StageNumber>,
    received: Option<StageNumber>,
}

impl Names {
    /// Of the events of a file. Of two with the same name the first counts.
    fn of(events: &[&Element]) -> Names {
        let mut names = Names {
            gotos: BTreeMap::new(),
            received: None,
        };
        for (index, event) in events.iter().enumerate() {
            let number = StageNumber::of_index(index);
            let name_in = |attribute| {
                let found = event.attribute(attribute)?;
                value::name(&found.value).ok()
            };
            match name_in("on").as_deref() {
                Some("received") => names.received = names.received.or(Some(number)),
                Some("goto") => {
                    if let Some(name) = name_in("name") {
                        names.gotos.entry(name).or_insert(number);
                    }
                }
                Some(_) | None => {}
            }
        }
        names
    }

    /// The stage that an attribute names, noting when there is none.
    fn goto(&self, name: &str, at: usize, faults: &mut Faults) -> Option<StageNumber> {
        let found = self.gotos.get(name).copied();
        if found.is_none() {
            let message = format!("There is no stage <event on=\"goto\" name=\"{name}\">: add it.");
            faults.add(at, Rule::UnknownStage, message);
        }
        found
    }
}

fn stage<'a>(
    element: &'a Element,
    names: &Names,
    known: &Known,
    faults: &mut Faults,
) -> StageTree<'a> {
    let faults_before = faults.count();
    let event = event(element, names, faults);
    let event_is_sound = faults.count() == faults_before;
    if element.children.is_empty() {
        let message = "Give the event something to do: 1 to 50 actions.";
        faults.add(element.at, Rule::Schema, message);
    }
    if let Some(first_over) = element.children.get(ACTIONS_MAX) {
        let message = format!("Split the stage: it may have {ACTIONS_MAX} actions.");
        faults.add(first_over.at, Rule::TooMany, message);
    }
    let children = element.children.iter();
    let actions: Vec<ActionTree<'a>> = children
        .filter_map(|child| action::read(child, names, known, faults))
        .collect();
    StageTree {
        element,
        event,
        actions,
        event_is_sound,
    }
}

fn event(element: &Element, names: &Names, faults: &mut Faults) -> Event {
    let mut attributes = Attributes::of(element);
    let words = "received, goto, button, elapsed, updated, accepted, ended, cancelled, expired or \
                 agentLost";
    let on = attributes.required("on", faults, String::new(), value::name);
    let event = match on.as_str() {
        "received" => Event::Received,
        "goto" => Event::Goto {
            name: attributes.required("name", faults, String::new(), value::name),
        },
        "button" => Event::Button {
            name: attributes.required("name", faults, String::new(), value::name),
        },
        "elapsed" => elapsed(element, &mut attributes, names, faults),
        "updated" => Event::Updated,
        "accepted" => Event::Accepted,
        "ended" => Event::Ended {
            result: attributes.optional("result", faults, value::label),
        },
        "cancelled" => Event::Cancelled,
        "expired" => Event::Expired,
        "agentLost" => Event::AgentLost,
        unknown => {
            if !unknown.is_empty() {
                let message = format!("@on must be {words}.");
                faults.add(element.place_of("on"), Rule::Schema, message);
            }
            // What it may have nobody can say. No rule looks at the event of such a stage.
            return Event::AgentLost;
        }
    };
    attributes.done(faults);
    event
}

fn elapsed(
    element: &Element,
    attributes: &mut Attributes<'_>,
    names: &Names,
    faults: &mut Faults,
) -> Event {
    let after = attributes.optional("after", faults, value::duration);
    let before_due = attributes.optional("beforeDue", faults, value::duration);
    let after_due = attributes.optional("afterDue", faults, value::duration);
    let written = ["after", "beforeDue", "afterDue"].map(|it| element.attribute(it).is_some());
    if written.iter().filter(|written| **written).count() != 1 {
        let message = "Give the event exactly one of after, beforeDue and afterDue.";
        faults.add(element.at, Rule::Schema, message);
    }
    let when = match (after, before_due, after_due) {
        (Some(ms), _, _) => Elapsed::After { ms },
        (None, Some(ms), _) => Elapsed::BeforeDue { ms },
        (None, None, Some(ms)) => Elapsed::AfterDue { ms },
        (None, None, None) => Elapsed::After { ms: 1 },
    };
    let within = attributes.optional("in", faults, value::name);
    let within = within.and_then(|name| match name.as_str() {
        // A file without it has that fault already.
        RECEIVED => names.received,
        name => names.goto(name, element.place_of("in"), faults),
    });
    Event::Elapsed { when, within }
}
