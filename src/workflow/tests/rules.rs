//! Every rule has a case that breaks it, with its place, and one next to it that does not.

use rstest::rstest;

use super::{Known, load, set};

/// A file whose second line is the first of `body`.
pub(super) fn file(body: &str) -> String {
    format!("<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"w\">\n{body}\n</workflow>")
}

/// A file whose `received` stage, on its second line, goes on to the given stages.
fn stages(body: &str) -> String {
    file(&format!(
        "<event on=\"received\"><goto name=\"a\"/></event>\n{body}"
    ))
}

/// A file of one stage; its actions begin on the third line.
fn actions(body: &str) -> String {
    file(&format!(
        "<event on=\"received\">\n{body}\n<finish/></event>"
    ))
}

fn known() -> Known {
    Known {
        services: set(&["loans"]),
        keys: set(&["amount", "work-item"]),
        agents: set(&["maria"]),
        groups: set(&["backoffice"]),
        workflows: set(&["w", "other"]),
    }
}

/// The faults as `line:column: rule`.
pub(super) fn faults(source: &str) -> Vec<String> {
    match load(source, &known()) {
        Ok(_) => Vec::new(),
        Err(faults) => {
            assert!(!faults.is_empty());
            let words = faults.iter().map(|fault| {
                assert!(fault.message.ends_with('.'), "{fault}");
                format!("{}:{}: {}", fault.line, fault.column, fault.rule.word())
            });
            words.collect()
        }
    }
}

fn breaks(source: &str, expected: &[&str]) {
    assert_eq!(faults(source), expected, "{source}");
}

fn good(source: &str) {
    match load(source, &known()) {
        Ok(_) => {}
        Err(faults) => panic!("{source}\n{}", faults[0]),
    }
}

#[rstest]
#[case(r#"<wait for="PT1S"/>"#)]
#[case(r#"<wait until="updated" for="P366D" because="the bank thinks"/>"#)]
#[case(r#"<wait until="opening" for="PT1H"/>"#)]
#[case(r#"<wait until="dueBy"/>"#)]
#[case(r#"<wait until="08:30"/>"#)]
#[case(r#"<wait until="2026-11-20T08:30:00Z"/>"#)]
#[case(r#"<setPriority to="0"/>"#)]
#[case(r#"<raisePriority by="9"/>"#)]
#[case(r#"<setContactData key="amount" value=""/>"#)]
#[case(r#"<checkOpeningHours service="loans"><open goto="b"/></checkOpeningHours>"#)]
#[case(r#"<checkAvailability><nobodySignedIn goto="b"/><busy goto="b"/></checkAvailability>"#)]
#[case(r#"<check when="item.priority > 5"><otherwise goto="b"/></check>"#)]
#[case(r#"<queue/>"#)]
#[case(r#"<queue maxWait="PT4H"><expired goto="b"/><declined goto="b"/></queue>"#)]
#[case(r#"<queueToAgent agent="maria" required="false"><declined goto="b"/></queueToAgent>"#)]
#[case(r#"<forceQueue/>"#)]
#[case(r#"<relaxSkills/>"#)]
#[case(r#"<transfer service="loans"><failed goto="b"/></transfer>"#)]
#[case(r#"<alert to="supervisor" text="Look"/>"#)]
#[case(r#"<alert to="backoffice" text="Look"/>"#)]
#[case(r#"<notify name="loanDecided"/>"#)]
#[case(r#"<startWorkflow name="other"/>"#)]
fn every_action_is_read_and_may_go_on(#[case] action: &str) {
    let leads =
        r#"<goto name="b"/></event><event on="goto" name="b"><cancel reason="no"/></event>"#;
    let body = format!("<event on=\"received\">{action}{leads}");
    good(&file(&body));
}

#[rstest]
#[case(r#"on="updated""#)]
#[case(r#"on="accepted""#)]
#[case(r#"on="ended""#)]
#[case(r#"on="ended" result="sold""#)]
#[case(r#"on="cancelled""#)]
#[case(r#"on="expired""#)]
#[case(r#"on="agentLost""#)]
#[case(r#"on="elapsed" after="PT1H""#)]
#[case(r#"on="elapsed" beforeDue="PT1H" in="received""#)]
#[case(r#"on="elapsed" afterDue="PT1H" in="a""#)]
fn every_event_begins_a_stage(#[case] event: &str) {
    let body = format!("<event {event}><finish/></event>");
    let goto_stage = r#"<event on="goto" name="a"><finish/></event>"#;
    good(&stages(&format!("{goto_stage}{body}")));
    let stray = format!("{goto_stage}\n<event {event} name=\"x\"><finish/></event>");
    let column = format!("<event {event} ").len() + 1;
    breaks(&stages(&stray), &[&format!("4:{column}: schema")]);
}

