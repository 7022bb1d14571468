use super::*;

/// The contents are taken with `good` and refused with `bad`, at `path`.
fn edge(good: impl Fn(usize) -> String, limits: [usize; 2], path: &str) {
    let [min, max] = limits;
    for length in [min, min + 1, max - 1, max] {
        let text = good(length);
        assert!(read(&text).is_ok(), "{length} at {path}: {:?}", read(&text));
    }
    assert_eq!(schema_fault(&good(max + 1)), path, "{} at {path}", max + 1);
    if min > 0 {
        assert_eq!(schema_fault(&good(min - 1)), path, "{} at {path}", min - 1);
    }
}

/// Characters of two UTF-16 units and four bytes, so that a count of anything else shows.
fn wide(length: usize) -> String {
    "😀".repeat(length)
}

fn plain(length: usize) -> String {
    "x".repeat(length)
}

#[test]
fn texts_are_as_long_as_the_schema_allows() {
    let child = |name: &str, text: String| work_item(&format!("<{name}>{text}</{name}>"));
    edge(|n| child("title", wide(n)), [1, 200], "/workItem/title");
    edge(
        |n| child("description", wide(n)),
        [0, 8_000],
        "/workItem/description",
    );
    edge(
        |n| child("taskType", plain(n)),
        [1, 64],
        "/workItem/taskType",
    );
    edge(|n| child("origin", plain(n)), [1, 64], "/workItem/origin");
    edge(
        |n| child("relatedTo", wide(n)),
        [1, 128],
        "/workItem/relatedTo",
    );
    edge(
        |n| work_item("").replace("R1", &wide(n)),
        [1, 128],
        "/workItem/@reference",
    );
    edge(
        |n| work_item("").replace("loans", &plain(n)),
        [1, 32],
        "/workItem/service",
    );
    for (name, max) in [
        ("name", 100),
        ("company", 100),
        ("phone", 40),
        ("email", 254),
    ] {
        let text = |n| child("customer", format!("<{name}>{}</{name}>", wide(n)));
        edge(text, [0, max], &format!("/workItem/customer/{name}"));
    }
    let id = |n| work_item(&format!("<customer id='{}'/>", wide(n)));
    edge(id, [1, 128], "/workItem/customer/@id");
    let reason = |n| {
        let reason = wide(n);
        format!(
            "<cancel xmlns='urn:anteroom:work-item:1' reference='r'><reason>{reason}</reason></cancel>"
        )
    };
    edge(reason, [0, 1_000], "/cancel/reason");
    let request =
        |n| update("").replace("reference=", &format!("requestId='{}' reference=", wide(n)));
    edge(request, [1, 128], "/update/@requestId");
    let since = |n| {
        format!(
            "<query xmlns='urn:anteroom:work-item:1' since='{}'/>",
            wide(n)
        )
    };
    edge(since, [1, 128], "/query/@since");
}

#[test]
fn texts_in_lists_are_as_long_as_the_schema_allows() {
    let agent = |n| {
        work_item(&format!(
            "<preferredAgents><agent>{}</agent></preferredAgents>",
            wide(n)
        ))
    };
    edge(agent, [1, 64], "/workItem/preferredAgents/agent[1]");
    let skill = |n| work_item(&format!("<skills><skill>{}</skill></skills>", wide(n)));
    edge(skill, [1, 64], "/workItem/skills/skill[1]");
    let tag = |n| work_item(&format!("<tags><tag>{}</tag></tags>", wide(n)));
    edge(tag, [1, 64], "/workItem/tags/tag[1]");
    let key = |n| with_data("loans", &format!("<item key='{}'>x</item>", plain(n)));
    edge(key, [1, 100], "/workItem/contactData/item[1]/@key");
    let value = |n| with_data("loans", &format!("<item key='k'>{}</item>", wide(n)));
    edge(value, [0, 1_024], "/workItem/contactData/item[1]");
    let link = |n| {
        work_item(&format!(
            "<links><link name='{}' href='http://x'/></links>",
            wide(n)
        ))
    };
    edge(link, [1, 100], "/workItem/links/link[1]/@name");
    let href = |n: usize| {
        let path = wide(n - "http://x/".len());
        work_item(&format!(
            "<links><link name='n' href='http://x/{path}'/></links>"
        ))
    };
    edge(
        |n| href(n.max(9)),
        [0, 2_000],
        "/workItem/links/link[1]/@href",
    );
    let attachment = |name: String, media_type: String| {
        work_item(&format!(
            "<attachments><attachment name='{name}' mediaType='{media_type}'/></attachments>"
        ))
    };
    let path = "/workItem/attachments/attachment[1]";
    edge(
        |n| attachment(wide(n), "a/b".into()),
        [1, 255],
        &format!("{path}/@name"),
    );
    let media_type = |n: usize| attachment("n".into(), format!("a/{}", plain(n.max(3) - 2)));
    edge(media_type, [0, 127], &format!("{path}/@mediaType"));
}

