//! The actions: their attributes and their exits.

use std::sync::Arc;

use crate::domain::ids::Priority;
use crate::domain::workflow::{Action, Audience, Condition, Queue, StageNumber};

use super::{ActionTree, Link, Names};
use crate::workflow::condition;
use crate::workflow::element::Element;
use crate::workflow::fault::{Faults, Rule};
use crate::workflow::known::Known;
use crate::workflow::value::{self, Attributes};

/// Understands an action; `None`: there is none of that name.
pub(super) fn read<'a>(
    element: &'a Element,
    names: &Names,
    known: &Known,
    faults: &mut Faults,
) -> Option<ActionTree<'a>> {
    let mut attributes = Attributes::of(element);
    let mut exits = Exits::of(element, names);
    let action = simple(element, &mut attributes, faults)
        .or_else(|| leading(element, &mut attributes, &mut exits, known, faults));
    let Some(action) = action else {
        let message = format!("Remove {}: there is no such action.", element.name);
        faults.add(element.at, Rule::Schema, message);
        return None;
    };
    attributes.done(faults);
    let links = exits.done(faults);
    Some(ActionTree {
        element,
        action,
        links,
    })
}

/// An action that has no exits.
fn simple(element: &Element, with: &mut Attributes<'_>, faults: &mut Faults) -> Option<Action> {
    let nothing = String::new;
    let nobody = || Audience::Group(nothing());
    Some(match element.name.as_str() {
        "wait" => Action::Wait {
            until: with.optional("until", faults, value::until),
            for_ms: with.optional("for", faults, value::duration),
            because: with.optional("because", faults, value::sentence),
        },
        "setPriority" => Action::SetPriority {
            to: with.required("to", faults, Priority::DEFAULT, value::priority),
        },
        "raisePriority" => Action::RaisePriority {
            by: with.required("by", faults, 1, value::raise),
        },
        "setContactData" => Action::SetContactData {
            key: with.required("key", faults, nothing(), value::key),
            value: with.required("value", faults, nothing(), value::datum),
        },
        "forceQueue" => Action::ForceQueue,
        "relaxSkills" => Action::RelaxSkills,
        "alert" => Action::Alert {
            to: with.required("to", faults, nobody(), value::audience),
            text: with.required("text", faults, nothing(), value::sentence),
        },
        "button" => Action::Button {
            name: with.required("name", faults, nothing(), value::name),
            label: with.required("label", faults, nothing(), value::sentence),
            to: with.required("to", faults, nobody(), value::audience),
        },
        "notify" => Action::Notify {
            name: with.required("name", faults, nothing(), value::name),
        },
        "startWorkflow" => Action::StartWorkflow {
            name: with.required("name", faults, nothing(), value::name),
        },
        "cancel" => Action::Cancel {
            reason: with.optional("reason", faults, value::sentence),
        },
        "finish" => Action::Finish,
        _ => return None,
    })
}

/// An action that leads somewhere.
fn leading(
    element: &Element,
    with: &mut Attributes<'_>,
    exits: &mut Exits<'_>,
    known: &Known,
    faults: &mut Faults,
) -> Option<Action> {
    Some(match element.name.as_str() {
        "checkOpeningHours" => Action::CheckOpeningHours {
            service: with.optional("service", faults, value::service),
            open: exits.exit("open", faults),
            closed: exits.exit("closed", faults),
        },
        "checkAvailability" => Action::CheckAvailability {
            service: with.optional("service", faults, value::service),
            available: exits.exit("available", faults),
            busy: exits.exit("busy", faults),
            nobody_signed_in: exits.exit("nobodySignedIn", faults),
        },
        "check" => Action::Check {
            when: when(element, with, known, faults),
            then: exits.exit("then", faults),
            otherwise: exits.exit("otherwise", faults),
        },
        "queue" => Action::Queue(queue(with, exits, faults)),
        "queueToAgent" => Action::QueueToAgent {
            agent: with.required("agent", faults, String::new(), value::label),
            required: with
                .optional("required", faults, value::boolean)
                .unwrap_or(true),
            queue: queue(with, exits, faults),
        },
        "transfer" => Action::Transfer {
            service: with.required("service", faults, String::new(), value::service),
            ok: exits.exit("ok", faults),
            failed: exits.exit("failed", faults),
        },
        "goto" => {
            let name = with.required("name", faults, String::new(), value::name);
            // What is no name has its fault already.
            let found = match name.is_empty() {
                true => None,
                false => exits.names.goto(&name, element.place_of("name"), faults),
            };
            exits.link("goto", element.at, found);
            Action::Goto(found.unwrap_or(StageNumber::of_index(0)))
        }
        _ => return None,
    })
}

fn queue(with: &mut Attributes<'_>, exits: &mut Exits<'_>, faults: &mut Faults) -> Queue {
    Queue {
        max_wait_ms: with.optional("maxWait", faults, value::duration),
        ended: exits.exit("ended", faults),
        expired: exits.exit("expired", faults),
        declined: exits.exit("declined", faults),
    }
}

/// The condition of a check, compiled; one that never holds where it cannot be.
fn when(
    element: &Element,
    with: &mut Attributes<'_>,
    known: &Known,
    faults: &mut Faults,
) -> Arc<dyn Condition> {
    let source = with.required("when", faults, String::new(), value::condition);
    if source.is_empty() {
        return condition::never();
    }
    match condition::compile(&source, known) {
        Ok(condition) => condition,
        Err(found) => {
            for (rule, message) in found {
                faults.add(element.place_of("when"), rule, message);
            }
            condition::never()
        }
    }
}

/// The exits of one action as they are asked for; whatever nobody asked for is refused.
struct Exits<'a> {
    element: &'a Element,
    names: &'a Names,
    asked: Vec<&'static str>,
    links: Vec<Link>,
}

impl<'a> Exits<'a> {
    fn of(element: &'a Element, names: &'a Names) -> Exits<'a> {
        Exits {
            element,
            names,
            asked: Vec::new(),
            links: Vec::new(),
        }
    }

    fn link(&mut self, word: &'static str, at: usize, to: Option<StageNumber>) {
        self.links.push(Link { word, at, to });
    }

    /// Where an exit leads.
    fn exit(&mut self, word: &'static str, faults: &mut Faults) -> Option<StageNumber> {
        self.asked.push(word);
        let element = self.element;
        let mut written = element.children.iter().filter(|it| it.name == word);
        let first = written.next()?;
        for again in written {
            let message = format!("Remove this {word}: {} has one already.", element.name);
            faults.add(again.at, Rule::Schema, message);
        }
        let mut attributes = Attributes::of(first);
        let name = attributes.required("goto", faults, String::new(), value::name);
        attributes.done(faults);
        if let Some(stray) = first.children.first() {
            let message = format!("Remove {}: {word} holds nothing.", stray.name);
            faults.add(stray.at, Rule::Schema, message);
        }
        let to = match name.is_empty() {
            true => None,
            false => self.names.goto(&name, first.place_of("goto"), faults),
        };
        self.link(word, first.at, to);
        to
    }

    /// Refuses the children that nobody asked for.
    fn done(self, faults: &mut Faults) -> Vec<Link> {
        let strays = self.element.children.iter();
        for stray in strays.filter(|it| !self.asked.contains(&it.name.as_str())) {
            let element = &self.element.name;
            let message = format!("Remove {}: {element} has no such exit.", stray.name);
            faults.add(stray.at, Rule::Schema, message);
        }
        self.links
    }
}
