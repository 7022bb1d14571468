use super::*;
use crate::domain::message::RefusedEntry;

fn entry(reference: &str, children: &str) -> String {
    format!("<workItem reference='{reference}'><service>loans</service>{children}{DATA}</workItem>")
}

fn batch(entries: &str) -> String {
    format!("<workItems xmlns='urn:anteroom:work-item:1'>{entries}</workItems>")
}

fn entries(text: &str) -> Vec<Result<Submission, RefusedEntry>> {
    match judge(text) {
        Ok(Message::Batch(entries)) => entries,
        other => panic!("not a batch that is taken: {other:?}"),
    }
}

#[test]
fn an_entrys_own_fault_refuses_that_entry_alone() {
    let text = batch(&format!(
        "\n{}\n{}\n{}\n<workItem/>",
        entry("A", ""),
        entry("B", "<bogus/><lifetime>P15D</lifetime>"),
        entry("C", "<lifetime>P15D</lifetime>"),
    ));
    let entries = entries(&text);
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0].as_ref().unwrap().content.reference, "A");
    let refused = entries[1].as_ref().unwrap_err();
    assert_eq!(refused.reference.as_deref(), Some("B"));
    let column = entry("B", "").find("</service>").unwrap() + "</service>".len() + 1;
    assert_eq!(
        listed(&refused.refusal),
        [
            format!("schemaInvalid 3:{column} /workItems/workItem[2]/bogus"),
            format!(
                "timeOutOfRange 3:{} /workItems/workItem[2]/lifetime",
                column + 8
            ),
        ]
    );
    let submission = entries[2].as_ref().unwrap();
    assert_eq!(submission.problems.len(), 1);
    assert_eq!(
        shown(&submission.problems[0]),
        format!("timeOutOfRange 4:{column} /workItems/workItem[3]/lifetime")
    );
    let refused = entries[3].as_ref().unwrap_err();
    assert_eq!(refused.reference, None);
    assert_eq!(
        listed(&refused.refusal)[0],
        "schemaInvalid 5:1 /workItems/workItem[4]/@reference"
    );
}

#[test]
fn a_fault_outside_the_entries_refuses_all() {
    for (text, path) in [
        (batch(""), "/workItems/workItem"),
        (
            batch(&format!("{}<bogus/>", entry("A", "<bogus/>"))),
            "/workItems/bogus",
        ),
        (batch(&format!("x{}", entry("A", ""))), "/workItems"),
        (
            batch(&entry("A", "")).replace("workItems xmlns", "workItems id='1' xmlns"),
            "/workItems/@id",
        ),
    ] {
        assert_eq!(schema_fault(&text), path);
    }
    let cut = batch(&entry("A", "")).replace("</workItems>", "");
    assert_eq!(judge(&cut).unwrap_err().code(), Code::MalformedXml);
}

#[test]
fn a_thousand_entries_are_taken_and_one_more_is_not() {
    let one = "<workItem reference='R'><service>loans</service></workItem>";
    for count in [999, 1_000] {
        assert_eq!(entries(&batch(&one.repeat(count))).len(), count);
    }
    for count in [1_001, 1_100] {
        assert_eq!(
            schema_fault(&batch(&one.repeat(count))),
            "/workItems/workItem[1001]"
        );
    }
}

#[test]
fn each_entry_is_kept_so_that_it_stands_alone() {
    let text = "<?xml version='1.0'?><w:workItems xmlns:w='urn:anteroom:work-item:1' >\
                <w:workItem reference='A'><w:service>loans</w:service></w:workItem> <!-- x -->\
                <w:workItem reference='B'><w:service>loans</w:service><w:attachments>\
                <w:attachment name='a' mediaType='text/plain'>QQ==</w:attachment>\
                </w:attachments></w:workItem></w:workItems>";
    let entries = entries(text);
    let raw = &entries[1].as_ref().unwrap().raw;
    assert_eq!(
        raw,
        "<w:workItems xmlns:w='urn:anteroom:work-item:1' ><w:workItem reference='B'>\
         <w:service>loans</w:service><w:attachments><w:attachment name='a' mediaType='text/plain'>\
         sha256:559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd</w:attachment>\
         </w:attachments></w:workItem></w:workItems>"
    );
    let first = entries[0].as_ref().unwrap();
    let Ok(Message::Batch(again)) = judge(&first.raw) else {
        panic!("the raw text of an entry is a message");
    };
    let again = again[0].as_ref().unwrap();
    assert_eq!((&again.content, &again.raw), (&first.content, &first.raw));
}

#[test]
fn a_start_tag_too_long_to_keep_with_each_entry_is_too_large() {
    for (length, taken) in [(4_095, true), (4_096, true), (4_097, false)] {
        let around = "<workItems xmlns='urn:anteroom:work-item:1' xmlns:x=''>".len();
        let name = "x".repeat(length - around);
        let text = batch(&entry("A", "")).replace(":1'>", &format!(":1' xmlns:x='{name}'>"));
        match judge(&text) {
            Ok(_) => assert!(taken, "{length}"),
            Err(refusal) => {
                assert!(!taken, "{length}");
                assert_eq!(refusal.code(), Code::TooLarge);
            }
        }
    }
}
