use super::*;
use crate::domain::content::{
    ContactDatum, Content, Customer, Expiry, Link, PreferredAgent, PreferredAgents,
    SkillRequirement,
};

const WHOLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<w:workItem xmlns:w="urn:anteroom:work-item:1" reference=" R  1 " dryRun="1" chargeable="false">
  <!-- in any order -->
  <w:relatedTo>R0</w:relatedTo>
  <w:service> loans </w:service>
  <w:title> Call &amp;
    call <![CDATA[<back>]]></w:title>
  <w:description> a
 b </w:description>
  <w:taskType>callback</w:taskType>
  <w:origin>web</w:origin>
  <w:priority>9</w:priority>
  <w:customer id="C1"><w:email/><w:name>Åsa</w:name></w:customer>
  <w:preferredAgents required="true"><w:agent rank="99">ann</w:agent><w:agent>bo</w:agent></w:preferredAgents>
  <w:skills><w:skill level="9" optional="true">Finnish</w:skill><w:skill>loans</w:skill></w:skills>
  <w:notBefore>2026-11-21T12:00:00+01:00</w:notBefore>
  <w:dueBy>2026-11-22T12:00:00Z</w:dueBy>
  <w:lifetime>P1DT1H</w:lifetime>
  <w:links><w:link name="CRM" href="https://crm.example/åäö?x=1&amp;y=2#z"> </w:link></w:links>
  <w:tags><w:tag>vip</w:tag><w:tag>two words</w:tag></w:tags>
  <w:contactData><w:item key="workItemTask"> x </w:item><w:item key="empty"/></w:contactData>
  <w:attachments><w:attachment name="a b.txt" mediaType="Text/Plain"
    sha256="559AEAD08264D5795D3909718CDD05ABD49572E84FE55590EEF31A88A08FDFFD">QQ==</w:attachment></w:attachments>
</w:workItem>
"#;

/// What [`WHOLE`] says.
fn whole_content() -> Content {
    Content {
        reference: "R 1".into(),
        service: "loans".into(),
        chargeable: Some(false),
        title: Some("Call & call <back>".into()),
        description: Some(" a\n b ".into()),
        task_type: Some("callback".into()),
        origin: Some("web".into()),
        priority: Priority::new(9),
        customer: Some(Customer {
            id: Some("C1".into()),
            name: Some("Åsa".into()),
            email: Some(String::new()),
            ..Customer::default()
        }),
        preferred_agents: Some(PreferredAgents {
            required: true,
            agents: vec![
                PreferredAgent {
                    name: "ann".into(),
                    rank: 99,
                },
                PreferredAgent {
                    name: "bo".into(),
                    rank: 1,
                },
            ],
        }),
        skills: vec![
            SkillRequirement {
                name: "Finnish".into(),
                level: 9,
                optional: true,
            },
            SkillRequirement {
                name: "loans".into(),
                level: 1,
                optional: false,
            },
        ],
        not_before: parse_instant("2026-11-21T11:00:00Z"),
        due_by: parse_instant("2026-11-22T12:00:00Z"),
        expiry: Some(Expiry::Lifetime { ms: 25 * 3_600_000 }),
        links: vec![Link {
            name: "CRM".into(),
            href: "https://crm.example/åäö?x=1&y=2#z".into(),
        }],
        tags: vec!["vip".into(), "two words".into()],
        contact_data: vec![
            ContactDatum {
                key: "workItemTask".into(),
                value: " x ".into(),
            },
            ContactDatum {
                key: "empty".into(),
                value: String::new(),
            },
        ],
        attachments: Vec::new(),
        related_to: Some("R0".into()),
    }
}

