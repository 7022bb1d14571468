use super::*;
use crate::domain::content::Expiry;
use crate::domain::policy::ATTACHMENTS_BYTES_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

/// The rules that a `workItem` breaks, as `code path`; its schema must be good.
fn broken(text: &str) -> Vec<String> {
    codes(&created(judge(text)).problems)
}

fn codes(problems: &[Problem]) -> Vec<String> {
    let code = |problem: &Problem| {
        let path = problem.place.as_ref().and_then(|place| place.path.clone());
        format!(
            "{} {}",
            problem.code.name(),
            path.expect("a rule is about an element")
        )
    };
    problems.iter().map(code).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn without_a_judge_only_the_schema_counts() {
    let text = with_data("nowhere", "");
    assert_eq!(created(read(&text)).problems, []);
    assert_eq!(
        broken(&text),
        [
            "unknownService /workItem/service",
            "notAWorkItem /workItem/contactData"
        ]
    );
}

#[test]
fn rule_1_a_service_must_exist_and_be_open_to_the_sender() {
    assert_eq!(broken(&work_item("")), NONE);
    let mut sentences = Vec::new();
    for service in ["nowhere", "closed", "gone", "Loans"] {
        let submission = created(judge(&work_item("").replace("loans", service)));
        assert_eq!(
            codes(&submission.problems),
            ["unknownService /workItem/service"]
        );
        sentences.push(submission.problems[0].message.clone());
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1, "nobody learns which services exist");
    let tenant = tenant();
    let judge = Some(Judge {
        tenant: &tenant,
        is_agent: &is_agent,
        sender: None,
    });
    let text = work_item("").replace("loans", "closed");
    let message = read_message(&text, &ReadContext { now: now(), judge });
    assert_eq!(
        created(message).problems,
        [],
        "without a sender every service is open"
    );
}

#[test]
fn rule_2_the_work_item_key_has_a_value_that_can_be_seen() {
    for good in [
        "<item key='workItemTask'>x</item>",
        "<item key='a'/><item key='workItemTask'> x </item>",
        "<item key='workItemTask'>&#8203;</item>",
    ] {
        assert_eq!(broken(&with_data("loans", good)), NONE, "{good}");
    }
    for (bad, path) in [
        ("", "/workItem/contactData"),
        (
            "<item key='worktItemTask'>x</item>",
            "/workItem/contactData",
        ),
        (
            "<item key='a'>x</item><item key='workItemTask'/>",
            "/workItem/contactData/item[2]",
        ),
        (
            "<item key='workItemTask'> \n\t&#160;</item>",
            "/workItem/contactData/item[1]",
        ),
    ] {
        assert_eq!(
            broken(&with_data("loans", bad)),
            [format!("notAWorkItem {path}")],
            "{bad}"
        );
    }
    let without = r#"<workItem xmlns="urn:anteroom:work-item:1" reference="R1"><service>loans</service></workItem>"#;
    assert_eq!(broken(without), ["notAWorkItem /workItem/contactData"]);
}

#[test]
fn rule_3_declared_keys_are_held() {
    let task = "<item key='workItemTask'>x</item>";
    let policy = "<item key='policyNumber'>1</item>";
    assert_eq!(
        broken(&with_data("claims", &format!("{task}{policy}"))),
        NONE
    );
    let car = "<item key='kind'>car</item>";
    assert_eq!(
        broken(&with_data("claims", &format!("{car}{task}{policy}"))),
        NONE
    );
    assert_eq!(
        broken(&with_data("claims", task)),
        ["missingKey /workItem/contactData"]
    );
    let other = format!("{task}<item key='other'/>{policy}<item key='kind'>boat</item>");
    assert_eq!(
        broken(&with_data("claims", &other)),
        [
            "unknownKey /workItem/contactData/item[2]/@key",
            "valueNotInSet /workItem/contactData/item[4]",
        ]
    );
    assert_eq!(
        broken(&with_data("loans", &other)),
        NONE,
        "loans declares no keys"
    );
}

#[test]
fn rule_4_a_start_lies_at_most_six_days_ahead() {
    let text = |time: &str| work_item(&format!("<notBefore>{time}</notBefore>"));
    for good in [
        "2000-01-01T00:00:00Z",
        "2026-11-20T12:00:00Z",
        "2026-11-26T11:59:59.999Z",
        "2026-11-26T12:00:00Z",
    ] {
        assert_eq!(broken(&text(good)), NONE, "{good}");
    }
    for bad in ["2026-11-26T12:00:00.001Z", "2999-12-31T23:59:59Z"] {
        assert_eq!(
            broken(&text(bad)),
            ["timeOutOfRange /workItem/notBefore"],
            "{bad}"
        );
    }
}

#[test]
fn rule_4_an_expiry_lies_ahead_and_within_fourteen_days() {
    let text = |time: &str| work_item(&format!("<expiresAt>{time}</expiresAt>"));
    for good in [
        "2026-11-20T12:00:00.001Z",
        "2026-12-04T11:59:59.999Z",
        "2026-12-04T12:00:00Z",
    ] {
        assert_eq!(broken(&text(good)), NONE, "{good}");
    }
    for bad in [
        "2026-11-20T11:59:59.999Z",
        "2026-11-20T12:00:00Z",
        "2026-12-04T12:00:00.001Z",
    ] {
        assert_eq!(
            broken(&text(bad)),
            ["timeOutOfRange /workItem/expiresAt"],
            "{bad}"
        );
    }
    let lifetime = |time: &str| work_item(&format!("<lifetime>{time}</lifetime>"));
    for good in ["PT1S", "P13DT23H59M59S", "P14D"] {
        assert_eq!(broken(&lifetime(good)), NONE, "{good}");
    }
    for bad in ["P14DT1S", "P999999D"] {
        assert_eq!(
            broken(&lifetime(bad)),
            ["timeOutOfRange /workItem/lifetime"],
            "{bad}"
        );
    }
}

#[test]
fn rule_4_an_expiry_counts_from_a_start_that_lies_ahead() {
    let text = |start: &str, end: &str| {
        work_item(&format!(
            "<expiresAt>{end}</expiresAt><notBefore>{start}</notBefore>"
        ))
    };
    assert_eq!(
        broken(&text("2026-11-22T12:00:00Z", "2026-12-06T12:00:00Z")),
        NONE
    );
    let late = text("2026-11-22T12:00:00Z", "2026-12-06T12:00:00.001Z");
    assert_eq!(broken(&late), ["timeOutOfRange /workItem/expiresAt"]);
    let past = text("2026-11-01T12:00:00Z", "2026-12-04T12:00:00Z");
    assert_eq!(broken(&past), NONE, "a start that has passed means now");
}

#[test]
fn rule_5_required_agents_exist() {
    let text = |required: &str| {
        work_item(&format!(
            "<preferredAgents{required}><agent>ann</agent><agent>eve</agent></preferredAgents>"
        ))
    };
    assert_eq!(broken(&text("")), NONE);
    assert_eq!(broken(&text(" required='false'")), NONE);
    assert_eq!(
        broken(&text(" required='true'")),
        ["unknownAgent /workItem/preferredAgents/agent[2]"]
    );
}

#[test]
fn rule_6_task_types_are_declared_or_a_services_own() {
    for good in ["callback", "claim"] {
        assert_eq!(
            broken(&work_item(&format!("<taskType>{good}</taskType>"))),
            NONE
        );
    }
    assert_eq!(
        broken(&work_item("<taskType>x</taskType>")),
        ["unknownTaskType /workItem/taskType"]
    );
}

fn attachment(attributes: &str, body: &str) -> String {
    format!("<attachment name='a' {attributes}>{body}</attachment>")
}

#[test]
fn rule_7_attachments_have_allowed_types_and_the_bytes_announced() {
    let digest = "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd";
    let attachments = [
        attachment(&format!("mediaType='Text/PLAIN' sha256='{digest}'"), "QQ=="),
        attachment("mediaType='text/html'", "QQ=="),
        attachment(&format!("mediaType='text/plain' sha256='{digest}'"), "QUE="),
    ];
    assert_eq!(
        broken(&work_item(&format!(
            "<attachments>{}</attachments>",
            attachments.concat()
        ))),
        [
            "attachmentTypeRefused /workItem/attachments/attachment[2]/@mediaType",
            "attachmentCorrupt /workItem/attachments/attachment[3]/@sha256",
        ]
    );
}

#[test]
fn rule_7_attachments_have_a_limit_of_bytes_in_all() {
    let max = usize::try_from(ATTACHMENTS_BYTES_MAX).unwrap();
    for (bytes, wanted) in [(max - 2, true), (max - 1, true), (max, false)] {
        let body = STANDARD.encode(vec![0; bytes]);
        let attachments = attachment("mediaType='text/plain'", "QQ==")
            + &attachment("mediaType='text/plain'", &body)
            + &attachment("mediaType='text/plain'", "QQ==");
        let last = attachments.rfind("<attachment").unwrap();
        let attachments = if wanted {
            &attachments[..last]
        } else {
            &attachments
        };
        let problems = broken(&work_item(&format!(
            "<attachments>{attachments}</attachments>"
        )));
        match wanted {
            true => assert_eq!(problems, NONE, "{bytes}"),
            false => assert_eq!(problems, ["tooLarge /workItem/attachments/attachment[2]"]),
        }
    }
}

#[test]
fn rule_8_contact_data_has_a_limit_of_bytes_in_all() {
    let item = |n: usize, value: &str| format!("<item key='k{n:02}'>{value}</item>");
    let task = "<item key='workItemTask'>x</item>";
    // 13 bytes of the work item key, 15 times 3 + 2,044, and 3 + 1,948 leave 99 for the last.
    let filling: String = (0..15).map(|n| item(n, &"å".repeat(1_022))).collect();
    let filling = filling + task + &item(15, &"å".repeat(974));
    for (last, good) in [(95, true), (96, true), (97, false)] {
        let problems = broken(&with_data(
            "loans",
            &(filling.clone() + &item(16, &"x".repeat(last))),
        ));
        match good {
            true => assert_eq!(problems, NONE, "{last}"),
            false => assert_eq!(
                problems,
                ["contactDataTooLarge /workItem/contactData"],
                "{last}"
            ),
        }
    }
}

#[test]
fn broken_rules_are_listed_in_document_order() {
    let text = work_item(
        "<expiresAt>2026-11-20T11:00:00Z</expiresAt><taskType>x</taskType>\
         <notBefore>2027-01-01T00:00:00Z</notBefore>",
    );
    assert_eq!(
        broken(&text.replace("loans", "nowhere")),
        [
            "unknownService /workItem/service",
            "timeOutOfRange /workItem/expiresAt",
            "unknownTaskType /workItem/taskType",
            "timeOutOfRange /workItem/notBefore",
        ]
    );
}

#[test]
fn an_update_is_judged_by_what_it_writes() {
    let broken = |children: &str| codes(&updated(judge(&update(children))).problems);
    assert_eq!(
        broken("<contactData><item key='a'>1</item></contactData>"),
        NONE
    );
    assert_eq!(
        broken("<contactData><item key='workItemTask'> </item></contactData>"),
        ["notAWorkItem /update/contactData/item[1]"]
    );
    assert_eq!(
        broken("<expiresAt>2026-11-20T12:00:00Z</expiresAt>"),
        ["timeOutOfRange /update/expiresAt"]
    );
    assert_eq!(broken("<expiresAt>2026-12-04T12:00:00Z</expiresAt>"), NONE);
    assert_eq!(
        broken("<preferredAgents required='1'><agent>eve</agent></preferredAgents>"),
        ["unknownAgent /update/preferredAgents/agent[1]"]
    );
    assert_eq!(
        broken("<attachments><attachment name='a' mediaType='a/b'/></attachments>"),
        ["attachmentTypeRefused /update/attachments/attachment[1]/@mediaType"]
    );
    let lifetime = updated(judge(&update("<lifetime>P14D</lifetime>")));
    assert_eq!(
        lifetime.changes.expiry,
        Some(Expiry::Lifetime {
            ms: 14 * 86_400_000
        })
    );
    assert_eq!(lifetime.problems, []);
}

/// A message with everything in it, to be mutated.
fn whole() -> String {
    let entry = work_item(
        "<title>a &amp; b</title><customer id='c'><name>å</name></customer>\
         <preferredAgents required='1'><agent rank='2'>ann</agent></preferredAgents>\
         <skills><skill level='2' optional='0'>x</skill></skills><lifetime>PT1H</lifetime>\
         <notBefore>2026-11-20T12:00:00Z</notBefore><links><link name='n' href='http://x'/></links>\
         <tags><tag>t</tag></tags><attachments><attachment name='a' mediaType='text/plain'>QQ==\
         </attachment></attachments>",
    );
    let entry = entry.replace(r#" xmlns="urn:anteroom:work-item:1""#, "");
    format!("<workItems xmlns='urn:anteroom:work-item:1'>{entry}\n{entry}</workItems>")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn mutated_messages_are_judged_without_panic(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5_u8), 1..6),
    ) {
        let mut text: Vec<char> = whole().chars().collect();
        let tokens = ["<", ">", "/", "</workItem>", "<tag>", "</tag>", "\r\n", "å😀", "&#x20;", "x='y'", "<!---->", "]]>"];
        for (from, to, kind) in mutations {
            let (from, to) = (from.index(text.len()), to.index(text.len()));
            let (from, to) = (from.min(to), from.max(to));
            match kind {
                0 => drop(text.drain(from..to.min(from + 12))),
                1 => { let part = text[from..to.min(from + 80)].to_vec(); text.splice(from..from, part); }
                2 => text.swap(from, to),
                3 => text.rotate_left(from % 3),
                _ => { text.splice(from..from, tokens[to % tokens.len()].chars()); }
            }
            prop_assume!(!text.is_empty());
        }
        let text: String = text.into_iter().collect();
        if let Ok(Message::Batch(entries)) = judge(&text) {
            for submission in entries.into_iter().flatten() {
                let again = judge(&submission.raw);
                let Ok(Message::Batch(again)) = again else { panic!("{again:?}") };
                let again = again[0].as_ref();
                // Replacing bodies by digests may leave what is no base64; nothing else changes.
                if submission.uploads.is_empty() {
                    prop_assert_eq!(&again.unwrap().content, &submission.content);
                }
            }
        }
    }

    #[test]
    fn any_text_is_judged_without_panic(text in any::<String>(), inside in "[<>/&;a-z='\" ]{0,60}") {
        let _ = judge(&text);
        let _ = judge(&work_item(&inside));
    }

    #[test]
    fn elements_in_any_order_give_the_same_content(seed in any::<u64>()) {
        let mut children = [
            "<title>a</title>", "<description/>", "<origin>o</origin>", "<priority>3</priority>",
            "<tags><tag>a</tag></tags>", "<customer id='a'/>", "<dueBy>2026-11-20T12:00:00Z</dueBy>",
        ];
        let wanted = created(judge(&work_item(&children.concat())));
        let turn = usize::try_from(seed % 7).unwrap();
        children.rotate_left(turn);
        children.swap(0, turn);
        let turned = created(judge(&work_item(&children.concat())));
        prop_assert_eq!(wanted.content, turned.content);
        prop_assert_eq!(wanted.content_digest, turned.content_digest);
    }
}
