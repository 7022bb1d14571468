//! Random workflows from a seed: every event, every action, every way to wait. Most obey every rule
//! of the checker; here and there one is broken, so that whoever wants one that passes has to ask.

use std::fmt::Write;
use std::sync::Arc;

use crate::domain::workflow::Workflow;

use super::{Known, NAMESPACE, load};

mod actions;
mod tests;

/// What a random workflow may name outside itself. Nothing here is empty but `workflows`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    pub services: &'a [&'a str],
    pub agents: &'a [&'a str],
    pub groups: &'a [&'a str],
    pub keys: &'a [&'a str],
    /// Those that it may start.
    pub workflows: &'a [&'a str],
}

const DURATIONS: [&str; 8] = [
    "PT1S", "PT30S", "PT1M", "PT5M", "PT20M", "PT1H", "PT4H", "P1D",
];
const TIMES_OF_DAY: [&str; 4] = ["00:00", "08:30", "12:01", "23:59"];
const INSTANTS: [&str; 3] = [
    "2026-11-20T13:00:00+01:00",
    "2026-11-20T14:30:00Z",
    "2026-11-22T08:00:00+02:00",
];
const EVENTS_AWAITED: [&str; 5] = ["updated", "accepted", "ended", "agentLost", "acknowledged"];
const ROLES: [&str; 3] = ["agent", "supervisor", "admin"];
/// Results of task types, and one that none has.
const RESULTS: [&str; 3] = ["done", "sent", "other"];

/// Together they look at every fact; some cannot be evaluated for every item.
pub(crate) const CONDITIONS: [&str; 26] = [
    "item.priority &gt;= 5",
    "item.chargeable",
    "item.state == \"queued\" || item.state == \"inWorkflow\"",
    "has(item.result) &amp;&amp; item.result == \"done\"",
    "item.result == \"done\"",
    "item.receivedAt + 60 &lt; now",
    "has(item.dueBy) &amp;&amp; item.dueBy &lt; now",
    "item.reference.endsWith(\"1\")",
    "has(item.title) &amp;&amp; item.title.startsWith(\"title\")",
    "has(item.taskType)",
    "has(item.origin) || size(item.tags) &gt; 0",
    "has(item.customer.name) || has(item.customer.phone)",
    "has(data.phone) &amp;&amp; data.phone == \"1\"",
    "data.phone == \"2\"",
    "service.name == \"loans\"",
    "service.open",
    "service.queued &gt; 1",
    "service.buffered &gt; 0",
    "service.available &gt; 0 || service.signedIn &gt; 2",
    "position == 1",
    "waited &gt; 120",
    "attempts &gt; 0",
    "openAlerts &gt; 0",
    "woken == \"time\"",
    "woken == \"updated\" || woken == \"\"",
    "time.hour &gt;= 13 &amp;&amp; time.weekday &lt; 6 &amp;&amp; time.minute % 2 == 0",
];

/// The workflow of a seed, or of the next that passes.
pub(crate) fn passing(name: &str, seed: u64, around: &Around<'_>) -> Arc<Workflow> {
    let mut seed = seed.wrapping_mul(1_000_003);
    loop {
        if let Ok(workflow) = load(&source(name, seed, around), &around.known(name)) {
            return Arc::new(workflow);
        }
        seed = seed.wrapping_add(1);
    }
}

/// The file of a seed. It may break a rule.
pub(crate) fn source(name: &str, seed: u64, around: &Around<'_>) -> String {
    let mut dice = Dice(seed);
    let gotos = 1 + dice.roll(5);
    let buttons = dice.roll(3);
    let mut maker = Maker {
        around,
        gotos,
        to_show: (1..=buttons).map(|number| format!("b{number}")).collect(),
        buttons: (1..=buttons).map(|number| format!("b{number}")).collect(),
        dice,
        text: format!("<workflow xmlns=\"{NAMESPACE}\" name=\"{name}\">\n"),
    };
    maker.whole();
    maker.text.push_str("</workflow>\n");
    maker.text
}

impl Around<'_> {
    /// The same for the checker. Keys are not declared.
    pub(crate) fn known(&self, name: &str) -> Known {
        let names = |names: &[&str]| Some(names.iter().map(|it| (*it).to_owned()).collect());
        let mut known = Known {
            services: names(self.services),
            keys: None,
            agents: names(self.agents),
            groups: names(self.groups),
            workflows: names(self.workflows),
        };
        let workflows = known.workflows.iter_mut();
        workflows.for_each(|it| {
            it.insert(name.to_owned());
        });
        known
    }
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub(crate) fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.roll(options.len() as u64) as usize]
    }
}