#[rstest]
#[case::root("<flow xmlns=\"urn:anteroom:workflow:1\"/>", &["1:1: schema"])]
#[case::namespace("<workflow name=\"w\"/>", &["1:1: schema"])]
#[case::end_tag("<workflow xmlns=\"urn:anteroom:workflow:1\">\n<a></b></workflow>", &["2:4: schema"])]
#[case::doctype("<!DOCTYPE a><workflow/>", &["1:1: schema"])]
#[case::encoding("<?xml version=\"1.0\" encoding=\"latin1\"?>\n<a/>", &["1:21: schema", "2:1: schema"])]
fn a_file_that_is_none_is_refused_where_it_begins(#[case] source: &str, #[case] expected: &[&str]) {
    breaks(source, expected);
}

#[rstest]
#[case::element("<pause/>", &["3:1: schema"])]
#[case::foreign("<x xmlns=\"urn:x\"><y/></x>", &["3:1: schema"])]
#[case::text("<forceQueue>now</forceQueue>", &["3:1: schema"])]
#[case::attribute("<forceQueue soon=\"1\"/>", &["3:13: schema"])]
#[case::foreign_attribute("<forceQueue xml:lang=\"en\"/>", &["3:13: schema"])]
#[case::missing("<notify/>", &["3:1: schema"])]
#[case::child("<forceQueue><open goto=\"a\"/></forceQueue>", &["3:13: schema"])]
#[case::child_of_exit(
    "<queue><declined goto=\"a\"><open/></declined></queue>",
    &["3:18: unknownStage", "3:27: schema"]
)]
#[case::exit_twice(
    "<check when=\"true\"><then goto=\"a\"/><then goto=\"a\"/></check>",
    &["3:26: unknownStage", "3:36: schema"]
)]
#[case::exit_without_goto("<queue><declined/></queue>", &["3:8: schema"])]
#[case::priority("<setPriority to=\"10\"/>", &["3:14: schema"])]
#[case::raise("<raisePriority by=\"0\"/>", &["3:16: schema"])]
#[case::wait("<wait for=\"P367D\"/>", &["3:7: schema"])]
#[case::until("<wait until=\"queued\"/>", &["3:7: schema"])]
#[case::boolean("<queueToAgent agent=\"maria\" required=\"yes\"/>", &["3:29: schema"])]
#[case::several(
    "<setPriority to=\"x\" by=\"1\"/>\n<notify name=\"å\"/>",
    &["3:14: schema", "3:21: schema", "4:9: schema"]
)]
fn what_is_not_of_the_language_is_refused_in_its_place(
    #[case] action: &str,
    #[case] expected: &[&str],
) {
    breaks(&actions(action), expected);
}

#[rstest]
#[case::no_event("<event><finish/></event>", &["2:1: schema"])]
#[case::unknown_event("<event on=\"rang\"><finish/></event>", &["2:8: schema"])]
#[case::nothing_to_do("<event on=\"received\"/>", &["2:1: schema"])]
#[case::no_goto_name(
    "<event on=\"received\"><finish/></event><event on=\"goto\"><finish/></event>",
    &["2:39: schema"]
)]
#[case::no_elapsed_time(
    "<event on=\"received\"><finish/></event>\n<event on=\"elapsed\"><finish/></event>",
    &["3:1: schema"]
)]
#[case::two_elapsed_times(
    "<event on=\"received\"><finish/></event>\n<event on=\"elapsed\" after=\"PT1S\" afterDue=\"PT1S\"><finish/></event>",
    &["3:1: schema"]
)]
#[case::other_child("<event on=\"received\"><finish/></event>\n<finish/>", &["3:1: schema"])]
#[case::no_events("", &["1:1: noReceived"])]
fn an_event_says_what_begins_it(#[case] body: &str, #[case] expected: &[&str]) {
    breaks(&file(body), expected);
}

