//! Where several rules meet.

use super::*;

#[test]
fn a_due_date_that_is_past_leads_away_from_a_stage_once() {
    let stages = "<event on='received'><goto name='work'/></event>\
        <event on='goto' name='work'><queue/><finish/></event>\
        <event on='elapsed' afterDue='PT1M' in='work'><raisePriority by='1'/><goto name='work'/></event>\
        <event on='elapsed' beforeDue='PT1H' in='work'><notify name='soon'/></event>";
    let world = World {
        due_by: Some(NOON.plus_ms(2 * HOUR_MS)),
        ..World::default()
    };
    let mut life = Life::within(world, stages);
    life.after(HOUR_MS);
    life.wanted();
    life.after(HOUR_MS + MINUTE_MS);
    assert_eq!(life.wanted(), ["stage 3", "priority 6", "stage 2", "queue"]);
    assert_eq!(life.due_in(), None, "a due date comes once");
}

#[test]
fn what_is_forced_in_stays_in_though_it_was_there_already() {
    let stages = "<event on='received'><queue/><finish/></event>\
        <event on='elapsed' after='PT1H'><goto name='now'/></event>\
        <event on='goto' name='now'><forceQueue/><wait until='accepted' for='PT1H'/><finish/></event>";
    for entrance_open in [true, false] {
        let world = World {
            entrance_open,
            ..World::default()
        };
        let mut life = Life::within(world, stages);
        life.after(HOUR_MS);
        assert_eq!(life.world.standing, Standing::Queued, "{entrance_open}");
        assert!(!life.wanted().contains(&"leave queue".to_owned()));
    }
}

#[test]
fn the_alert_of_a_workflow_that_was_stopped_is_open() {
    let mut life = Life::new(QUEUE);
    let flow = life.flow.take().expect("it stands at the queue");
    let stopped = stop(&flow, Stop::UnreadableVersion, &mut life.world);
    assert_eq!(stopped.open_alerts, 1);
    life.flow = Some(stopped);
    life.hear(Happening::Acknowledged);
    assert_eq!(life.flow.expect("it stands").open_alerts, 0);
}