/// Where in a workflow an action is to stand.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// `received` is 0, goto stages follow; others stand after all of them.
    stage: u64,
    /// Something before it in the stage surely paused, or nothing leads to the stage.
    paused: bool,
    beside: bool,
}

struct Maker<'a> {
    around: &'a Around<'a>,
    gotos: u64,
    buttons: Vec<String>,
    /// Buttons that no stage shows yet.
    to_show: Vec<String>,
    dice: Dice,
    text: String,
}

impl Maker<'_> {
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice.roll(sides)
    }

    /// Whether a rule is broken here: once in so many times.
    fn spoils(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    fn whole(&mut self) {
        for stage in 0..=self.gotos {
            match stage {
                0 => self.open("on=\"received\""),
                _ => self.open(&format!("on=\"goto\" name=\"s{stage}\"")),
            }
            self.stage(stage);
        }
        for button in self.buttons.clone() {
            self.open(&format!("on=\"button\" name=\"{button}\""));
            self.beside_stage();
        }
        for _ in 0..self.roll(3) {
            let how = self.dice.pick(&["after", "beforeDue", "afterDue"]);
            let time = self.dice.pick(&DURATIONS);
            let within = match self.roll(4) {
                0 => String::new(),
                1 => " in=\"received\"".to_owned(),
                _ => format!(" in=\"s{}\"", 1 + self.roll(self.gotos)),
            };
            self.open(&format!("on=\"elapsed\" {how}=\"{time}\"{within}"));
            self.beside_stage();
        }
        for event in ["updated", "accepted", "cancelled", "expired", "agentLost"] {
            if self.roll(4) == 0 {
                self.open(&format!("on=\"{event}\""));
                self.stage(u64::MAX);
            }
        }
        if self.roll(4) == 0 {
            self.open("on=\"ended\"");
            self.stage(u64::MAX);
        }
        if self.roll(4) == 0 {
            let result = self.dice.pick(&RESULTS);
            self.open(&format!("on=\"ended\" result=\"{result}\""));
            self.stage(u64::MAX);
        }
    }

    fn open(&mut self, event: &str) {
        let _ = writeln!(self.text, "<event {event}>");
    }

    /// A stage that must leave. Those of the chain lead to the next of it.
    fn stage(&mut self, stage: u64) {
        let mut place = Place {
            stage,
            paused: stage > self.gotos,
            beside: false,
        };
        for _ in 0..self.roll(4) {
            place.paused |= self.one(place);
        }
        let last_chance = stage == self.gotos;
        if !self.to_show.is_empty() && (last_chance || self.roll(2) == 0) && stage <= self.gotos {
            let shown = if last_chance { self.to_show.len() } else { 1 };
            // Now and then one is forgotten.
            let shown = shown - usize::from(last_chance && self.spoils(12));
            for button in self.to_show.drain(..shown).collect::<Vec<_>>() {
                self.show(&button);
            }
        }
        self.leave(place);
        self.text.push_str("</event>\n");
    }

    fn beside_stage(&mut self) {
        let place = Place {
            stage: u64::MAX,
            paused: true,
            beside: true,
        };
        for _ in 0..1 + self.roll(2) {
            self.one(place);
        }
        if self.roll(3) == 0 {
            self.leave(place);
        }
        self.text.push_str("</event>\n");
    }

    fn show(&mut self, button: &str) {
        let to = self.audience();
        let _ = writeln!(
            self.text,
            "<button name=\"{button}\" label=\"Push {button}\" to=\"{to}\"/>"
        );
    }

    fn audience(&mut self) -> String {
        match self.roll(2) {
            0 => self.dice.pick(&ROLES).to_owned(),
            _ => self.dice.pick(self.around.groups).to_owned(),
        }
    }

    /// Some goto stage that this place may lead to.
    fn target(&mut self, place: Place) -> Option<String> {
        let first = match place.paused || self.spoils(40) {
            true => 1,
            false => place.stage + 1,
        };
        let count = (self.gotos + 1).checked_sub(first)?;
        (count > 0).then(|| format!("s{}", first + self.roll(count)))
    }

    fn exit(&mut self, word: &str, place: Place) -> String {
        let target = self.target(place);
        target.map_or(String::new(), |to| format!("<{word} goto=\"{to}\"/>"))
    }

    /// The same, or nothing now and then.
    fn maybe(&mut self, word: &str, place: Place) -> String {
        match self.roll(2) {
            0 => String::new(),
            _ => self.exit(word, place),
        }
    }
}