#[test]
fn white_space_does_not_count_in_single_lines() {
    let text = work_item(&format!("<title>\n {} \t</title>", plain(200)));
    assert_eq!(created(read(&text)).content.title, Some(plain(200)));
    assert_eq!(
        schema_fault(&work_item("<title> \n </title>")),
        "/workItem/title"
    );
    assert_eq!(
        schema_fault(&work_item("<tags><tag> </tag></tags>")),
        "/workItem/tags/tag[1]"
    );
}

#[test]
fn lists_are_as_long_as_the_schema_allows() {
    let list = |list: &'static str, one: &'static str| {
        move |n: usize| work_item(&format!("<{list}>{}</{list}>", one.repeat(n)))
    };
    let agents = list("preferredAgents", "<agent>a</agent>");
    edge(agents, [0, 10], "/workItem/preferredAgents/agent[11]");
    edge(
        list("skills", "<skill>a</skill>"),
        [0, 10],
        "/workItem/skills/skill[11]",
    );
    edge(
        list("links", "<link name='a' href='http://a'/>"),
        [0, 10],
        "/workItem/links/link[11]",
    );
    edge(
        list("tags", "<tag>a</tag>"),
        [0, 20],
        "/workItem/tags/tag[21]",
    );
    let attachments = list("attachments", "<attachment name='a' mediaType='a/b'/>");
    edge(attachments, [0, 10], "/workItem/attachments/attachment[11]");
    let data = |n: usize| {
        let items: String = (0..n).map(|n| format!("<item key='k{n}'/>")).collect();
        with_data("loans", &items)
    };
    edge(data, [0, 50], "/workItem/contactData/item[51]");
}

#[test]
fn a_list_far_too_long_is_one_fault() {
    let text = work_item(&format!("<tags>{}</tags>", "<tag>a</tag>".repeat(10_000)));
    assert_eq!(schema_fault(&text), "/workItem/tags/tag[21]");
}

#[test]
fn numbers_are_within_their_patterns() {
    let priority = |text: &str| work_item(&format!("<priority>{text}</priority>"));
    let rank = |text: &str| {
        work_item(&format!(
            "<preferredAgents><agent rank='{text}'>a</agent></preferredAgents>"
        ))
    };
    let level =
        |text: &str| work_item(&format!("<skills><skill level='{text}'>a</skill></skills>"));
    for good in ["0", "9", " 5 "] {
        assert!(read(&priority(good)).is_ok(), "{good}");
    }
    for good in ["1", "9", "10", "99"] {
        assert!(read(&rank(good)).is_ok(), "{good}");
    }
    for good in ["1", "9"] {
        assert!(read(&level(good)).is_ok(), "{good}");
    }
    for bad in ["10", "+5", "05", "-0", "-1", "", "5.0", "five", "٥"] {
        assert_eq!(schema_fault(&priority(bad)), "/workItem/priority", "{bad}");
    }
    for bad in ["0", "100", "+5", "05", ""] {
        assert_eq!(
            schema_fault(&rank(bad)),
            "/workItem/preferredAgents/agent[1]/@rank",
            "{bad}"
        );
    }
    for bad in ["0", "10", "+5", "05", ""] {
        assert_eq!(
            schema_fault(&level(bad)),
            "/workItem/skills/skill[1]/@level",
            "{bad}"
        );
    }
}

#[test]
fn booleans_are_those_of_the_schema() {
    let text =
        |value: &str| work_item("").replace("reference=", &format!("dryRun='{value}' reference="));
    for (value, dry_run) in [
        ("true", true),
        ("1", true),
        (" false ", false),
        ("0", false),
    ] {
        assert_eq!(created(read(&text(value))).dry_run, dry_run);
    }
    for bad in ["", "yes", "True", "00", "t rue"] {
        assert_eq!(schema_fault(&text(bad)), "/workItem/@dryRun", "{bad}");
    }
}

#[test]
fn names_have_plain_characters_only() {
    for good in ["a", "A.b_c-9", " x "] {
        assert!(
            read(&work_item("").replace("loans", good)).is_ok(),
            "{good}"
        );
    }
    for bad in ["a b", "å", "a/b", "a:b", "a&amp;b"] {
        assert_eq!(
            schema_fault(&work_item("").replace("loans", bad)),
            "/workItem/service"
        );
        assert_eq!(
            schema_fault(&work_item(&format!("<origin>{bad}</origin>"))),
            "/workItem/origin"
        );
    }
}

