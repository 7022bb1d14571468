//! Every answer as it leaves. That they are what `answer.xsd` says is shown by the golden pairs;
//! here every document is read back by the strict reader.

use super::*;
use crate::domain::answer::{
    BufferLimit, ClosedReason, EntranceStatus, EntryAnswer, EstimatedWait, LimitsInForce, Receipt,
    ServiceStatus, Status, WaitingReason, Warning, WarningCode,
};
use crate::domain::code::Code;
use crate::domain::ids::ItemId;
use crate::domain::item::ItemState;
use crate::domain::outcome::Outcome;
use crate::domain::refusal::{Place, Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::wire::strict::{StrictReader, XmlEvent, XmlLimits};
use proptest::prelude::*;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn written(answer: &Answer) -> String {
    let mut out = Vec::new();
    write_answer(answer, &mut out);
    let text = String::from_utf8(out).unwrap();
    read_back(&text);
    text.strip_prefix(DECLARATION).unwrap().to_owned()
}

/// The elements of a document, all of which must be ours.
fn read_back(text: &str) -> Vec<String> {
    let mut reader = StrictReader::new(text, XmlLimits::default());
    let mut names = Vec::new();
    loop {
        match reader.next().expect(text) {
            XmlEvent::Start(tag) => {
                assert!(
                    tag.namespace.is_some_and(|name| name == NAMESPACE),
                    "{text}"
                );
                names.push(tag.local.to_owned());
            }
            XmlEvent::Eof => return names,
            XmlEvent::Text(_) | XmlEvent::End { .. } => {}
        }
    }
}

fn id() -> ItemId {
    "019AA1C2-7d3b-7c44-9a51-0f6f2c7f1e02".parse().unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp(1_795_183_391_250 + ms)
}

fn receipt() -> Receipt {
    Receipt {
        id: Some(id()),
        reference: "A&1".into(),
        state: ItemState::Queued,
        version: 1,
        duplicate: false,
        dry_run: false,
        received_at: at(0),
        stored_at: at(7),
        expires_at: None,
        service: "loans".into(),
        reason: None,
        opens_at: None,
        position: None,
        estimated_wait: None,
        warnings: Vec::new(),
    }
}

#[test]
fn a_receipt_of_a_queued_item_is_short() {
    // Why it waits in the queue is no reason for not being queued.
    let receipt = Receipt {
        reason: Some(WaitingReason::NoAgentSignedIn),
        ..receipt()
    };
    assert_eq!(
        written(&Answer::Receipt(Box::new(receipt))),
        "<receipt xmlns=\"urn:anteroom:work-item:1\" id=\"019aa1c2-7d3b-7c44-9a51-0f6f2c7f1e02\" \
         reference=\"A&amp;1\" state=\"queued\" version=\"1\" duplicate=\"false\" \
         receivedAt=\"2026-11-20T14:03:11.250Z\" storedAt=\"2026-11-20T14:03:11.257Z\">\n  \
         <service>loans</service>\n</receipt>\n"
    );
}

#[test]
fn a_receipt_with_everything_follows_the_schemas_order() {
    let receipt = Receipt {
        state: ItemState::Buffered,
        version: 3,
        duplicate: true,
        expires_at: Some(at(1_000)),
        reason: Some(WaitingReason::EntranceClosed),
        opens_at: Some(at(2_000)),
        position: Some(17),
        estimated_wait: Some(EstimatedWait {
            wait_ms: 269_001,
            computed_at: at(0),
        }),
        warnings: vec![
            Warning {
                code: WarningCode::UnknownSkill,
                message: "Nobody has <it>.".into(),
            },
            Warning {
                code: WarningCode::FairUseNear,
                message: "Near.".into(),
            },
        ],
        ..receipt()
    };
    assert_eq!(
        written(&Answer::Receipt(Box::new(receipt))),
        "<receipt xmlns=\"urn:anteroom:work-item:1\" id=\"019aa1c2-7d3b-7c44-9a51-0f6f2c7f1e02\" \
         reference=\"A&amp;1\" state=\"buffered\" version=\"3\" duplicate=\"true\" \
         receivedAt=\"2026-11-20T14:03:11.250Z\" storedAt=\"2026-11-20T14:03:11.257Z\" \
         expiresAt=\"2026-11-20T14:03:12.250Z\">\n  \
         <service>loans</service>\n  <reason>entranceClosed</reason>\n  \
         <opensAt>2026-11-20T14:03:13.250Z</opensAt>\n  <position>17</position>\n  \
         <estimatedWait computedAt=\"2026-11-20T14:03:11.250Z\">PT4M30S</estimatedWait>\n  \
         <warning code=\"unknownSkill\">Nobody has &lt;it&gt;.</warning>\n  \
         <warning code=\"fairUseNear\">Near.</warning>\n</receipt>\n"
    );
}

#[test]
fn a_dry_run_has_neither_id_nor_version_nor_time_of_storing() {
    let receipt = Receipt {
        id: None,
        dry_run: true,
        ..receipt()
    };
    assert_eq!(
        written(&Answer::Receipt(Box::new(receipt))),
        "<receipt xmlns=\"urn:anteroom:work-item:1\" reference=\"A&amp;1\" state=\"queued\" \
         duplicate=\"false\" dryRun=\"true\" receivedAt=\"2026-11-20T14:03:11.250Z\">\n  \
         <service>loans</service>\n</receipt>\n"
    );
}

#[test]
fn receipts_number_their_entries() {
    let refused = EntryAnswer {
        reference: Some("B".into()),
        result: Err(Refusal::new(Code::BufferFull, "Send it later.")),
    };
    let nameless = EntryAnswer {
        reference: None,
        ..refused.clone()
    };
    let taken = EntryAnswer {
        reference: None,
        result: Ok(receipt()),
    };
    let text = written(&Answer::Receipts(vec![taken, refused, nameless]));
    assert!(text.starts_with(
        "<receipts xmlns=\"urn:anteroom:work-item:1\">\n  <receipt index=\"1\" id=\"019a"
    ));
    assert!(text.ends_with(
        "    <service>loans</service>\n  </receipt>\n  \
         <error index=\"2\" reference=\"B\" code=\"bufferFull\" retry=\"later\" created=\"false\">\n    \
         <message>Send it later.</message>\n  </error>\n  \
         <error index=\"3\" code=\"bufferFull\" retry=\"later\" created=\"false\">\n    \
         <message>Send it later.</message>\n  </error>\n</receipts>\n"
    ));
}

fn problem(code: Code, path: Option<&str>) -> Problem {
    Problem {
        place: Some(Place {
            line: 3,
            column: 5,
            path: path.map(Into::into),
        }),
        ..Problem::new(code, "Change it.")
    }
}

#[test]
fn an_error_lists_each_problem_once_with_its_place() {
    let refusal = Refusal {
        first: problem(Code::SchemaInvalid, Some("/workItem/title")),
        further: vec![problem(Code::UnknownService, Some("/workItem/service"))],
        existing: None,
    };
    assert_eq!(
        written(&Answer::Error(refusal)),
        "<error xmlns=\"urn:anteroom:work-item:1\" code=\"schemaInvalid\" retry=\"afterFix\" \
         line=\"3\" column=\"5\" path=\"/workItem/title\" created=\"false\">\n  \
         <message>Change it.</message>\n  \
         <problem code=\"unknownService\" retry=\"afterFix\" line=\"3\" column=\"5\" \
         path=\"/workItem/service\">Change it.</problem>\n</error>\n"
    );
}

#[test]
fn an_error_says_state_wait_and_item_where_known() {
    let wrong_state = Problem {
        state: Some(ItemState::Ended),
        ..Problem::new(Code::WrongState, "It ended.")
    };
    let text = written(&Answer::Error(wrong_state.into()));
    assert!(
        text.contains(" retry=\"never\" state=\"ended\" created=\"false\">"),
        "{text}"
    );
    let limited = Problem::new(Code::RateLimited, "Wait.").retry_after(12);
    let text = written(&Answer::Error(limited.into()));
    assert!(
        text.contains(" retry=\"later\" retryAfter=\"12\" created"),
        "{text}"
    );
    let duplicate = Refusal {
        existing: Some(id()),
        ..Refusal::new(Code::DuplicateReference, "Taken.")
    };
    let text = written(&Answer::Error(duplicate));
    assert!(
        text.contains(" id=\"019aa1c2-7d3b-7c44-9a51-0f6f2c7f1e02\" created"),
        "{text}"
    );
    let malformed = written(&Answer::Error(problem(Code::MalformedXml, None).into()));
    assert!(
        malformed.contains(" line=\"3\" column=\"5\" created"),
        "{malformed}"
    );
}

#[test]
fn an_error_never_lists_more_than_twenty_further_problems() {
    for (found, listed) in [(19, 19), (20, 20), (21, 20)] {
        let refusal = Refusal {
            first: problem(Code::SchemaInvalid, None),
            further: vec![problem(Code::SchemaInvalid, None); found],
            existing: None,
        };
        let text = written(&Answer::Error(refusal));
        assert_eq!(text.matches("<problem ").count(), listed);
    }
}

fn status() -> Status {
    Status {
        id: id(),
        reference: "A".into(),
        state: ItemState::Ended,
        version: 4,
        received_at: at(0),
        stored_at: at(1),
        service: "loans".into(),
        reason: Some(WaitingReason::NoAgentSignedIn),
        opens_at: Some(at(2)),
        position: Some(3),
        not_before: Some(at(3)),
        due_by: Some(at(4)),
        expires_at: Some(at(5)),
        queued_at: Some(at(6)),
        accepted_at: Some(at(7)),
        ended_at: Some(at(8)),
        attempts: 2,
        outcome: Some(Outcome::CancelledByExternalSystem),
        result: Some("done".into()),
        note: Some("all <good>".into()),
    }
}

#[test]
fn a_status_follows_the_schemas_order() {
    let text = written(&Answer::Status(Box::new(status())));
    assert_eq!(
        read_back(&text),
        [
            "status",
            "service",
            "reason",
            "opensAt",
            "position",
            "dueBy",
            "expiresAt",
            "notBefore",
            "queuedAt",
            "acceptedAt",
            "endedAt",
            "attempts",
            "outcome",
            "result",
            "note",
        ]
    );
    assert!(text.contains(
        "<outcome code=\"20\" group=\"cancelled\" handled=\"false\">cancelledByExternalSystem</outcome>"
    ));
    let anonymised = Status {
        reference: String::new(),
        ..status()
    };
    let text = written(&Answer::Status(Box::new(anonymised)));
    assert!(
        text.contains("1e02\" state=\"ended\" version=\"4\""),
        "{text}"
    );
}

#[test]
fn statuses_say_where_to_go_on() {
    let listed = vec![status(), status()];
    let text = written(&Answer::Statuses {
        statuses: listed,
        next: Some("17".into()),
    });
    assert!(
        text.starts_with(
            "<statuses xmlns=\"urn:anteroom:work-item:1\" next=\"17\">\n  <status id="
        )
    );
    let none = Answer::Statuses {
        statuses: Vec::new(),
        next: None,
    };
    assert_eq!(
        written(&none),
        "<statuses xmlns=\"urn:anteroom:work-item:1\"/>\n"
    );
}

#[test]
fn services_say_why_they_buffer_and_until_when() {
    let closed = ServiceStatus {
        name: "claims".into(),
        title: "Claims".into(),
        entrance: EntranceStatus {
            reasons: vec![ClosedReason::Hours, ClosedReason::ByHand],
            releasing: true,
            opens_at: Some(at(0)),
            ..EntranceStatus::default()
        },
        queued: 1,
        buffered: 2,
        oldest_age_ms: Some(5),
        estimated_wait: Some(EstimatedWait {
            wait_ms: 0,
            computed_at: at(0),
        }),
    };
    let releasing = ServiceStatus {
        entrance: EntranceStatus {
            releasing: true,
            ..EntranceStatus::default()
        },
        estimated_wait: None,
        ..closed.clone()
    };
    let text = written(&Answer::Services(vec![closed, releasing]));
    assert_eq!(
        text,
        "<services xmlns=\"urn:anteroom:work-item:1\">\n  <service name=\"claims\">\n    \
         <title>Claims</title>\n    <entrance state=\"closed\">\n      <reason>hours</reason>\n      \
         <reason>byHand</reason>\n      <opensAt>2026-11-20T14:03:11.250Z</opensAt>\n    </entrance>\n    \
         <queued>1</queued>\n    <buffered>2</buffered>\n    \
         <estimatedWait computedAt=\"2026-11-20T14:03:11.250Z\">PT0S</estimatedWait>\n  </service>\n  \
         <service name=\"claims\">\n    <title>Claims</title>\n    <entrance state=\"open\">\n      \
         <reason>releasing</reason>\n    </entrance>\n    <queued>1</queued>\n    \
         <buffered>2</buffered>\n  </service>\n</services>\n"
    );
}

fn limits() -> LimitsInForce {
    LimitsInForce {
        rate_per_minute: Some(6_000),
        rate_left: Some(5_999),
        fair_use: Some(2_500),
        fair_use_taken: 3,
        message_bytes_max: 41_943_040,
        attachments_bytes_max: 26_214_400,
        attachment_types: vec!["application/pdf".into()],
        lifetime_max_ms: 14 * 86_400_000,
        not_before_max_ms: 6 * 86_400_000,
        batch_items_max: 1_000,
        buffers: vec![BufferLimit {
            service: "loans".into(),
            queue_items_max: 10_000,
            queued: 4,
            items_max: 100_000,
            items: 5,
        }],
    }
}

#[test]
fn limits_follow_the_schemas_order() {
    let text = written(&Answer::Limits(Box::new(limits())));
    assert!(text.contains("<ratePerMinute remaining=\"5999\">6000</ratePerMinute>"));
    assert!(text.contains("<fairUse used=\"3\">2500</fairUse>"));
    assert!(text.contains("<lifetimeMax>P14D</lifetimeMax>"));
    assert!(text.contains("<queueItemsMax queued=\"4\">10000</queueItemsMax>"));
    assert!(text.contains("<bufferItemsMax buffered=\"5\">100000</bufferItemsMax>"));
    assert_eq!(
        read_back(&text),
        [
            "limits",
            "ratePerMinute",
            "fairUse",
            "messageBytesMax",
            "messageDepthMax",
            "messageElementsMax",
            "elementAttributesMax",
            "itemsPerMessageMax",
            "contactDataItemsMax",
            "contactDataBytesMax",
            "attachmentsMax",
            "attachmentBytesMax",
            "attachmentTypes",
            "mediaType",
            "notBeforeMax",
            "lifetimeMax",
            "services",
            "service",
            "queueItemsMax",
            "bufferItemsMax",
        ]
    );
}

#[test]
fn limits_that_do_not_exist_are_left_out() {
    let unlimited = LimitsInForce {
        rate_per_minute: None,
        rate_left: None,
        fair_use: None,
        ..limits()
    };
    let text = written(&Answer::Limits(Box::new(unlimited)));
    assert!(!text.contains("ratePerMinute") && !text.contains("fairUse"));
}

#[test]
fn a_pong_tells_time_and_version() {
    let pong = Answer::Pong {
        time: at(0),
        version: "0.1.0".into(),
    };
    assert_eq!(
        written(&pong),
        "<pong xmlns=\"urn:anteroom:work-item:1\" time=\"2026-11-20T14:03:11.250Z\" version=\"0.1.0\"/>\n"
    );
}

proptest! {
    #[test]
    fn answers_are_well_formed_whatever_their_values(
        reference in any::<String>(), message in any::<String>(), path in any::<String>(), time in any::<i64>(),
    ) {
        let taken = Receipt {
            reference: reference.clone(),
            service: message.clone(),
            received_at: Timestamp(time),
            estimated_wait: Some(EstimatedWait { wait_ms: time, computed_at: Timestamp(time) }),
            ..receipt()
        };
        let refused = problem(Code::SchemaInvalid, Some(&path));
        let refused = Problem { message, ..refused };
        written(&Answer::Receipts(vec![
            EntryAnswer { reference: None, result: Ok(taken) },
            EntryAnswer { reference: Some(reference), result: Err(refused.into()) },
        ]));
    }
}
