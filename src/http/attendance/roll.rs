//! Who is there: what follows from requests, streams and silence. No clock: `now` is an argument,
//! the time since the daemon's start.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::agent::Presence;
use crate::domain::ids::UserId;

/// Silence after which an agent is lost.
pub const LOST_AFTER: Duration = Duration::from_secs(60);

/// What a request is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A program that looks by itself.
    Look,
    /// Somebody who does something.
    Input,
}

/// An agent as the engine shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub user: UserId,
    /// Its presence.
    pub presence: Presence,
    /// What it has in hand.
    pub hands: Hands,
    /// After so long without input it is away; `None`: never.
    pub idle_after: Option<Duration>,
}

/// What an agent has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// Nothing.
    Empty,
    /// An offer rings.
    Ringing,
    /// An item, or work after one: whoever has that is not idle.
    Busy,
}

/// What silence has made of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallen {
    /// It is lost: the engine is to be told, then [`Roll::lost`] is to be asked.
    Lost(UserId),
    /// It is away.
    Idle(UserId),
}

/// Why somebody is offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    /// No reason is known: there, or not yet there since the daemon's start.
    Unknown,
    /// It said so.
    OwnWord,
    /// The engine is being told that it is lost.
    Losing { since: Duration, before: Presence },
    /// It is lost; its presence comes back with it.
    Lost { before: Presence },
}

struct Record {
    streams: usize,
    /// The last request, or the end of the last stream.
    seen: Duration,
    /// The last input.
    input: Duration,
    absence: Absence,
    asks_reason: bool,
}

/// See the module.
#[derive(Default)]
pub struct Roll {
    records: BTreeMap<UserId, Record>,
}

impl Roll {
    fn record(&mut self, user: UserId, now: Duration) -> &mut Record {
        self.records.entry(user).or_insert(Record {
            streams: 0,
            seen: now,
            input: now,
            absence: Absence::Unknown,
            asks_reason: false,
        })
    }

    /// A request came: the presence that comes back with it, if it does.
    pub fn requested(&mut self, user: UserId, sign: Sign, now: Duration) -> Option<Presence> {
        let record = self.record(user, now);
        record.seen = now;
        match sign {
            Sign::Input => record.input = now,
            Sign::Look => {}
        }
        record.come_back(now)
    }

    /// A request came from somebody who is offline with an item in hand: the presence to set, unless
    /// it said so itself. A start of the daemon forgets presence, and the item must not be taken
    /// from whoever goes on working on it.
    pub fn found(&self, user: UserId) -> Option<Presence> {
        let record = self.records.get(&user)?;
        (record.absence == Absence::Unknown).then_some(Presence::Online)
    }

    /// A stream was opened by somebody whom the engine shows with that `presence` (`None`: no
    /// agent): the presence to set, if one is.
    pub fn opened(
        &mut self,
        user: UserId,
        presence: Option<Presence>,
        now: Duration,
    ) -> Option<Presence> {
        let record = self.record(user, now);
        record.seen = now;
        record.streams += 1;
        let back = record.come_back(now);
        let arrives = presence == Some(Presence::Offline) && record.absence == Absence::Unknown;
        back.or(arrives.then_some(Presence::Online))
    }

    /// A stream has ended.
    pub fn closed(&mut self, user: UserId, now: Duration) {
        let record = self.record(user, now);
        record.streams = record.streams.saturating_sub(1);
        record.seen = now;
    }

    /// Somebody said what the presence is, or why they were away.
    pub fn told(
        &mut self,
        user: UserId,
        presence: Option<Presence>,
        gives_reason: bool,
        now: Duration,
    ) {
        let record = self.record(user, now);
        record.asks_reason &= !gives_reason && presence != Some(Presence::Online);
        record.absence = match (record.absence, presence) {
            (absence, None) => absence,
            (_, Some(Presence::Offline)) => Absence::OwnWord,
            // The engine may get to know it before it gets to know the loss.
            (Absence::Losing { since, .. }, Some(before)) => {
                record.seen = now;
                Absence::Losing { since, before }
            }
            (_, Some(Presence::Online | Presence::Busy | Presence::Away)) => Absence::Unknown,
        };
    }