#[test]
fn a_work_item_with_everything_is_read_as_written() {
    let submission = created(judge(WHOLE));
    assert_eq!(submission.problems, []);
    assert!(submission.dry_run);
    assert_eq!(submission.content, whole_content());
    assert_eq!(submission.uploads.len(), 1);
    assert_eq!(submission.uploads[0].name, "a b.txt");
    assert_eq!(submission.uploads[0].media_type, "Text/Plain");
    assert_eq!(submission.uploads[0].body, b"A");
    let digest = "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd";
    let raw = WHOLE.replace("QQ==", &format!("sha256:{digest}"));
    assert_eq!(submission.raw, raw);
}

#[test]
fn what_is_not_written_stays_unwritten() {
    let submission = created(read(
        r#"<workItem xmlns="urn:anteroom:work-item:1" reference="R1"><service>s</service></workItem>"#,
    ));
    let wanted = Content {
        reference: "R1".into(),
        service: "s".into(),
        ..Content::default()
    };
    assert_eq!(submission.content, wanted);
    assert!(!submission.dry_run);
}

#[test]
fn a_root_outside_the_namespace_is_shown_how_to_write_it() {
    for text in [
        "<workItem/>",
        "<workItem xmlns='urn:anteroom:work-item:2'/>",
        "<workItem><service>loans</service></workItem>",
    ] {
        let refusal = judge(text).unwrap_err();
        assert_eq!(listed(&refusal), ["schemaInvalid 1:1 /workItem"]);
        let shown = r#"<workItem xmlns="urn:anteroom:work-item:1" reference="…">"#;
        assert!(
            refusal.first.message.contains(shown),
            "{}",
            refusal.first.message
        );
    }
    assert_eq!(schema_fault("<ping/>"), "/ping");
}

#[test]
fn an_unknown_root_is_told_the_verbs() {
    let refusal = read("<receipt xmlns='urn:anteroom:work-item:1'/>").unwrap_err();
    assert_eq!(listed(&refusal), ["schemaInvalid 1:1 /receipt"]);
    assert!(refusal.first.message.contains("queryServices"));
}

#[test]
fn ill_formed_text_beats_every_other_fault() {
    let refusal = judge("<workItem><bogus></workItem>").unwrap_err();
    assert_eq!(listed(&refusal), ["malformedXml 1:18 -"]);
    let refusal = judge("<!DOCTYPE a><workItem/>").unwrap_err();
    assert_eq!(refusal.code(), Code::DoctypeRefused);
    let after = format!("{}<x/>", work_item("<bogus/>"));
    assert_eq!(judge(&after).unwrap_err().code(), Code::MalformedXml);
}

#[test]
fn every_fault_is_listed_in_document_order_with_its_place() {
    let text = "<workItem xmlns='urn:anteroom:work-item:1' color='x'>\n  stray\n  \
                <service>no such!</service>\n  <ö/><bogus><title/></bogus>\n  \
                <tags>å<tag></tag><tag>x<b/>y</tag><x/></tags>\n  <priority>10</priority>\n  \
                <contactData>\n    <item key='a'/>\n    <item key='a'>1</item>\n    <item/>\n    \
                <item key='é' x=''/></contactData>\n  <priority>1</priority>\n</workItem>";
    let refusal = judge(text).unwrap_err();
    assert_eq!(
        listed(&refusal),
        [
            "schemaInvalid 1:1 /workItem/@color",
            "schemaInvalid 1:1 /workItem/@reference",
            "schemaInvalid 1:1 /workItem",
            "schemaInvalid 3:3 /workItem/service",
            "schemaInvalid 4:3 /workItem/ö",
            "schemaInvalid 4:7 /workItem/bogus",
            "schemaInvalid 5:3 /workItem/tags",
            "schemaInvalid 5:10 /workItem/tags/tag[1]",
            "schemaInvalid 5:27 /workItem/tags/tag[2]/b",
            "schemaInvalid 5:38 /workItem/tags/x",
            "schemaInvalid 6:3 /workItem/priority",
            "schemaInvalid 9:5 /workItem/contactData/item[2]/@key",
            "schemaInvalid 10:5 /workItem/contactData/item[3]/@key",
            "schemaInvalid 11:5 /workItem/contactData/item[4]/@key",
            "schemaInvalid 11:5 /workItem/contactData/item[4]/@x",
            "notAWorkItem 11:25 /workItem/contactData",
            "schemaInvalid 12:3 /workItem/priority",
        ]
    );
}