#[rstest]
#[case("<alert to=\"admin\" text=\"t\"/>", "3:1")]
#[case("<queue><declined goto=\"a\"/></queue>", "3:1")]
#[case("<check when=\"true\"><then goto=\"a\"/></check>", "3:1")]
#[case(
    "<checkAvailability><busy goto=\"a\"/><available goto=\"a\"/></checkAvailability>",
    "3:1"
)]
#[case("<queue maxWait=\"PT1S\"><expired goto=\"a\"/></queue>", "3:1")]
#[case("<transfer service=\"loans\"><failed goto=\"a\"/></transfer>", "3:1")]
#[case("<wait for=\"PT1S\"/>", "3:1")]
fn a_leg_that_ends_nowhere_is_an_unlinked_end(#[case] last: &str, #[case] place: &str) {
    let others = r#"<event on="goto" name="a"><finish/></event>
<event on="updated"><goto name="a"/></event>"#;
    let with = |begins: &str, end: &str| file(&format!("{begins}\n{last}{end}</event>{others}"));
    breaks(
        &with("<event on=\"received\">", ""),
        &[&format!("{place}: unlinkedEnd")],
    );
    good(&with("<event on=\"received\">", "<finish/>"));
    if !last.contains("queue") && !last.contains("wait") {
        let begins = r#"<event on="received"><finish/></event><event on="elapsed" after="PT1S">"#;
        good(&with(begins, ""));
    }
}

#[rstest]
#[case("<finish/>\n<forceQueue/>")]
#[case("<cancel/>\n<relaxSkills/><forceQueue/>")]
#[case("<goto name=\"b\"/>\n<finish/>")]
#[case("<queue><ended goto=\"b\"/></queue>\n<finish/>")]
#[case("<check when=\"true\"><then goto=\"b\"/><otherwise goto=\"b\"/></check>\n<finish/>")]
#[case("<transfer service=\"loans\"><ok goto=\"b\"/><failed goto=\"b\"/></transfer>\n<finish/>")]
fn nothing_stands_after_what_always_leaves(#[case] body: &str) {
    let b = "<event on=\"goto\" name=\"b\"><finish/></event>\n<event on=\"updated\"><goto name=\"b\"/></event>";
    let text = stages(&format!("<event on=\"goto\" name=\"a\">{body}</event>{b}"));
    let found = faults(&text);
    assert_eq!(found[0], "4:1: afterLeaving", "{found:?}");
    let (leaving, _) = body.split_once('\n').expect("two lines");
    good(&stages(&format!(
        "<event on=\"goto\" name=\"a\">{leaving}</event>{b}"
    )));
}

#[test]
fn a_stage_to_which_nothing_leads_is_unreachable() {
    let unled = "<event on=\"goto\" name=\"a\"><finish/></event>\n<event on=\"goto\" name=\"b\"><finish/></event>";
    breaks(&stages(unled), &["4:1: unreachable"]);
    good(&stages(&unled.replace(
        "\"a\"><finish/>",
        "\"a\"><queue><ended goto=\"b\"/></queue>",
    )));
    let itself = "<event on=\"goto\" name=\"a\"><finish/></event>\n\
        <event on=\"goto\" name=\"b\"><queue><ended goto=\"b\"/></queue></event>";
    breaks(&stages(itself), &["4:1: unreachable"]);
    let in_itself = "<event on=\"goto\" name=\"a\"><finish/></event>\n\
        <event on=\"goto\" name=\"b\"><finish/></event>\
        <event on=\"elapsed\" after=\"PT1S\" in=\"b\"><goto name=\"b\"/></event>";
    breaks(&stages(in_itself), &["4:1: unreachable"]);
}

#[rstest]
#[case("<goto name=\"x\"/>", "3:7")]
#[case("<queue><ended goto=\"x\"/></queue>", "3:15")]
#[case("<queue><declined goto=\"b\"/></queue>", "3:18")]
fn a_stage_that_is_named_is_there(#[case] action: &str, #[case] place: &str) {
    // The button b is no stage that a goto could name.
    let body = format!(
        "<event on=\"received\"><button name=\"b\" label=\"l\" to=\"admin\"/>\n{action}\
         {}</event>\n<event on=\"button\" name=\"b\"><finish/></event>",
        if action.contains("declined") {
            "<finish/>"
        } else {
            ""
        }
    );
    breaks(&file(&body), &[&format!("{place}: unknownStage")]);
}

