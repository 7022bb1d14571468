//! Generated workflows for tests: what each action can do is said here once more, apart from the
//! language, so that the checker and the interpreter can be held to it.

use std::fmt::Write;

use proptest::prelude::*;

/// A workflow as it is generated: any number of goto stages `s0`, `s1`…, after `received`, one for
/// `updated` and one for `elapsed`.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// `received`, `updated`, `elapsed`, then the goto stages.
    pub(crate) stages: Vec<Vec<Step>>,
}

/// Index of the stage that runs beside the others.
pub(crate) const BESIDE: usize = 2;
/// Index of the first goto stage.
pub(crate) const GOTO: usize = 3;

/// An action as it is generated.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Goes on at once.
    Plain(&'static str),
    /// Stands still, then goes on.
    Pause(&'static str),
    /// Ends the workflow.
    End(&'static str),
    /// Leads to a goto stage, by its index among them.
    Goto(usize),
    /// Takes one of several exits.
    Choice(Choice),
}

/// An action with exits.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) element: &'static str,
    pub(crate) attributes: &'static str,
    /// Whether it stands still before it leads anywhere.
    pub(crate) pauses: bool,
    /// Each with the goto stage it leads to; `None`: left out, so it goes on.
    pub(crate) exits: Vec<(&'static str, Option<usize>)>,
    /// An exit that goes nowhere when it is left out.
    pub(crate) aside: Option<(&'static str, usize)>,
}

impl Plan {
    /// As a file, stage `index` on the line `index + 2`.
    pub(crate) fn source(&self) -> String {
        let mut text = String::from("<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"made\">\n");
        for (index, steps) in self.stages.iter().enumerate() {
            let event = match index {
                0 => "on=\"received\"".to_owned(),
                1 => "on=\"updated\"".to_owned(),
                BESIDE => "on=\"elapsed\" after=\"PT1H\"".to_owned(),
                _ => format!("on=\"goto\" name=\"s{}\"", index - GOTO),
            };
            let steps: String = steps.iter().map(step).collect();
            writeln!(text, "<event {event}>{steps}</event>").expect("a string takes all");
        }
        text + "</workflow>\n"
    }

    /// The same without a fault: every stage is led to, pauses first, and ends.
    fn mended(mut self) -> Plan {
        let gotos = self.stages.len() - GOTO;
        for (index, steps) in self.stages.iter_mut().enumerate() {
            if index >= GOTO {
                steps.insert(0, Step::Pause("<wait for=\"PT1M\"/>"));
            }
            if index == 0 {
                let lead = |to| {
                    Step::Choice(Choice {
                        element: "check",
                        attributes: " when=\"item.priority == 5\"",
                        pauses: false,
                        exits: vec![("then", Some(to)), ("otherwise", None)],
                        aside: None,
                    })
                };
                steps.splice(0..0, (0..gotos).map(lead));
            }
            if let Some(last) = steps.iter().position(|step| !goes_on(step)) {
                steps.truncate(last + 1);
            } else {
                steps.push(Step::End("<finish/>"));
            }
        }
        self
    }
}

/// Whether the next action can follow.
pub(crate) fn goes_on(step: &Step) -> bool {
    match step {
        Step::Plain(_) | Step::Pause(_) => true,
        Step::End(_) | Step::Goto(_) => false,
        Step::Choice(choice) => choice.exits.iter().any(|(_, to)| to.is_none()),
    }
}

fn step(step: &Step) -> String {
    match step {
        Step::Plain(text) | Step::Pause(text) | Step::End(text) => (*text).to_owned(),
        Step::Goto(to) => format!("<goto name=\"s{to}\"/>"),
        Step::Choice(choice) => {
            let linked = choice
                .exits
                .iter()
                .filter_map(|(word, to)| Some((*word, (*to)?)));
            let exits = linked.chain(choice.aside);
            let exits = exits.map(|(word, to)| format!("<{word} goto=\"s{to}\"/>"));
            let Choice {
                element,
                attributes,
                ..
            } = choice;
            format!(
                "<{element}{attributes}>{}</{element}>",
                exits.collect::<String>()
            )
        }
    }
}

const PLAIN: [&str; 8] = [
    "<setPriority to=\"7\"/>",
    "<raisePriority by=\"1\"/>",
    "<setContactData key=\"k\" value=\"v\"/>",
    "<relaxSkills/>",
    "<alert to=\"supervisor\" text=\"Look\"/>",
    "<notify name=\"n\"/>",
    // May be over at once, so it is no pause.
    "<wait until=\"dueBy\"/>",
    "<wait until=\"acknowledged\" for=\"PT1H\"/>",
];
const PAUSES: [&str; 3] = [
    "<wait for=\"PT1H\"/>",
    "<wait until=\"08:00\"/>",
    "<wait until=\"updated\" for=\"PT1H\"/>",
];
const ENDS: [&str; 2] = ["<finish/>", "<cancel/>"];

fn plain() -> impl Strategy<Value = Step> {
    prop::sample::select(&PLAIN[..]).prop_map(Step::Plain)
}

/// A check: `both` when no exit is left out.
fn check(to: std::ops::Range<usize>) -> impl Strategy<Value = Step> {
    let kinds = [
        (
            "check",
            " when=\"item.priority &gt; 5\"",
            ["then", "otherwise"],
        ),
        ("checkOpeningHours", "", ["open", "closed"]),
    ];
    let exits = (to.clone(), prop::option::of(to), any::<bool>());
    (prop::sample::select(kinds.to_vec()), exits).prop_map(|(kind, (first, second, turned))| {
        let (element, attributes, words) = kind;
        let mut targets = [Some(first), second];
        if turned {
            targets.reverse();
        }
        Step::Choice(Choice {
            element,
            attributes,
            pauses: false,
            exits: words.into_iter().zip(targets).collect(),
            aside: None,
        })
    })
}

fn transfer(to: std::ops::Range<usize>) -> impl Strategy<Value = Step> {
    (prop::option::of(to.clone()), to).prop_map(|(ok, failed)| {
        Step::Choice(Choice {
            element: "transfer",
            attributes: " service=\"other\"",
            pauses: false,
            exits: vec![("ok", ok), ("failed", Some(failed))],
            aside: None,
        })
    })
}

fn queue(to: std::ops::Range<usize>) -> impl Strategy<Value = Step> {
    let parts = (
        prop::option::of(to.clone()),
        prop::option::of(to.clone()),
        prop::option::of(to),
    );
    parts.prop_map(|(ended, expired, declined)| {
        let mut exits = vec![("ended", ended)];
        if expired.is_some() {
            exits.push(("expired", expired));
        }
        Step::Choice(Choice {
            element: "queue",
            attributes: if expired.is_some() {
                " maxWait=\"PT2H\""
            } else {
                ""
            },
            pauses: true,
            exits,
            aside: declined.map(|to| ("declined", to)),
        })
    })
}

/// An action that may stand in a stage beside others.
fn beside(to: std::ops::Range<usize>) -> impl Strategy<Value = Step> {
    let quick = plain().prop_filter(
        "waits do not run beside",
        |step| !matches!(step, Step::Plain(text) if text.starts_with("<wait")),
    );
    prop_oneof![
        4 => quick,
        2 => check(to.clone()),
        1 => transfer(to.clone()),
        1 => to.prop_map(Step::Goto),
        1 => prop::sample::select(&ENDS[..]).prop_map(Step::End),
    ]
}

fn any_step(to: std::ops::Range<usize>) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => plain(),
        2 => prop::sample::select(&PAUSES[..]).prop_map(Step::Pause),
        3 => check(to.clone()),
        1 => transfer(to.clone()),
        2 => queue(to.clone()),
        3 => to.prop_map(Step::Goto),
        2 => prop::sample::select(&ENDS[..]).prop_map(Step::End),
    ]
}

/// Workflows whose stages may not end, not be led to, and run in circles; nothing else is wrong.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    (1_usize..6).prop_flat_map(|gotos| {
        let stages = prop::collection::vec(
            prop::collection::vec(any_step(0..gotos), 1..5),
            gotos + BESIDE,
        );
        let beside = prop::collection::vec(beside(0..gotos), 1..4);
        (stages, beside).prop_map(|(mut stages, beside)| {
            stages.insert(BESIDE, beside);
            Plan { stages }
        })
    })
}

/// Workflows without a fault, as files.
#[allow(dead_code, reason = "the tests of other rooms may want them")]
pub(crate) fn sound_sources() -> impl Strategy<Value = String> {
    plans().prop_map(|plan| plan.mended().source())
}

proptest! {
    #[test]
    fn what_is_generated_as_sound_loads(source in sound_sources()) {
        let loaded = super::load(&source, &super::Known::anything());
        prop_assert!(loaded.is_ok(), "{source}\n{:?}", loaded.err());
    }
}