#[test]
fn missing_children_stand_at_their_parents_end() {
    let text = "<workItem xmlns='urn:anteroom:work-item:1' reference='R'>\n</workItem>";
    assert_eq!(
        listed(&judge(text).unwrap_err()),
        [
            "schemaInvalid 2:1 /workItem/service",
            "notAWorkItem 2:1 /workItem/contactData"
        ]
    );
}

#[test]
fn no_more_problems_are_listed_than_an_answer_holds() {
    let text = work_item(&"<bogus/>".repeat(5_000));
    let refusal = read(&text).unwrap_err();
    assert_eq!(refusal.further.len(), 20);
    let first = shown(&refusal.first);
    assert_eq!(
        first,
        format!(
            "schemaInvalid 1:{} /workItem/bogus",
            text.find("<bogus").unwrap() + 1
        )
    );
}

#[test]
fn schema_attributes_and_foreign_names_are_refused() {
    let xsi = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'";
    for (text, path) in [
        (
            work_item(&format!("<title {xsi} xsi:type='x'>t</title>")),
            "/workItem/title/@xsi:type",
        ),
        (
            format!("<ping xmlns='urn:anteroom:work-item:1' {xsi} xsi:schemaLocation='a b'/>"),
            "/ping/@xsi:schemaLocation",
        ),
        (
            work_item("<title xml:lang='sv'>t</title>"),
            "/workItem/title/@xml:lang",
        ),
        (work_item("<title xmlns=''>t</title>"), "/workItem/title"),
        (
            work_item("<x:title xmlns:x='urn:x'>t</x:title>"),
            "/workItem/x:title",
        ),
        (
            "<ping xmlns='urn:anteroom:work-item:1' xmlns:w='urn:anteroom:work-item:1' w:id=''/>"
                .into(),
            "/ping/@w:id",
        ),
    ] {
        assert_eq!(schema_fault(&text), path);
    }
}

#[test]
fn customer_values_never_stand_in_a_message() {
    let secret = "s3cret/";
    let text = format!(
        "<workItem xmlns='urn:anteroom:work-item:1' reference='R'>{secret}<service>{secret}</service>\
         <title>{}</title><priority>{secret}</priority><taskType>{secret}</taskType>\
         <customer id='{}'>{secret}</customer><notBefore>{secret}</notBefore>\
         <contactData><item key='{secret}'>{secret}</item></contactData>\
         <links><link name='{secret}' href='{secret}'>{secret}</link></links>\
         <attachments><attachment name='{secret}' mediaType='{secret}'>{secret}!</attachment></attachments>\
         </workItem>",
        secret.repeat(30),
        secret.repeat(30),
    );
    let refusal = judge(&text).unwrap_err();
    assert!(refusal.further.len() > 10);
    for problem in std::iter::once(&refusal.first).chain(&refusal.further) {
        assert!(!problem.message.contains("s3cret"), "{}", problem.message);
    }
}

#[test]
fn comments_and_instructions_may_stand_anywhere() {
    let text = work_item("<!--x--><title>a<!--x-->b<?x y?>c</title><tags><!--x--></tags><?x?>");
    assert_eq!(created(read(&text)).content.title.as_deref(), Some("abc"));
}

#[test]
fn empty_lists_are_taken() {
    let text = work_item("<skills/><links/><tags/><preferredAgents/><attachments/><customer/>");
    let content = created(judge(&text)).content;
    assert_eq!(content.preferred_agents, Some(PreferredAgents::default()));
    assert_eq!(content.customer, Some(Customer::default()));
    assert!(content.tags.is_empty() && content.links.is_empty() && content.skills.is_empty());
}

