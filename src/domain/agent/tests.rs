//! Every layer of an agent's state, alone and over the ones below it.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_000);
const LOANS: ServiceId = ServiceId(1);

/// Online, active in `loans`, nothing to do.
fn ready() -> Factors {
    Factors {
        presence: Presence::Online,
        active: [LOANS].into(),
        ..Factors::default()
    }
}

fn wrap_up(until: i64) -> Unit {
    Unit::WrapUp {
        until: Timestamp(until),
        extended: false,
    }
}

fn working(units: &[Unit]) -> Factors {
    Factors {
        units: units
            .iter()
            .zip(1..)
            .map(|(unit, number)| (Sequence(number), *unit))
            .collect(),
        capacity: CAPACITY_MAX,
        ..ready()
    }
}

fn on_a_break() -> Option<Block> {
    let reason = "break".to_owned();
    Some(Block::NotAvailable { reason })
}

fn may(factors: &Factors) -> Result<(), NotSelectable> {
    selectable(factors, LOANS, &Selection::default(), NOW)
}

#[test]
fn offline_wins_over_everything() {
    let factors = Factors {
        presence: Presence::Offline,
        block: on_a_break(),
        ..working(&[Unit::Ringing, Unit::Connected])
    };
    assert_eq!(state(&factors, NOW), AgentState::Offline);
    assert_eq!(may(&factors), Err(NotSelectable::Offline));
}

#[test]
fn ringing_shows_over_connected_and_connected_over_wrap_up() {
    let all = working(&[wrap_up(2_000), Unit::Connected, Unit::Ringing]);
    assert_eq!(state(&all, NOW), AgentState::Ringing);
    let two = working(&[wrap_up(2_000), Unit::Connected]);
    assert_eq!(state(&two, NOW), AgentState::Connected);
}

#[test]
fn wrap_up_shows_the_latest_end_and_is_over_to_the_millisecond() {
    let factors = working(&[wrap_up(1_500), wrap_up(2_000)]);
    let until = Timestamp(2_000);
    assert_eq!(state(&factors, NOW), AgentState::WrapUp { until });
    assert_eq!(
        state(&factors, Timestamp(1_999)),
        AgentState::WrapUp { until }
    );
    assert_eq!(state(&factors, until), AgentState::Ready);
    assert_eq!(factors.units_taken(until), 0);
}

#[test]
fn work_shows_over_not_available_but_blocks_new_offers_all_the_same() {
    let factors = Factors {
        block: on_a_break(),
        ..working(&[Unit::Connected])
    };
    assert_eq!(state(&factors, NOW), AgentState::Connected);
    assert_eq!(
        may(&factors),
        Err(NotSelectable::NotAvailable("break".to_owned()))
    );
}

#[test]
fn not_available_shows_over_away() {
    let factors = Factors {
        presence: Presence::Away,
        block: on_a_break(),
        ..ready()
    };
    assert_eq!(state(&factors, NOW).name(), "notAvailable");
}

#[test]
fn no_answer_holds_until_its_time_or_until_the_agent_is_ready() {
    let until = Some(Timestamp(1_001));
    let timed = Factors {
        block: Some(Block::NoAnswer { until }),
        ..ready()
    };
    assert_eq!(state(&timed, NOW), AgentState::NoAnswer { until });
    assert_eq!(may(&timed), Err(NotSelectable::NoAnswer));
    assert_eq!(state(&timed, Timestamp(1_001)), AgentState::Ready);
    let open = Factors {
        block: Some(Block::NoAnswer { until: None }),
        ..ready()
    };
    let much_later = Timestamp(i64::MAX);
    assert_eq!(state(&open, much_later).name(), "noAnswer");
}

#[test]
fn a_service_says_in_which_presence_it_offers() {
    let both = Selection {
        offer_when: [Presence::Online, Presence::Busy].into(),
        ..Selection::default()
    };
    for presence in Presence::ALL {
        let factors = Factors {
            presence,
            ..ready()
        };
        assert_eq!(may(&factors).is_ok(), presence == Presence::Online);
        let wider = selectable(&factors, LOANS, &both, NOW).is_ok();
        let offered = [Presence::Online, Presence::Busy].contains(&presence);
        assert_eq!(wider, offered, "{presence:?}");
    }
}