#[test]
fn addresses_are_http_with_a_host() {
    let text = |href: &str| work_item(&format!("<links><link name='n' href='{href}'/></links>"));
    for good in [
        "http://a",
        "https://a.b/c?d=e&amp;f#g",
        "https://[::1]:8/",
        "http://å.se/ö?%20",
        "http://a?b",
        "http://a#b",
        "http://u@a",
        " http://a ",
        "http://a/&apos;",
    ] {
        assert!(read(&text(good)).is_ok(), "{good}");
    }
    for bad in [
        "",
        "a",
        "http:",
        "http://",
        "http:///a",
        "http://?a",
        "http://#",
        "HTTP://a",
        "ftp://a",
        "javascript:alert(1)",
        "http://a b",
        "http://a/b c",
        "http://a/&lt;",
        "http://a/&quot;",
        "http://a\\b",
        "http://a/^",
        "http://a/`",
        "http://a/{",
        "http://a/|",
        "http://a/}",
        "http://a/&#x7f;",
        "http://a/&#x85;",
        "http://a/&#xa0;",
        "//a",
    ] {
        assert_eq!(
            schema_fault(&text(bad)),
            "/workItem/links/link[1]/@href",
            "{bad}"
        );
    }
}

#[test]
fn file_names_and_media_types_are_plain() {
    let text = |name: &str, media_type: &str| {
        work_item(&format!(
            "<attachments><attachment name='{name}' mediaType='{media_type}'/></attachments>"
        ))
    };
    for good in ["a", "a b.pdf", "..a", "å", ".x."] {
        assert!(read(&text(good, "a/b")).is_ok(), "{good}");
    }
    for bad in [
        "", ".", "..", "....", "a/b", "a\\b", "a&#x7f;", "a&#x9f;", "/", " ",
    ] {
        let path = "/workItem/attachments/attachment[1]/@name";
        assert_eq!(schema_fault(&text(bad, "a/b")), path, "{bad}");
    }
    for good in [
        "a/b",
        "Application/PDF",
        "a/b+c.d-e_f",
        "1/2",
        "a!#$&amp;^_.+-/b",
    ] {
        assert!(read(&text("n", good)).is_ok(), "{good}");
    }
    for bad in [
        "", "a", "a/", "/b", "a/b/c", "a/b;c=d", "a /b", ".a/b", "a/*", "å/b",
    ] {
        let path = "/workItem/attachments/attachment[1]/@mediaType";
        assert_eq!(schema_fault(&text("n", bad)), path, "{bad}");
    }
}

#[test]
fn bodies_are_base64_and_digests_hexadecimal() {
    let text = |sha256: &str, body: &str| {
        work_item(&format!(
            "<attachments><attachment name='n' mediaType='a/b'{sha256}>{body}</attachment></attachments>"
        ))
    };
    for good in [
        "",
        " Q Q = = ",
        "QUJD",
        "QUJD<!-- x -->QQ==",
        "<![CDATA[QQ==]]>",
        "&#81;Q==",
    ] {
        assert!(read(&text("", good)).is_ok(), "{good}");
    }
    for bad in ["Q", "QR==", "QQ==QQ==", "Q-_=", "QQ==<b/>"] {
        let refusal = read(&text("", bad)).unwrap_err();
        assert_eq!(refusal.code(), Code::SchemaInvalid, "{bad}");
    }
    let path = "/workItem/attachments/attachment[1]";
    assert_eq!(schema_fault(&text("", "Q!")), path);
    for bad in [
        "a".repeat(63),
        "a".repeat(65),
        "g".repeat(64),
        String::new(),
        "+a".repeat(32),
    ] {
        assert_eq!(
            schema_fault(&text(&format!(" sha256='{bad}'"), "QQ==")),
            format!("{path}/@sha256")
        );
    }
    let unnamed = work_item("<attachments><attachment mediaType='a/b'/></attachments>");
    assert_eq!(schema_fault(&unnamed), format!("{path}/@name"));
    let typeless = work_item("<attachments><attachment name='a'/></attachments>");
    assert_eq!(schema_fault(&typeless), format!("{path}/@mediaType"));
}

#[test]
fn every_child_stands_at_most_once() {
    for child in [
        "<title>a</title>",
        "<description/>",
        "<taskType>a</taskType>",
        "<origin>a</origin>",
        "<priority>1</priority>",
        "<customer/>",
        "<preferredAgents/>",
        "<skills/>",
        "<notBefore>2026-11-20T12:00:00Z</notBefore>",
        "<dueBy>2026-11-20T12:00:00Z</dueBy>",
        "<lifetime>PT1S</lifetime>",
        "<expiresAt>2026-11-20T12:00:00Z</expiresAt>",
        "<links/>",
        "<tags/>",
        "<attachments/>",
        "<relatedTo>a</relatedTo>",
    ] {
        let name = &child[1..child.find(['>', '/']).unwrap()];
        assert!(read(&work_item(child)).is_ok(), "{child}");
        assert_eq!(
            schema_fault(&work_item(&child.repeat(2))),
            format!("/workItem/{name}")
        );
    }
    assert_eq!(
        schema_fault(&work_item("<contactData/>")),
        "/workItem/contactData"
    );
    assert_eq!(
        schema_fault(&work_item("<service>a</service>")),
        "/workItem/service"
    );
    let twice = work_item("<customer><name/><name/></customer>");
    assert_eq!(schema_fault(&twice), "/workItem/customer/name");
}