#[test]
fn an_elapsed_stage_names_a_stage_that_is_there() {
    let body = "<event on=\"goto\" name=\"a\"><finish/></event>\n\
        <event on=\"elapsed\" after=\"PT1S\" in=\"b\"><forceQueue/></event>";
    breaks(&stages(body), &["4:34: unknownStage"]);
    good(&stages(&body.replace("in=\"b\"", "in=\"a\"")));
}

#[rstest]
#[case(
    "<checkOpeningHours service=\"x\"><open goto=\"a\"/></checkOpeningHours>",
    "20: unknownService",
    "loans"
)]
#[case(
    "<checkAvailability service=\"x\"><busy goto=\"a\"/></checkAvailability>",
    "20: unknownService",
    "loans"
)]
#[case(
    "<transfer service=\"x\"><failed goto=\"a\"/></transfer>",
    "11: unknownService",
    "loans"
)]
#[case("<queueToAgent agent=\"x\"/>", "15: unknownAgent", "maria")]
#[case("<alert text=\"t\" to=\"x\"/>", "17: unknownGroup", "backoffice")]
#[case("<alert text=\"t\" to=\"auditor\"/>", "17: unknownGroup", "supervisor")]
#[case("<setContactData key=\"x\" value=\"1\"/>", "17: unknownKey", "amount")]
#[case(
    "<check when=\"data.x == '1'\"><then goto=\"a\"/></check>",
    "8: unknownKey",
    "amount"
)]
#[case(
    "<check when=\"data['x'] == '1'\"><then goto=\"a\"/></check>",
    "8: unknownKey",
    "work-item"
)]
#[case(
    "<check when=\"item.x\"><then goto=\"a\"/></check>",
    "8: unknownName",
    "chargeable"
)]
#[case(
    "<check when=\"1 +\"><then goto=\"a\"/></check>",
    "8: condition",
    "1 +"
)]
#[case("<startWorkflow name=\"x\"/>", "16: unknownWorkflow", "other")]
#[case("<startWorkflow name=\"w\"/>", "16: startsItself", "other")]
fn what_is_named_is_there(#[case] action: &str, #[case] fault: &str, #[case] known: &str) {
    let end = "<goto name=\"a\"/></event><event on=\"goto\" name=\"a\"><finish/></event>";
    let with = |action: &str| file(&format!("<event on=\"received\">\n{action}{end}"));
    breaks(&with(action), &[&format!("3:{fault}")]);
    if known == "1 +" {
        return good(&with(&action.replace("1 +", "1 + 1 == 2")));
    }
    let mut names = ["auditor", "w", "x"].into_iter();
    let name = names.find(|it| action.contains(&format!("\"{it}\"")));
    let name = name.unwrap_or("x");
    let quoted = |name: &str, quote: &str| format!("{quote}{name}{quote}");
    let mut better = action.replace(&quoted(name, "\""), &quoted(known, "\""));
    better = better.replace(".x", &format!(".{known}"));
    better = better.replace("'x'", &format!("'{known}'"));
    good(&with(&better));
}

#[test]
fn what_is_not_known_may_be_anything() {
    let body = "<event on=\"received\"><alert to=\"x\" text=\"t\"/><startWorkflow name=\"x\"/>\
        <setContactData key=\"x\" value=\"\"/><transfer service=\"x\"><failed goto=\"a\"/></transfer>\
        <queueToAgent agent=\"x\"><ended goto=\"a\"/></queueToAgent></event>\
        <event on=\"goto\" name=\"a\"><finish/></event>";
    assert_eq!(faults(&file(body)).len(), 5);
    assert!(load(&file(body), &Known::anything()).is_ok());
}

#[test]
fn buttons_and_their_events_belong_together() {
    let action = "<button name=\"b\" label=\"Let it in\" to=\"supervisor\"/>";
    let event = "<event on=\"button\" name=\"b\"><forceQueue/></event>";
    let with = |action: &str, event: &str| {
        file(&format!(
            "<event on=\"received\">\n{action}<queue/><finish/></event>\n{event}"
        ))
    };
    good(&with(action, event));
    breaks(&with(action, ""), &["3:1: buttonWithoutEvent"]);
    breaks(&with("", event), &["4:1: eventWithoutButton"]);
}