#[test]
fn offline_is_never_selectable_even_where_a_service_says_so() {
    let absurd = Selection {
        offer_when: Presence::ALL.into(),
        ..Selection::default()
    };
    let factors = Factors {
        presence: Presence::Offline,
        ..ready()
    };
    let result = selectable(&factors, LOANS, &absurd, NOW);
    assert_eq!(result, Err(NotSelectable::Offline));
}

#[test]
fn a_service_asks_for_its_toggle_or_for_duty() {
    let by_duty = Selection {
        selectable_by: SelectableBy::Duty,
        ..Selection::default()
    };
    let on = Duty::On { profile: None };
    for (active, duty) in [(true, Duty::Off), (false, on.clone()), (true, on)] {
        let factors = Factors {
            active: active.then_some(LOANS).into_iter().collect(),
            duty: duty.clone(),
            ..ready()
        };
        assert_eq!(may(&factors).is_ok(), active);
        let result = selectable(&factors, LOANS, &by_duty, NOW);
        assert_eq!(result.is_ok(), duty != Duty::Off);
    }
}

#[test]
fn active_in_one_service_is_not_active_in_another() {
    let other = selectable(&ready(), ServiceId(2), &Selection::default(), NOW);
    assert_eq!(other, Err(NotSelectable::NotActive));
}

#[test]
fn neither_active_nor_on_duty_is_off_duty() {
    let factors = Factors {
        active: BTreeSet::new(),
        ..ready()
    };
    assert_eq!(state(&factors, NOW), AgentState::OffDuty);
}

#[test]
fn capacity_is_full_at_its_limit_and_not_before() {
    for (units, room) in [(2, true), (3, false), (4, false)] {
        let factors = Factors {
            capacity: 3,
            ..working(&vec![Unit::Connected; units])
        };
        assert_eq!(may(&factors).is_ok(), room, "{units}");
        assert_eq!(present(&factors, LOANS, &Selection::default(), NOW), Ok(()));
    }
}

#[test]
fn names_lead_back() {
    for presence in Presence::ALL {
        assert_eq!(Presence::parse(presence.name()), Some(presence));
    }
    for by in [SelectableBy::Active, SelectableBy::Duty] {
        assert_eq!(SelectableBy::parse(by.name()), Some(by));
    }
}

fn any_unit() -> impl Strategy<Value = Unit> {
    prop_oneof![
        Just(Unit::Ringing),
        Just(Unit::Connected),
        (0i64..2_000, any::<bool>()).prop_map(|(until, extended)| Unit::WrapUp {
            until: Timestamp(until),
            extended,
        }),
    ]
}

fn any_block() -> impl Strategy<Value = Option<Block>> {
    prop_oneof![
        Just(None),
        Just(on_a_break()),
        prop::option::of(0i64..2_000).prop_map(|until| Some(Block::NoAnswer {
            until: until.map(Timestamp),
        })),
    ]
}

prop_compose! {
    fn any_factors()(
        presence in 0usize..4,
        on_duty in any::<bool>(),
        active in any::<bool>(),
        block in any_block(),
        units in prop::collection::vec(any_unit(), 0..12),
        capacity in CAPACITY_MIN..=CAPACITY_MAX,
    ) -> Factors {
        Factors {
            presence: Presence::ALL[presence],
            duty: if on_duty { Duty::On { profile: None } } else { Duty::Off },
            active: active.then_some(LOANS).into_iter().collect(),
            block,
            units: units.into_iter().zip(1..).map(|(unit, n)| (Sequence(n), unit)).collect(),
            capacity,
        }
    }
}

proptest! {
    #[test]
    fn selectable_and_state_never_contradict_each_other(factors in any_factors()) {
        let state = state(&factors, NOW);
        prop_assert_eq!(factors.presence == Presence::Offline, state == AgentState::Offline);
        if state == AgentState::Ready {
            prop_assert!(factors.has_room(NOW));
            prop_assert_eq!(may(&factors).is_ok(), factors.active.contains(&LOANS));
        }
        if may(&factors).is_ok() {
            prop_assert!(factors.units_taken(NOW) < usize::from(factors.capacity));
            prop_assert!(!["offline", "notAvailable", "noAnswer", "away", "busy", "offDuty"]
                .contains(&state.name()));
        }
    }
}
