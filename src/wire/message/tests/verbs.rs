use super::*;
use crate::domain::content::{ContactDatum, PreferredAgents};
use crate::domain::ids::ItemId;
use crate::domain::item::ItemState;
use crate::domain::message::{Address, Cancel, Changes, Query};

const ID: &str = "019aa1c2-7d3b-7c44-9a51-0f6f2c7f1e02";

fn verb(name: &str, attributes: &str) -> String {
    format!("<{name} xmlns='urn:anteroom:work-item:1' {attributes}/>")
}

fn by_id() -> Address {
    Address::Id(ID.parse::<ItemId>().unwrap())
}

#[test]
fn verbs_without_content_are_read() {
    assert_eq!(read(&verb("ping", "")), Ok(Message::Ping));
    assert_eq!(read(&verb("queryLimits", "")), Ok(Message::QueryLimits));
    assert_eq!(
        read(&verb("queryServices", "")),
        Ok(Message::QueryServices(None))
    );
    let one = Message::QueryServices(Some("loans".into()));
    assert_eq!(read(&verb("queryServices", "service='loans'")), Ok(one));
    let spaced = "<ping xmlns='urn:anteroom:work-item:1'> <!-- x -->\n</ping>";
    assert_eq!(read(spaced), Ok(Message::Ping));
}

#[test]
fn verbs_without_content_take_none() {
    for (text, path) in [
        ("<ping xmlns='urn:anteroom:work-item:1'>x</ping>", "/ping"),
        (
            "<ping xmlns='urn:anteroom:work-item:1'><x/></ping>",
            "/ping/x",
        ),
        (
            "<ping xmlns='urn:anteroom:work-item:1' id='x'/>",
            "/ping/@id",
        ),
        (
            "<queryServices xmlns='urn:anteroom:work-item:1' service='a b'/>",
            "/queryServices/@service",
        ),
        (
            "<query xmlns='urn:anteroom:work-item:1'>x</query>",
            "/query",
        ),
    ] {
        assert_eq!(schema_fault(text), path);
    }
}

#[test]
fn a_query_asks_for_one_or_for_the_list() {
    let one = Message::Query(Query::One(by_id()));
    assert_eq!(
        read(&verb("query", &format!("id=' {} '", ID.to_uppercase()))),
        Ok(one)
    );
    let reference = Message::Query(Query::One(Address::Reference("a b".into())));
    assert_eq!(read(&verb("query", "reference=' a  b'")), Ok(reference));
    let all = Message::Query(Query::List {
        since: None,
        state: None,
    });
    assert_eq!(read(&verb("query", "")), Ok(all));
    let some = Message::Query(Query::List {
        since: Some("17".into()),
        state: Some(ItemState::Queued),
    });
    assert_eq!(read(&verb("query", "since='17' state='queued'")), Ok(some));
}

#[test]
fn a_query_that_asks_for_both_is_refused() {
    for attributes in ["id='x'", "state='done'", "since=''", "state='Queued'"] {
        let path = format!("/query/@{}", attributes.split('=').next().unwrap());
        assert_eq!(schema_fault(&verb("query", attributes)), path);
    }
    for attributes in [
        format!("id='{ID}' reference='r'"),
        format!("id='{ID}' since='1'"),
        "reference='r' state='queued'".into(),
    ] {
        assert_eq!(
            schema_fault(&verb("query", &attributes)),
            "/query",
            "{attributes}"
        );
    }
}

#[test]
fn a_cancel_needs_one_address_and_may_say_why() {
    let cancel = Message::Cancel(Cancel {
        address: by_id(),
        reason: None,
    });
    assert_eq!(read(&verb("cancel", &format!("id='{ID}'"))), Ok(cancel));
    let text =
        "<cancel xmlns='urn:anteroom:work-item:1' reference='r'> <reason> a\nb </reason></cancel>";
    let reasoned = Message::Cancel(Cancel {
        address: Address::Reference("r".into()),
        reason: Some("a b".into()),
    });
    assert_eq!(read(text), Ok(reasoned));
    assert_eq!(schema_fault(&verb("cancel", "")), "/cancel");
    assert_eq!(
        schema_fault(&verb("cancel", &format!("id='{ID}' reference='r'"))),
        "/cancel"
    );
    let twice =
        "<cancel xmlns='urn:anteroom:work-item:1' reference='r'><reason/><reason/></cancel>";
    assert_eq!(schema_fault(twice), "/cancel/reason");
}

#[test]
fn an_item_id_is_written_with_its_hyphens() {
    for id in [
        ID.replace('-', ""),
        format!("{{{ID}}}"),
        format!("urn:uuid:{ID}"),
        ID.replace('0', "g"),
        ID.replace("-7d3b", "7-d3b"),
        String::new(),
    ] {
        assert_eq!(
            schema_fault(&verb("cancel", &format!("id='{id}'"))),
            "/cancel/@id",
            "{id}"
        );
    }
}

#[test]
fn an_update_changes_what_it_mentions() {
    let text = update(
        "<title>t</title><tags/><preferredAgents/><contactData><item key='a'>1</item></contactData>",
    );
    let update = updated(judge(
        &text.replace("reference=", "ifVersion='3' requestId='q' reference="),
    ));
    assert_eq!(update.address, Address::Reference("R1".into()));
    assert_eq!(
        (update.if_version, update.request_id.as_deref()),
        (Some(3), Some("q"))
    );
    let changes = Changes {
        title: Some("t".into()),
        tags: Some(Vec::new()),
        preferred_agents: Some(PreferredAgents::default()),
        contact_data: vec![ContactDatum {
            key: "a".into(),
            value: "1".into(),
        }],
        ..Changes::default()
    };
    assert_eq!(update.changes, changes);
    assert_eq!(update.problems, []);
}

#[test]
fn an_update_without_changes_is_an_update() {
    assert_eq!(updated(judge(&update(""))).changes, Changes::default());
}

#[test]
fn an_update_changes_nothing_else() {
    for (child, name) in [
        ("<service>loans</service>", "service"),
        ("<taskType>x</taskType>", "taskType"),
        ("<origin>x</origin>", "origin"),
        ("<skills/>", "skills"),
        ("<notBefore>2026-11-20T12:00:00Z</notBefore>", "notBefore"),
        ("<relatedTo>x</relatedTo>", "relatedTo"),
    ] {
        assert_eq!(schema_fault(&update(child)), format!("/update/{name}"));
    }
    for version in ["0", "01", "+1", "1000000000", "", "-1"] {
        let text = update("").replace("reference=", &format!("ifVersion='{version}' reference="));
        assert_eq!(schema_fault(&text), "/update/@ifVersion", "{version}");
    }
}

#[test]
fn an_update_that_empties_a_list_differs_from_one_that_leaves_it() {
    let digest = |children: &str| updated(read(&update(children))).content_digest;
    assert_ne!(digest(""), digest("<tags/>"));
    assert_ne!(digest(""), digest("<links/>"));
    assert_ne!(digest(""), digest("<preferredAgents/>"));
    assert_ne!(digest(""), digest("<customer/>"));
    assert_eq!(digest(""), digest("<contactData/>"));
}

#[test]
fn schema_and_rule_problems_of_an_update_are_listed_together() {
    let text = update("<lifetime>P15D</lifetime><bogus/>");
    let listed = listed(&judge(&text).unwrap_err());
    assert_eq!(listed[0], "timeOutOfRange 1:57 /update/lifetime");
    assert_eq!(listed[1], "schemaInvalid 1:82 /update/bogus");
}
