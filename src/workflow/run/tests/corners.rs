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
