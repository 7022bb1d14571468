//! Stages that begin before and after due dates.

use super::*;

#[test]
fn due_dates_make_stages_begin_before_and_after_them() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='elapsed' beforeDue='PT1H'><raisePriority by='2'/></event>\
        <event on='elapsed' afterDue='PT1M'><setPriority to='9'/></event>";
    let world = World {
        due_by: Some(NOON.plus_ms(2 * HOUR_MS)),
        ..World::default()
    };
    let mut life = Life::within(world, stages);
    assert_eq!(life.due_in(), Some(HOUR_MS));
    life.after(HOUR_MS);
    assert_eq!(life.due_in(), Some(HOUR_MS + MINUTE_MS));
    life.world.due_by = Some(NOON.plus_ms(4 * HOUR_MS));
    life.hear(Happening::Updated);
    assert_eq!(
        life.due_in(),
        Some(3 * HOUR_MS + MINUTE_MS),
        "an update moves it"
    );
    let mut without = Life::new(stages);
    assert_eq!((without.due_in(), without.wanted().len()), (None, 2));
}

/// The rule `cycleWithoutPause`: the wait is no pause while a due date that is past makes it leave.
#[test]
fn a_due_date_that_is_past_begins_its_stage_once_and_not_at_every_arrival() {
    for when in ["beforeDue", "afterDue"] {
        let stages = format!(
            "<event on='received'><goto name='work'/></event>\
             <event on='goto' name='work'><wait for='PT1H'/><goto name='work'/></event>\
             <event on='elapsed' {when}='PT1M' in='work'><goto name='work'/></event>"
        );
        let world = World {
            due_by: Some(NOON.plus_ms(-HOUR_MS)),
            ..World::default()
        };
        let mut life = Life::within(world, &stages);
        let began = ["stage 1", "stage 2", "waits 3600000"];
        let once = ["stage 3", "stage 2", "waits 3600000"];
        assert_eq!(life.wanted(), [began, once].concat(), "{when}");
        life.after(HOUR_MS);
        assert_eq!(life.wanted(), ["stage 2", "waits 3600000"], "{when}");
    }
}

#[test]
fn a_wait_for_the_due_date_follows_it() {
    let world = World {
        due_by: Some(NOON.plus_ms(HOUR_MS)),
        ..World::default()
    };
    let stages = "<event on='received'><wait until='dueBy'/><finish/></event>";
    let mut life = Life::within(world, stages);
    assert_eq!(life.due_in(), Some(HOUR_MS));
    life.world.due_by = Some(NOON.plus_ms(3 * HOUR_MS));
    life.hear(Happening::Updated);
    assert_eq!(life.due_in(), Some(3 * HOUR_MS));
    life.world.due_by = Some(NOON);
    life.hear(Happening::Updated);
    assert_eq!(life.flow, None, "it is due");
}
