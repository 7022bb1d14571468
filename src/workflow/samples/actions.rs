//! The actions of random workflows.

use std::fmt::Write;

use super::{CONDITIONS, DURATIONS, EVENTS_AWAITED, INSTANTS, Maker, Place, TIMES_OF_DAY};

impl Maker<'_> {
    /// Any action after which the next may come. Returns whether it surely pauses.
    pub(super) fn one(&mut self, place: Place) -> bool {
        let kinds = if place.beside { 11 } else { 16 };
        match self.roll(kinds) {
            0 => {
                let to = self.roll(10);
                self.plain(&format!("setPriority to=\"{to}\""));
            }
            1 => {
                let by = 1 + self.roll(9);
                self.plain(&format!("raisePriority by=\"{by}\""));
            }
            2 => {
                let key = self.dice.pick(self.around.keys);
                let value = self.roll(4);
                self.plain(&format!("setContactData key=\"{key}\" value=\"{value}\""));
            }
            3 => {
                let (to, number) = (self.audience(), self.roll(100));
                self.plain(&format!("alert to=\"{to}\" text=\"Look at {number}\""));
            }
            4 => {
                let number = self.roll(4);
                self.plain(&format!("notify name=\"n{number}\""));
            }
            5 => match self.around.workflows {
                [] => self.plain("relaxSkills"),
                workflows => {
                    let name = self.dice.pick(workflows);
                    self.plain(&format!("startWorkflow name=\"{name}\""));
                }
            },
            6 => self.plain("forceQueue"),
            7 => self.plain("relaxSkills"),
            8 => self.check_hours(place),
            9 => self.check_staff(place),
            10 => self.check(place),
            11 | 12 => return self.wait(),
            13 => return self.queue(place, None),
            14 => return self.transfer(place),
            _ => match self.buttons.first().cloned() {
                Some(button) if place.stage <= self.gotos => self.show(&button),
                Some(_) | None => return self.wait(),
            },
        }
        false
    }

    fn plain(&mut self, action: &str) {
        let _ = writeln!(self.text, "<{action}/>");
    }

    fn with_exits(&mut self, action: &str, exits: &[String]) {
        let name = action.split(' ').next().unwrap_or_default();
        let _ = writeln!(self.text, "<{action}>{}</{name}>", exits.concat());
    }

    fn at_service(&mut self) -> String {
        match self.roll(2) {
            0 => String::new(),
            _ => format!(" service=\"{}\"", self.dice.pick(self.around.services)),
        }
    }

    fn check_hours(&mut self, place: Place) {
        let service = self.at_service();
        let (first, second) = match self.roll(2) {
            0 => ("open", "closed"),
            _ => ("closed", "open"),
        };
        let exits = [self.exit(first, place), self.maybe(second, place)];
        self.decide(&format!("checkOpeningHours{service}"), &exits);
    }

    fn check_staff(&mut self, place: Place) {
        let service = self.at_service();
        let exits = [
            self.exit("busy", place),
            self.maybe("available", place),
            self.maybe("nobodySignedIn", place),
        ];
        self.decide(&format!("checkAvailability{service}"), &exits);
    }

    fn check(&mut self, place: Place) {
        let when = self.dice.pick(&CONDITIONS);
        let (first, second) = match self.roll(2) {
            0 => ("then", "otherwise"),
            _ => ("otherwise", "then"),
        };
        let exits = [self.exit(first, place), self.maybe(second, place)];
        self.decide(&format!("check when='{when}'"), &exits);
    }

    /// A check that leads nowhere decides nothing, and after one that always leads somewhere nothing
    /// may come.
    fn decide(&mut self, action: &str, exits: &[String]) {
        let linked = exits.iter().filter(|exit| !exit.is_empty()).count();
        match linked {
            0 => self.plain("relaxSkills"),
            linked if linked == exits.len() => self.with_exits(action, &exits[..1]),
            _ => self.with_exits(action, exits),
        }
    }

    fn wait(&mut self) -> bool {
        let time = self.dice.pick(&DURATIONS);
        let because = match self.roll(2) {
            0 => "",
            _ => " because=\"so it is\"",
        };
        let limit = match self.roll(2) {
            0 => String::new(),
            _ => format!(" for=\"{time}\""),
        };
        let (until, pauses) = match self.roll(7) {
            0 | 1 => (format!("for=\"{time}\""), true),
            2 => {
                let at = self.dice.pick(&TIMES_OF_DAY);
                (format!("until=\"{at}\"{limit}"), true)
            }
            3 => {
                let at = self.dice.pick(&INSTANTS);
                (format!("until=\"{at}\"{limit}"), false)
            }
            4 => (format!("until=\"dueBy\"{limit}"), false),
            5 => (format!("until=\"opening\" for=\"{time}\""), false),
            _ => {
                let event = self.dice.pick(&EVENTS_AWAITED);
                let pauses = event != "acknowledged";
                (format!("until=\"{event}\" for=\"{time}\""), pauses)
            }
        };
        self.plain(&format!("wait {until}{because}"));
        pauses
    }

    /// With where its end leads; `None`: on with the next action. Behind the queue every stage may
    /// come again.
    fn queue(&mut self, place: Place, ended: Option<String>) -> bool {
        let place = Place {
            paused: true,
            ..place
        };
        let time = self.dice.pick(&DURATIONS);
        let mut exits = vec![ended.unwrap_or_default()];
        let mut limit = String::new();
        if self.roll(2) == 0 {
            limit = format!(" maxWait=\"{time}\"");
            exits.push(self.exit("expired", place));
        }
        if self.roll(3) == 0 {
            exits.push(self.exit("declined", place));
        }
        let action = match self.roll(3) {
            0 => {
                let agent = self.dice.pick(self.around.agents);
                let required = self
                    .dice
                    .pick(&["", " required=\"false\"", " required=\"true\""]);
                format!("queueToAgent agent=\"{agent}\"{required}{limit}")
            }
            _ => format!("queue{limit}"),
        };
        self.with_exits(&action, &exits);
        true
    }

    fn transfer(&mut self, place: Place) -> bool {
        let Some(failed) = self.target(place) else {
            return self.wait();
        };
        let service = self.dice.pick(self.around.services);
        let failed = format!("<failed goto=\"{failed}\"/>");
        self.with_exits(&format!("transfer service=\"{service}\""), &[failed]);
        false
    }

    /// The last of a stage.
    pub(super) fn leave(&mut self, place: Place) {
        let next = (place.stage < self.gotos).then(|| format!("s{}", place.stage + 1));
        let Some(next) = next else {
            return self.leave_for_good(place);
        };
        let ended = format!("<ended goto=\"{next}\"/>");
        let other = |maker: &mut Self, word| maker.exit(word, place);
        match self.roll(8) {
            0..=2 => {
                self.queue(place, Some(ended));
            }
            3 => {
                let exits = [format!("<then goto=\"{next}\"/>"), other(self, "otherwise")];
                let when = self.dice.pick(&CONDITIONS);
                self.with_exits(&format!("check when='{when}'"), &exits);
            }
            4 => {
                let exits = [format!("<open goto=\"{next}\"/>"), other(self, "closed")];
                self.with_exits("checkOpeningHours", &exits);
            }
            5 => {
                let service = self.dice.pick(self.around.services);
                let exits = [format!("<failed goto=\"{next}\"/>"), other(self, "ok")];
                self.with_exits(&format!("transfer service=\"{service}\""), &exits);
            }
            _ => self.plain(&format!("goto name=\"{next}\"")),
        }
    }

    fn leave_for_good(&mut self, place: Place) {
        let target = self.target(place).filter(|_| place.paused);
        match (self.roll(5), target) {
            (0, _) => self.plain("cancel reason=\"enough\""),
            (1, _) => self.plain("cancel"),
            (2 | 3, Some(target)) => self.plain(&format!("goto name=\"{target}\"")),
            // An end that leads nowhere: it is refused.
            (2, None) if self.spoils(4) => self.plain("notify name=\"nowhere\""),
            _ => self.plain("finish"),
        }
    }
}
