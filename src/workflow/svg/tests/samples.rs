//! Workflows for tests, made by hand: that of the specification, and a large one.

use std::sync::Arc;

use crate::domain::facts::{Fact, Facts};
use crate::domain::ids::Priority;
use crate::domain::people::Role;
use crate::domain::workflow::{
    Action, Audience, Awaited, Condition, Elapsed, Event, Queue, Stage, StageNumber, Until,
    Workflow, WorkflowDigest,
};

const HOUR_MS: i64 = 3_600_000;

/// Compares a text with a kept file; `UPDATE_FIXTURES=1` keeps it anew.
pub fn as_kept(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, text).expect("the file is written");
    }
    let kept = std::fs::read_to_string(&path).expect("the file is kept");
    assert_eq!(kept, text, "{file} differs");
}

/// A condition that is only shown.
#[derive(Debug)]
struct Shown(&'static str);

impl Condition for Shown {
    fn source(&self) -> &str {
        self.0
    }

    fn reads(&self) -> &[Fact] {
        &[]
    }

    fn holds(&self, _: &Facts) -> Result<bool, String> {
        Ok(true)
    }
}

pub fn number(number: u8) -> StageNumber {
    StageNumber(number)
}

pub fn goto(name: &str) -> Event {
    Event::Goto {
        name: name.to_owned(),
    }
}

pub fn stage(event: Event, actions: Vec<Action>) -> Stage {
    Stage {
        event,
        actions,
        line: 1,
    }
}

pub fn workflow(name: &str, stages: Vec<Stage>) -> Workflow {
    Workflow {
        name: name.to_owned(),
        digest: WorkflowDigest([0; 32]),
        source: Arc::from(""),
        stages,
    }
}

pub fn queue(max_wait_ms: Option<i64>, ended: u8, expired: Option<u8>) -> Queue {
    Queue {
        max_wait_ms,
        ended: Some(number(ended)),
        expired: expired.map(number),
        declined: None,
    }
}

pub fn alert(to: Audience, text: &str) -> Action {
    Action::Alert {
        to,
        text: text.to_owned(),
    }
}

pub fn check(when: &'static str, then: u8, otherwise: Option<u8>) -> Action {
    Action::Check {
        when: Arc::new(Shown(when)),
        then: Some(number(then)),
        otherwise: otherwise.map(number),
    }
}

/// The workflow that the specification shows.
pub fn car_loan() -> Workflow {
    let backoffice = Audience::Group("backoffice".to_owned());
    let supervisor = Audience::Role(Role::Supervisor);
    let stages = vec![
        stage(
            Event::Received,
            vec![
                Action::Wait {
                    until: Some(Until::Event(Awaited::Updated)),
                    for_ms: Some(30_000),
                    because: Some("credit check is still running".to_owned()),
                },
                Action::CheckOpeningHours {
                    service: None,
                    open: Some(number(2)),
                    closed: Some(number(3)),
                },
            ],
        ),
        stage(
            goto("work"),
            vec![
                Action::SetPriority {
                    to: Priority::new(7).expect("a priority"),
                },
                Action::Queue(queue(Some(4 * HOUR_MS), 9, Some(6))),
            ],
        ),
        stage(
            goto("after-hours"),
            vec![
                alert(backoffice, "Came in after hours"),
                Action::Button {
                    name: "release".to_owned(),
                    label: "Let it in now".to_owned(),
                    to: supervisor.clone(),
                },
                Action::Queue(queue(None, 9, None)),
            ],
        ),
        stage(
            Event::Button {
                name: "release".to_owned(),
            },
            vec![Action::ForceQueue],
        ),
        stage(
            Event::Elapsed {
                when: Elapsed::After { ms: 2 * HOUR_MS },
                within: Some(number(2)),
            },
            vec![Action::RaisePriority { by: 1 }, Action::RelaxSkills],
        ),
        stage(
            goto("too-late"),
            vec![Action::Transfer {
                service: "backoffice".to_owned(),
                ok: Some(number(7)),
                failed: Some(number(8)),
            }],
        ),
        stage(goto("handed-over"), vec![Action::Finish]),
        stage(
            goto("give-up"),
            vec![
                alert(supervisor, "Nobody took it"),
                Action::Cancel { reason: None },
            ],
        ),
        stage(
            goto("done"),
            vec![
                Action::Notify {
                    name: "loanDecided".to_owned(),
                },
                Action::Finish,
            ],
        ),
    ];
    workflow("car-loan", stages)
}

/// Thirty stages with ways back, everything that happens outside, and several that run beside.
pub fn large() -> Workflow {
    let supervisor = Audience::Role(Role::Supervisor);
    let button = |name: &str, label: &str| Action::Button {
        name: name.to_owned(),
        label: label.to_owned(),
        to: Audience::Group("backoffice".to_owned()),
    };
    let pushed = |name: &str| Event::Button {
        name: name.to_owned(),
    };
    let after = |hours: i64, within: Option<u8>| Event::Elapsed {
        when: Elapsed::After {
            ms: hours * HOUR_MS,
        },
        within: within.map(number),
    };
    let wait = |hours: i64| Action::Wait {
        until: None,
        for_ms: Some(hours * HOUR_MS),
        because: None,
    };
    let go = |to: u8| Action::Goto(number(to));
    let stages = vec![
        stage(
            Event::Received,
            vec![
                check("item.priority >= 8", 2, None),
                check("has(data.vip) && data.vip == \"yes\"", 3, Some(4)),
            ],
        ),
        stage(
            goto("urgent"),
            vec![
                alert(supervisor.clone(), "An urgent claim has come in"),
                Action::CheckAvailability {
                    service: None,
                    available: Some(number(5)),
                    busy: Some(number(6)),
                    nobody_signed_in: Some(number(7)),
                },
            ],
        ),
        stage(
            goto("vip"),
            vec![Action::QueueToAgent {
                agent: "anna".to_owned(),
                required: false,
                queue: Queue {
                    declined: Some(number(4)),
                    ..queue(Some(HOUR_MS), 8, Some(4))
                },
            }],
        ),
        stage(
            goto("ordinary"),
            vec![Action::CheckOpeningHours {
                service: None,
                open: Some(number(9)),
                closed: Some(number(10)),
            }],
        ),
        stage(
            goto("at-once"),
            vec![
                Action::SetPriority {
                    to: Priority::new(9).expect("a priority"),
                },
                Action::Queue(queue(Some(HOUR_MS), 8, Some(11))),
            ],
        ),
        stage(
            goto("all-busy"),
            vec![
                button("call-in", "Call somebody in"),
                Action::Queue(queue(Some(HOUR_MS / 2), 8, Some(11))),
            ],
        ),
        stage(
            goto("nobody"),
            vec![
                alert(supervisor.clone(), "Nobody is signed in"),
                wait(1),
                go(2),
            ],
        ),
        stage(
            goto("judged"),
            vec![
                check("item.result == \"approved\"", 12, None),
                check("item.result == \"refused\"", 13, Some(14)),
            ],
        ),
        stage(
            goto("work"),
            vec![Action::Queue(queue(Some(8 * HOUR_MS), 8, Some(11)))],
        ),
        stage(
            goto("night"),
            vec![
                button("release", "Let it in now"),
                Action::Wait {
                    until: Some(Until::LocalTime { minute: 480 }),
                    for_ms: None,
                    because: Some("the office opens at eight".to_owned()),
                },
                go(4),
            ],
        ),
        stage(
            goto("too-late"),
            vec![Action::Transfer {
                service: "backoffice".to_owned(),
                ok: Some(number(15)),
                failed: Some(number(16)),
            }],
        ),
        stage(
            goto("approved"),
            vec![
                Action::Notify {
                    name: "approved".to_owned(),
                },
                Action::StartWorkflow {
                    name: "payment".to_owned(),
                },
                go(17),
            ],
        ),
        stage(
            goto("refused"),
            vec![
                Action::Notify {
                    name: "refused".to_owned(),
                },
                go(17),
            ],
        ),
        stage(
            goto("unclear"),
            vec![
                check("attempts < 3", 4, None),
                alert(supervisor.clone(), "Judged three times without a result"),
                go(16),
            ],
        ),
        stage(
            goto("handed-over"),
            vec![wait(24), check("openAlerts > 0", 18, Some(17))],
        ),
        stage(
            goto("by-hand"),
            vec![
                button("retry", "Try again from the beginning"),
                button("drop", "Drop it"),
                wait(48),
                go(19),
            ],
        ),
        stage(goto("closed"), vec![Action::Finish]),
        stage(
            goto("remind"),
            vec![alert(supervisor, "Alerts are still open"), wait(24), go(17)],
        ),
        stage(
            goto("dropped"),
            vec![Action::Cancel {
                reason: Some("nobody took it in two days".to_owned()),
            }],
        ),
        stage(
            pushed("call-in"),
            vec![alert(
                Audience::Group("standby".to_owned()),
                "You are needed",
            )],
        ),
        stage(pushed("release"), vec![Action::ForceQueue, go(9)]),
        stage(pushed("retry"), vec![go(4)]),
        stage(pushed("drop"), vec![go(19)]),
        stage(
            after(2, Some(9)),
            vec![Action::RaisePriority { by: 1 }, Action::RelaxSkills],
        ),
        stage(after(4, Some(9)), vec![Action::RaisePriority { by: 2 }]),
        stage(after(72, None), vec![go(19)]),
        stage(
            Event::Updated,
            vec![
                Action::SetContactData {
                    key: "changed".to_owned(),
                    value: "yes".to_owned(),
                },
                go(4),
            ],
        ),
        stage(
            Event::Cancelled,
            vec![
                Action::Notify {
                    name: "cancelled".to_owned(),
                },
                Action::Finish,
            ],
        ),
        stage(Event::AgentLost, vec![go(16)]),
        stage(
            Event::Ended {
                result: Some("withdrawn".to_owned()),
            },
            vec![go(17)],
        ),
    ];
    workflow("claims-from-the-web", stages)
}
