//! Rehearsals show what the engine does, and nothing else.

use super::*;
use crate::workflow::{Known, load};

const MESSAGE: &str = "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"r1\">\
    <service>loans</service><contactData><item key=\"workItemTask\">x</item></contactData>\
    </workItem>";

fn workflow(stages: &str) -> Arc<Workflow> {
    let source =
        format!("<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"test\">{stages}</workflow>");
    let loaded = load(&source, &Known::anything());
    Arc::new(loaded.unwrap_or_else(|faults| panic!("{faults:?}")))
}

fn play(stages: &str, script: &str) -> Play {
    Play {
        workflow: workflow(stages),
        follow_ups: Vec::new(),
        message: MESSAGE.as_bytes().to_vec(),
        script: script.to_owned(),
        policy: None,
        tenant: None,
        service: None,
    }
}

fn shown(stages: &str, script: &str) -> Report {
    rehearse(&play(stages, script)).unwrap_or_else(|error| panic!("{error}"))
}

fn events(report: &Report) -> Vec<(&'static str, i64)> {
    let lines = report.lines.iter().filter(|line| line.event != "step");
    lines
        .map(|line| (line.event, line.elapsed_ms / 1_000))
        .collect()
}

const QUEUE: &str = "<event on='received'><queue/><finish/></event>";

#[test]
fn an_item_goes_through_the_real_engine_and_ends() {
    let script = "agent anna online\nsend\n+5s anna accepts\n+1m anna ends done";
    let report = shown(QUEUE, script);
    let expected = [
        ("received", 0),
        ("stageEntered", 0),
        ("queuedByWorkflow", 0),
        ("rings", 0),
        ("accepted", 5),
        ("endedByUser", 65),
        ("workflowFinished", 65),
    ];
    assert_eq!(events(&report), expected);
    let end = &report.standings[0];
    assert_eq!((end.state, end.outcome), ("ended", Some("handledByUser")));
    assert!(!report.refused);
}

#[test]
fn the_same_play_gives_the_same_report() {
    let script = "agent anna online\nrestart\nuntil end";
    assert_eq!(shown(QUEUE, script), shown(QUEUE, script));
}

#[test]
fn what_is_due_on_the_way_happens_at_its_own_time() {
    let stages = "<event on='received'><wait for='PT10M'/><queue/><finish/></event>\
        <event on='elapsed' after='PT4M'><raisePriority by='1'/></event>";
    let report = shown(stages, "wait 1h");
    let raised = ("reprioritised", 240);
    assert!(events(&report).contains(&raised), "{report}");
    assert!(
        events(&report).contains(&("queuedByWorkflow", 600)),
        "{report}"
    );
}

#[test]
fn a_restart_keeps_what_was_stored_and_who_was_signed_in() {
    let stages = "<event on='received'><wait for='PT10M'/><queue/><finish/></event>";
    let script = "agent anna online\n+1m restart\nuntil offered\nanna accepts\nanna ends done";
    let report = shown(stages, script);
    assert!(!report.refused, "{report}");
    assert!(events(&report).contains(&("accepted", 600)), "{report}");
}

#[test]
fn a_step_that_is_refused_stands_in_the_report_and_the_run_goes_on() {
    let script = "anna accepts\npush nothing\nacknowledge\ncancel";
    let report = shown(QUEUE, script);
    assert!(report.refused);
    let refused = report.lines.iter().filter(|line| line.event == "refused");
    assert_eq!(refused.count(), 3);
    assert_eq!(
        report.standings[0].outcome,
        Some("cancelledByExternalSystem")
    );
}

#[test]
fn opening_hours_of_the_script_count() {
    let stages = "<event on='received'><checkOpeningHours><open goto='day'/>\
        <closed goto='night'/></checkOpeningHours></event>\
        <event on='goto' name='day'><queue/><finish/></event>\
        <event on='goto' name='night'><cancel/></event>";
    let entered = |start: &str| {
        let script =
            format!("start {start}\nzone Europe/Stockholm\nhours loans Mo-Fr 08:00-17:00\nwait 1s");
        let report = shown(stages, &script);
        report.standings[0].outcome
    };
    assert_eq!(entered("2026-11-20T15:59:59Z"), None);
    assert_eq!(entered("2026-11-20T16:00:00Z"), Some("cancelledByWorkflow"));
}

#[test]
fn until_end_ends_where_nothing_more_happens() {
    let report = shown(QUEUE, "until end");
    assert_eq!(report.lines.last().map(|line| line.event), Some("quiet"));
    assert_eq!(report.standings[0].state, "queued");
}

#[test]
fn until_a_state_that_does_not_come_is_refused() {
    assert!(shown(QUEUE, "until ended").refused);
    assert!(!shown(QUEUE, "until queued").refused);
}

#[test]
fn a_message_that_is_refused_is_answered_as_the_daemon_would() {
    use crate::domain::code::Code;
    let mut play = play(QUEUE, "");
    play.message = MESSAGE.replace("workItemTask", "other").into_bytes();
    let Err(RehearsalError::Refused(refusal)) = rehearse(&play) else {
        panic!("it is taken");
    };
    assert_eq!(refusal.code(), Code::NotAWorkItem);
}

#[test]
fn before_its_start_a_workflow_is_to_begin() {
    let mut play = play(QUEUE, "wait 1m");
    let later = "<notBefore>2026-11-20T10:00:00Z</notBefore><contactData>";
    play.message = MESSAGE.replace("<contactData>", later).into_bytes();
    let report = rehearse(&play).unwrap_or_else(|error| panic!("{error}"));
    let end = &report.standings[0];
    assert_eq!((end.state, end.rest), ("scheduled", Some("is to begin")));
    assert_eq!(end.stage, None);
}

#[test]
fn another_service_takes_the_place_of_the_message_s() {
    let mut play = play(QUEUE, "wait 1s");
    play.service = Some("cards".to_owned());
    let report = rehearse(&play).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.standings[0].service, "cards");
}

#[test]
fn a_service_that_no_tenant_has_is_said() {
    let mut play = play(QUEUE, "");
    play.policy = Some(Arc::default());
    let Err(RehearsalError::Setting(text)) = rehearse(&play) else {
        panic!("it is taken");
    };
    assert!(text.contains("service loans"), "{text}");
}