#[test]
fn both_ways_to_expire_are_one_too_many() {
    let lifetime = "<lifetime>PT1H</lifetime>";
    let at = "<expiresAt>2026-11-20T13:00:00Z</expiresAt>";
    assert_eq!(
        schema_fault(&work_item(&format!("{lifetime}{at}"))),
        "/workItem/expiresAt"
    );
    assert_eq!(
        schema_fault(&work_item(&format!("{at}{lifetime}"))),
        "/workItem/lifetime"
    );
    assert_eq!(
        schema_fault(&update(&format!("{at}{lifetime}"))),
        "/update/lifetime"
    );
}

#[test]
fn content_digests_see_through_the_spelling() {
    let digest = |text: &str| created(read(text)).content_digest;
    let tags = "<tags><tag>a</tag><tag>b</tag></tags>";
    let same = [
        work_item(&format!(
            "<title>a b</title>{tags}<dueBy>2026-11-20T12:00:00Z</dueBy>"
        )),
        work_item(
            "<dueBy>2026-11-20T13:00:00.000+01:00</dueBy><tags><tag>b</tag><tag> a </tag></tags>\
                   <title> a <!-- x --> &#98; </title>",
        ),
        work_item(&format!(
            "<title>a b</title>{tags}<dueBy>2026-11-20T12:00:00Z</dueBy>"
        ))
        .replace("reference=", "dryRun='true' reference="),
        work_item(&format!(
            "<title>a b</title>{tags}<dueBy>2026-11-20T12:00:00Z</dueBy><links/><skills/><customer/>"
        )),
    ];
    for text in &same {
        assert_eq!(digest(text), digest(&same[0]), "{text}");
    }
    let other = [
        work_item(""),
        work_item("<title>ab</title>"),
        work_item("<title>a</title><description>b</description>"),
        work_item("<description>a</description><title>b</title>"),
        work_item("<description/>"),
        work_item("<customer><name>a</name></customer>"),
        work_item("<customer><phone>a</phone></customer>"),
        work_item("<customer id='a'/>"),
        work_item("<tags><tag>a</tag></tags>"),
        work_item("<skills><skill>a</skill></skills>"),
        work_item("<skills><skill level='2'>a</skill></skills>"),
        work_item("<skills><skill optional='1'>a</skill></skills>"),
        work_item("<skills><skill>a</skill><skill>b</skill></skills>"),
        work_item("<skills><skill>b</skill><skill>a</skill></skills>"),
        work_item("<lifetime>PT1S</lifetime>"),
        work_item("<expiresAt>2026-11-20T12:00:00Z</expiresAt>"),
        work_item("<notBefore>2026-11-20T12:00:00Z</notBefore>"),
        work_item("<dueBy>2026-11-20T12:00:00Z</dueBy>"),
        work_item("<priority>5</priority>"),
        work_item("").replace("reference=", "chargeable='true' reference="),
        work_item(
            "<attachments><attachment name='a' mediaType='a/b'>QQ==</attachment></attachments>",
        ),
        work_item(
            "<attachments><attachment name='a' mediaType='a/b'>QUE=</attachment></attachments>",
        ),
        work_item(
            "<attachments><attachment name='b' mediaType='a/b'>QQ==</attachment></attachments>",
        ),
    ];
    let digests: std::collections::BTreeSet<_> = other.iter().map(|text| digest(text)).collect();
    assert_eq!(digests.len(), other.len());
}

#[test]
fn contact_data_is_unordered_in_the_digest() {
    let digest = |items: &str| created(read(&with_data("loans", items))).content_digest;
    let (a, b) = ("<item key='a'>1</item>", "<item key='b'>2</item>");
    assert_eq!(digest(&format!("{a}{b}")), digest(&format!("{b}{a}")));
    assert_ne!(digest(a), digest("<item key='a'>1 </item>"));
}

#[test]
fn the_digest_of_a_message_never_changes() {
    let submission = created(read(WHOLE));
    let hex: String = submission
        .content_digest
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(hex, "f1f4c867d54244151b61faa666246057");
}