    /// Whom silence has made something else, as of what the engine shows of all agents.
    pub fn fallen(&mut self, agents: &[Seen], now: Duration) -> Vec<Fallen> {
        let mut fallen = Vec::new();
        for agent in agents {
            if agent.presence == Presence::Offline {
                continue;
            }
            let record = self.record(agent.user, now);
            if agent.hands == Hands::Busy {
                record.input = now;
            }
            let silent = now.saturating_sub(record.seen) >= LOST_AFTER;
            if record.streams == 0 && silent {
                record.absence = Absence::Losing {
                    since: now,
                    before: agent.presence,
                };
                fallen.push(Fallen::Lost(agent.user));
                continue;
            }
            let idle = now.saturating_sub(record.input);
            let is_idle = agent.idle_after.is_some_and(|after| idle >= after);
            if is_idle && agent.presence == Presence::Online && agent.hands == Hands::Empty {
                record.asks_reason = true;
                fallen.push(Fallen::Idle(agent.user));
            }
        }
        self.forget_strangers(agents);
        fallen
    }

    /// The engine knows that the agent is lost: the presence to set at once, if it has come back
    /// in the meantime.
    pub fn lost(&mut self, user: UserId) -> Option<Presence> {
        let record = self.records.get_mut(&user)?;
        let Absence::Losing { since, before } = record.absence else {
            return None;
        };
        if record.seen > since || record.streams > 0 {
            record.absence = Absence::Unknown;
            return Some(before);
        }
        record.absence = Absence::Lost { before };
        None
    }

    /// The presence that was to be set could not be: it is to come back with the next sign.
    pub fn not_set(&mut self, user: UserId, before: Presence) {
        if let Some(record) = self.records.get_mut(&user)
            && record.absence == Absence::Unknown
        {
            record.absence = Absence::Lost { before };
        }
    }

    /// Whether the agent was made away and has not said why.
    pub fn asks_reason(&self, user: UserId) -> bool {
        let record = self.records.get(&user);
        record.is_some_and(|record| record.asks_reason)
    }

    /// Whoever is no agent any longer and has no stream needs no record.
    fn forget_strangers(&mut self, agents: &[Seen]) {
        let known: std::collections::BTreeSet<UserId> =
            agents.iter().map(|agent| agent.user).collect();
        self.records
            .retain(|user, record| record.streams > 0 || known.contains(user));
    }
}