#[rstest]
#[case("on=\"received\"", "on=\"updated\"")]
#[case("on=\"goto\" name=\"a\"", "on=\"goto\" name=\"b\"")]
#[case("on=\"ended\"", "on=\"ended\" result=\"sold\"")]
#[case("on=\"ended\" result=\"sold\"", "on=\"ended\"")]
#[case("on=\"updated\"", "on=\"accepted\"")]
#[case("on=\"accepted\"", "on=\"cancelled\"")]
#[case("on=\"cancelled\"", "on=\"expired\"")]
#[case("on=\"expired\"", "on=\"agentLost\"")]
#[case("on=\"agentLost\"", "on=\"updated\"")]
#[case("on=\"elapsed\" after=\"PT60S\"", "on=\"elapsed\" after=\"PT2M\"")]
#[case(
    "on=\"elapsed\" after=\"PT1S\" in=\"a\"",
    "on=\"elapsed\" after=\"PT1S\""
)]
fn no_two_events_mean_the_same(#[case] event: &str, #[case] other: &str) {
    let base = "<event on=\"received\"><check when=\"true\"><then goto=\"a\"/></check><goto name=\"b\"/></event>\
        <event on=\"goto\" name=\"a\"><finish/></event>";
    let with = |second: &str| {
        let mut body = base.to_owned();
        if !base.contains(event) {
            body += &format!("<event {event}><finish/></event>");
        }
        if !second.contains("\"b\"") {
            body += "<event on=\"goto\" name=\"b\"><finish/></event>";
        }
        file(&format!("{body}\n<event {second}><finish/></event>"))
    };
    let again = event.replace("PT60S", "PT1M");
    breaks(&with(&again), &["3:1: twice"]);
    good(&with(other));
}

#[test]
fn two_buttons_of_one_name_and_a_stage_named_received_are_twice() {
    let action = "<button name=\"b\" label=\"l\" to=\"admin\"/>";
    let event = "<event on=\"button\" name=\"b\"><finish/></event>";
    let body = format!("<event on=\"received\">{action}{action}<finish/></event>{event}\n{event}");
    breaks(&file(&body), &["3:1: twice"]);
    let body = "<event on=\"received\"><goto name=\"received\"/></event>\n\
        <event on=\"goto\" name=\"received\"><finish/></event>";
    breaks(&file(body), &["3:18: twice"]);
}

#[test]
fn a_workflow_begins() {
    breaks(
        &file("<event on=\"updated\"><finish/></event>"),
        &["1:1: noReceived"],
    );
}

#[rstest]
#[case("<wait until=\"dueBy\"/>", false)]
#[case("<wait until=\"dueBy\" for=\"PT1S\"/>", false)]
#[case("<wait until=\"opening\" for=\"PT1S\"/>", false)]
#[case("<wait until=\"acknowledged\" for=\"PT1S\"/>", false)]
#[case("<wait until=\"2026-11-20T08:30:00Z\"/>", false)]
#[case("<forceQueue/>", false)]
#[case("<button name=\"x\" label=\"l\" to=\"admin\"/>", false)]
#[case("<wait for=\"PT1S\"/>", true)]
#[case("<wait until=\"08:30\"/>", true)]
#[case("<wait until=\"updated\" for=\"PT1S\"/>", true)]
#[case("<wait until=\"accepted\" for=\"PT1S\"/>", true)]
#[case("<wait until=\"ended\" for=\"PT1S\"/>", true)]
#[case("<wait until=\"agentLost\" for=\"PT1S\"/>", true)]
#[case("<queue/>", true)]
#[case("<queueToAgent agent=\"maria\"/>", true)]
fn a_cycle_pauses(#[case] action: &str, #[case] pauses: bool) {
    let button = "<event on=\"button\" name=\"x\"><finish/></event>";
    let shown = "<button name=\"x\" label=\"l\" to=\"admin\"/>";
    let text = stages(&format!(
        "<event on=\"goto\" name=\"a\">{shown}<check when=\"true\">\n<then goto=\"b\"/></check><finish/></event>\n\
         <event on=\"goto\" name=\"b\">{action}<check when=\"true\"><then goto=\"a\"/></check><finish/></event>{button}"
    ));
    let expected: &[&str] = if pauses {
        &[]
    } else {
        &["4:1: cycleWithoutPause"]
    };
    breaks(&text, expected);
}

#[test]
fn a_pause_after_the_way_out_is_none() {
    let with = |actions: &str| {
        stages(&format!(
            "<event on=\"goto\" name=\"a\">{actions}<finish/></event>"
        ))
    };
    let check = "<check when=\"true\"><then goto=\"a\"/></check>";
    breaks(
        &with(&format!("{check}<wait for=\"PT1S\"/>")),
        &["3:46: cycleWithoutPause"],
    );
    good(&with(&format!("<wait for=\"PT1S\"/>{check}")));
}

