use super::*;

fn steps(text: &str) -> Vec<Step> {
    read(text).expect("it is understood").steps
}

fn fault(text: &str) -> String {
    read(text).expect_err("it is refused").to_string()
}

#[test]
fn a_script_without_a_start_begins_on_a_friday_morning() {
    assert_eq!(parse_instant("2026-11-20T09:00:00Z"), Some(START_DEFAULT));
    assert_eq!(read("").expect("empty").start, START_DEFAULT);
    let script = read("start 2026-12-24T15:00:00+01:00\n").expect("good");
    assert_eq!(Some(script.start), parse_instant("2026-12-24T14:00:00Z"));
}

#[test]
fn every_line_has_a_time_or_follows_the_one_before_it() {
    let times: Vec<When> = steps("send\n+10m cancel # why not\n17:30\n2026-11-20T17:30:00Z send")
        .into_iter()
        .map(|step| step.when)
        .collect();
    let at = parse_instant("2026-11-20T17:30:00Z").expect("a time");
    let expected = [
        When::Now,
        When::After(600_000),
        When::Clock(1_050),
        When::At(at),
    ];
    assert_eq!(times, expected);
}

#[test]
fn lines_and_texts_are_kept_for_whoever_reads_the_run() {
    let steps = steps("# only words\n\n+1h  anna   accepts\n");
    assert_eq!(
        (steps[0].line, steps[0].text.as_str()),
        (3, "anna   accepts")
    );
}

#[test]
fn agents_come_with_skills_and_services_and_do_what_agents_do() {
    let steps = steps(
        "agent anna online skills swedish:3,cash services loans,office\nagent bo offline\n\
         anna ends approved note all is well\nanna parks 2h\nanna parks",
    );
    let Some(Verb::Agent(_, Attendance::Online { skills, services })) = &steps[0].verb else {
        panic!("{:?}", steps[0]);
    };
    let skills = skills.as_ref().expect("skills");
    assert_eq!((skills["swedish"].value(), skills["cash"].value()), (3, 1));
    let expected = vec!["loans".to_owned(), "office".to_owned()];
    assert_eq!(services.as_ref(), Some(&expected));
    let deeds: Vec<&Deed> = steps
        .iter()
        .filter_map(|step| match &step.verb {
            Some(Verb::Acts(_, deed)) => Some(deed),
            _ => None,
        })
        .collect();
    let ends = Deed::Ends {
        result: "approved".to_owned(),
        note: Some("all is well".to_owned()),
    };
    assert_eq!(
        deeds,
        [&ends, &Deed::Parks(Some(7_200_000)), &Deed::Parks(None)]
    );
}

#[test]
fn a_line_that_says_nothing_known_is_refused_with_all_that_is() {
    let told = fault("send\nanna dances");
    assert!(told.starts_with("line 2: `anna` begins no step."), "{told}");
    for word in ["agent NAME online", "until end", "push BUTTON", "restart"] {
        assert!(told.contains(word), "{word}");
    }
}

#[test]
fn what_is_missing_or_too_much_is_said() {
    for (text, part) in [
        ("wait", "is missing"),
        ("wait soon", "`soon` is no time"),
        ("update priority 10", "`10` is no priority"),
        ("update colour red", "`colour` cannot be updated"),
        ("data nothing", "is not KEY=VALUE"),
        (
            "send\nstart 2026-11-20T09:00:00Z",
            "stands before all steps",
        ),
        ("start yesterday", "`yesterday` is no time"),
        ("restart now", "`now` is too much"),
        ("until dawn", "neither `end` nor a state"),
        ("agent anna asleep", "none of online"),
        ("agent anna online skills a:0", "no level"),
        ("anna ends done because", "`because` is not `note`"),
    ] {
        let told = fault(text);
        assert!(told.contains(part), "{text}: {told}");
    }
}

#[test]
fn a_script_has_at_most_a_thousand_steps() {
    assert_eq!(steps(&"send\n".repeat(STEPS_MAX)).len(), STEPS_MAX);
    let told = fault(&"send\n".repeat(STEPS_MAX + 1));
    assert!(told.starts_with("line 1001: "), "{told}");
}