impl Record {
    fn come_back(&mut self, now: Duration) -> Option<Presence> {
        let Absence::Lost { before } = self.absence else {
            return None;
        };
        self.absence = Absence::Unknown;
        self.input = now;
        Some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: UserId = UserId(1);
    const IDLE_AFTER: Duration = Duration::from_secs(600);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn anna(presence: Presence) -> Seen {
        Seen {
            user: ANNA,
            presence,
            hands: Hands::Empty,
            idle_after: Some(IDLE_AFTER),
        }
    }

    #[test]
    fn silence_of_a_minute_loses_an_agent_without_a_stream() {
        let mut roll = Roll::default();
        roll.requested(ANNA, Sign::Look, s(10));
        let online = [anna(Presence::Online)];
        assert_eq!(roll.fallen(&online, s(69)), []);
        assert_eq!(roll.fallen(&online, s(70)), [Fallen::Lost(ANNA)]);
        assert_eq!(roll.lost(ANNA), None);
        assert_eq!(roll.fallen(&[anna(Presence::Offline)], s(200)), []);
    }

    #[test]
    fn a_stream_keeps_its_agent_for_as_long_as_it_is_open() {
        let mut roll = Roll::default();
        let arrived = roll.opened(ANNA, Some(Presence::Online), s(0));
        assert_eq!(arrived, None);
        let online = [Seen {
            idle_after: None,
            ..anna(Presence::Online)
        }];
        assert_eq!(roll.fallen(&online, s(3_000)), []);
        roll.opened(ANNA, Some(Presence::Online), s(3_000));
        roll.closed(ANNA, s(3_001));
        assert_eq!(roll.fallen(&online, s(4_000)), []);
        roll.closed(ANNA, s(4_000));
        assert_eq!(roll.fallen(&online, s(4_059)), []);
        assert_eq!(roll.fallen(&online, s(4_060)), [Fallen::Lost(ANNA)]);
    }

    #[test]
    fn an_agent_that_nobody_saw_has_a_minute_to_be_seen() {
        let mut roll = Roll::default();
        let online = [anna(Presence::Online)];
        assert_eq!(roll.fallen(&online, s(1_000)), []);
        assert_eq!(roll.fallen(&online, s(1_059)), []);
        assert_eq!(roll.fallen(&online, s(1_060)), [Fallen::Lost(ANNA)]);
    }

    fn lose(roll: &mut Roll, before: Presence) {
        roll.requested(ANNA, Sign::Look, s(0));
        assert_eq!(
            roll.fallen(&[anna(before)], s(60)),
            [Fallen::Lost(ANNA)],
            "it is lost"
        );
        assert_eq!(roll.lost(ANNA), None);
    }

    #[test]
    fn presence_comes_back_once_with_a_request_or_a_stream() {
        for before in [Presence::Online, Presence::Busy, Presence::Away] {
            let mut roll = Roll::default();
            lose(&mut roll, before);
            assert_eq!(roll.requested(ANNA, Sign::Look, s(90)), Some(before));
            assert_eq!(roll.requested(ANNA, Sign::Look, s(91)), None);
            let mut roll = Roll::default();
            lose(&mut roll, before);
            let offline = Some(Presence::Offline);
            assert_eq!(roll.opened(ANNA, offline, s(90)), Some(before));
            assert_eq!(roll.requested(ANNA, Sign::Input, s(91)), None);
        }
    }

    #[test]
    fn whoever_comes_back_while_being_lost_is_there_again() {
        let mut roll = Roll::default();
        roll.requested(ANNA, Sign::Look, s(0));
        roll.fallen(&[anna(Presence::Busy)], s(60));
        assert_eq!(roll.requested(ANNA, Sign::Look, s(61)), None);
        assert_eq!(roll.lost(ANNA), Some(Presence::Busy));
        assert_eq!(roll.lost(ANNA), None);
    }

    #[test]
    fn a_word_said_while_being_lost_counts() {
        for (word, expected) in [
            (Presence::Online, Some(Presence::Online)),
            (Presence::Offline, None),
        ] {
            let mut roll = Roll::default();
            roll.requested(ANNA, Sign::Look, s(0));
            roll.fallen(&[anna(Presence::Busy)], s(60));
            roll.told(ANNA, Some(word), false, s(61));
            assert_eq!(roll.lost(ANNA), expected);
        }
    }

    #[test]
    fn a_stream_makes_online_unless_one_went_offline_by_ones_own_word() {
        let offline = Some(Presence::Offline);
        let mut roll = Roll::default();
        assert_eq!(roll.requested(ANNA, Sign::Look, s(0)), None);
        assert_eq!(roll.opened(ANNA, offline, s(1)), Some(Presence::Online));
        roll.told(ANNA, Some(Presence::Offline), false, s(2));
        assert_eq!(roll.opened(ANNA, offline, s(3)), None);
        assert_eq!(roll.requested(ANNA, Sign::Input, s(4)), None);
        roll.told(ANNA, Some(Presence::Online), false, s(5));
        assert_eq!(roll.opened(ANNA, Some(Presence::Online), s(6)), None);
        let mut roll = Roll::default();
        assert_eq!(roll.opened(ANNA, None, s(0)), None, "no agent");
    }

    #[test]
    fn whoever_is_found_at_work_is_there_unless_it_said_otherwise() {
        let mut roll = Roll::default();
        assert_eq!(roll.found(ANNA), None, "nobody saw it");
        roll.requested(ANNA, Sign::Look, s(0));
        assert_eq!(roll.found(ANNA), Some(Presence::Online));
        roll.told(ANNA, Some(Presence::Offline), false, s(1));
        assert_eq!(roll.found(ANNA), None);
    }

    #[test]
    fn whoever_said_offline_after_being_lost_stays_offline() {
        let mut roll = Roll::default();
        lose(&mut roll, Presence::Online);
        roll.told(ANNA, Some(Presence::Offline), false, s(70));
        assert_eq!(roll.requested(ANNA, Sign::Look, s(80)), None);
        assert_eq!(roll.opened(ANNA, Some(Presence::Offline), s(81)), None);
    }

    #[test]
    fn a_presence_that_could_not_be_set_comes_back_later() {
        let mut roll = Roll::default();
        lose(&mut roll, Presence::Busy);
        let back = roll.requested(ANNA, Sign::Look, s(90));
        roll.not_set(ANNA, back.expect("it was lost"));
        assert_eq!(
            roll.requested(ANNA, Sign::Look, s(91)),
            Some(Presence::Busy)
        );
    }

    #[test]
    fn no_input_makes_away_and_asks_for_a_reason() {
        let mut roll = Roll::default();
        let online = [anna(Presence::Online)];
        roll.opened(ANNA, Some(Presence::Online), s(0));
        roll.requested(ANNA, Sign::Input, s(100));
        roll.requested(ANNA, Sign::Look, s(650));
        assert_eq!(roll.fallen(&online, s(699)), []);
        assert!(!roll.asks_reason(ANNA));
        assert_eq!(roll.fallen(&online, s(700)), [Fallen::Idle(ANNA)]);
        assert!(roll.asks_reason(ANNA));
        assert_eq!(roll.fallen(&[anna(Presence::Away)], s(800)), []);
        roll.requested(ANNA, Sign::Input, s(801));
        assert!(roll.asks_reason(ANNA), "an input is no reason");
    }

    #[test]
    fn a_reason_or_being_online_is_the_answer_to_the_question() {
        for (presence, gives_reason, asks) in [
            (None, false, true),
            (Some(Presence::Busy), false, true),
            (None, true, false),
            (Some(Presence::Online), false, false),
            (Some(Presence::Busy), true, false),
        ] {
            let mut roll = Roll::default();
            roll.opened(ANNA, Some(Presence::Online), s(0));
            roll.fallen(&[anna(Presence::Online)], s(600));
            roll.told(ANNA, presence, gives_reason, s(601));
            assert_eq!(roll.asks_reason(ANNA), asks, "{presence:?} {gives_reason}");
        }
    }

    #[test]
    fn work_in_hand_is_not_idle() {
        let mut roll = Roll::default();
        roll.opened(ANNA, Some(Presence::Online), s(0));
        let with = |hands| {
            [Seen {
                hands,
                ..anna(Presence::Online)
            }]
        };
        assert_eq!(roll.fallen(&with(Hands::Busy), s(1_000)), []);
        assert_eq!(roll.fallen(&with(Hands::Empty), s(1_599)), []);
        assert_eq!(roll.fallen(&with(Hands::Ringing), s(1_600)), []);
        let fallen = roll.fallen(&with(Hands::Empty), s(1_601));
        assert_eq!(fallen, [Fallen::Idle(ANNA)]);
    }

    #[test]
    fn only_who_is_online_becomes_away_and_only_where_it_is_asked_for() {
        let mut roll = Roll::default();
        roll.opened(ANNA, Some(Presence::Online), s(0));
        for presence in [Presence::Busy, Presence::Away, Presence::Offline] {
            assert_eq!(roll.fallen(&[anna(presence)], s(9_000)), []);
        }
        let never = Seen {
            idle_after: None,
            ..anna(Presence::Online)
        };
        assert_eq!(roll.fallen(&[never], s(9_000)), []);
    }

    #[test]
    fn who_is_no_agent_is_forgotten_once_the_streams_are_closed() {
        let mut roll = Roll::default();
        roll.opened(ANNA, None, s(0));
        roll.fallen(&[], s(1));
        assert_eq!(roll.records.len(), 1);
        roll.closed(ANNA, s(2));
        roll.fallen(&[], s(3));
        assert!(roll.records.is_empty());
    }
}