#[rstest]
#[case("<wait for=\"PT1S\"/>")]
#[case("<queue/>")]
#[case("<queueToAgent agent=\"maria\"/>")]
fn a_stage_beside_another_does_not_wait(#[case] action: &str) {
    let with = |begins: &str| {
        let received =
            "<event on=\"received\"><button name=\"b\" label=\"l\" to=\"admin\"/><finish/></event>";
        file(&format!(
            "{received}<event on=\"button\" name=\"b\"><finish/></event>\n<event {begins}>\n{action}<finish/></event>"
        ))
    };
    breaks(
        &with("on=\"elapsed\" after=\"PT1S\""),
        &["4:1: besideCannotWait"],
    );
    good(&with("on=\"updated\""));
    let button = file(&format!(
        "<event on=\"received\"><button name=\"b\" label=\"l\" to=\"admin\"/><finish/></event>\n\
         <event on=\"button\" name=\"b\">\n{action}<finish/></event>"
    ));
    breaks(&button, &["4:1: besideCannotWait"]);
}

#[rstest]
#[case("<wait/>", "3:1: waitNeedsLimit")]
#[case("<wait until=\"updated\"/>", "3:1: waitNeedsLimit")]
#[case("<wait until=\"acknowledged\"/>", "3:1: waitNeedsLimit")]
#[case("<wait until=\"opening\"/>", "3:1: waitNeedsLimit")]
#[case("<queue><expired goto=\"x\"/></queue>", "3:8: expiredWithoutMaxWait")]
#[case(
    "<queueToAgent agent=\"maria\"><expired goto=\"x\"/></queueToAgent>",
    "3:29: expiredWithoutMaxWait"
)]
#[case("<queue maxWait=\"PT1S\"/>", "3:1: exitMissing")]
#[case(
    "<transfer service=\"loans\"><ok goto=\"x\"/></transfer>",
    "3:1: exitMissing"
)]
#[case("<check when=\"true\"/>", "3:1: exitMissing")]
#[case("<checkOpeningHours/>", "3:1: exitMissing")]
#[case("<checkAvailability/>", "3:1: exitMissing")]
fn an_action_has_what_it_cannot_do_without(#[case] action: &str, #[case] fault: &str) {
    let text = file(&format!(
        "<event on=\"received\">\n{action}<goto name=\"x\"/></event>\
         <event on=\"goto\" name=\"x\"><finish/></event>"
    ));
    breaks(&text, &[fault]);
}

#[test]
fn there_are_a_hundred_stages_and_fifty_actions_at_most() {
    let stages = |count: usize| {
        let results = (1..count)
            .map(|number| format!("<event on=\"ended\" result=\"{number}\"><finish/></event>\n"));
        file(&format!(
            "<event on=\"received\"><finish/></event>\n{}",
            results.collect::<String>()
        ))
    };
    good(&stages(99));
    good(&stages(100));
    breaks(&stages(101), &["102:1: tooMany"]);
    let actions = |count: usize| actions(&"<forceQueue/>\n".repeat(count - 1));
    good(&actions(49));
    good(&actions(50));
    let found = faults(&actions(51));
    assert_eq!(found, ["54:1: tooMany"]);
}

#[test]
fn a_file_has_256_kib_at_most() {
    let padded = |bytes: usize| {
        let text = actions("<forceQueue/>");
        format!("{text}{}", " ".repeat(bytes - text.len()))
    };
    good(&padded(256 * 1024 - 1));
    good(&padded(256 * 1024));
    breaks(&padded(256 * 1024 + 1), &["1:1: tooMany"]);
}

#[test]
fn all_faults_are_found_in_the_order_of_the_file_and_a_hundred_reported() {
    let text = actions(&"<setPriority/>\n".repeat(49));
    assert_eq!(faults(&text).len(), 49);
    let body = format!(
        "<event on=\"updated\">{}<finish/></event>\n",
        "<notify/>".repeat(49)
    );
    let many = ["updated", "accepted", "cancelled"].map(|it| body.replace("updated", it));
    let found = faults(&file(&many.concat()));
    assert_eq!(found.len(), super::FAULTS_MAX);
    assert_eq!(found[0], "1:1: noReceived");
}
