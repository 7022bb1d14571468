//! The senders' door: what is taken, and what is refused with which status and code.

use std::sync::Arc;

use super::world::{Answer, Ask, KEY, Setting, World, bearer, gzip, work_item, work_item_with};

fn signed(message: &str) -> Ask {
    Ask::post(message).header("authorization", &bearer(KEY))
}

fn xml(path: &str, body: &str) -> Ask {
    Ask::new("POST", path)
        .header("authorization", &bearer(KEY))
        .body(body.as_bytes())
}

#[tokio::test]
async fn a_new_item_is_201_with_its_address_and_its_receipt() {
    let world = World::open(Setting::default()).await;
    let created = world.post(&work_item("a-1")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.attribute("id").expect("an id");
    let location = format!("/v1/work-items/{id}");
    assert_eq!(created.header("location"), Some(location.as_str()));
    assert_eq!(
        created.header("content-type"),
        Some("application/xml; charset=utf-8")
    );
    assert_eq!(created.attribute("reference"), Some("a-1"));
    assert_eq!(created.attribute("state"), Some("queued"));

    let replayed = world.post(&work_item("a-1")).await;
    assert_eq!(replayed.status, 200);
    assert_eq!(replayed.attribute("duplicate"), Some("true"));
    assert_eq!(replayed.attribute("id"), Some(id));
    assert_eq!(replayed.header("location"), None);

    let other = world
        .post(&work_item_with("a-1", "loans", "<title>other</title>"))
        .await;
    assert_eq!(other.fault(), (409, "duplicateReference"));
    assert_eq!(other.header("location"), Some(location.as_str()));
}

#[tokio::test]
async fn faults_at_the_door_have_their_status_and_code() {
    let world = World::open(Setting::default()).await;
    let item = work_item("f-1");
    let typed = |kind: &str| xml("/v1/work-items", &item).header("content-type", kind);
    let table: Vec<(&str, Ask, (u16, &str))> = vec![
        ("no key", Ask::post(&item), (401, "notAuthenticated")),
        (
            "a wrong key",
            Ask::post(&item).header("authorization", "Bearer no"),
            (401, "notAuthenticated"),
        ),
        (
            "no content type",
            xml("/v1/work-items", &item),
            (415, "unsupportedMediaType"),
        ),
        (
            "JSON",
            typed("application/json"),
            (415, "unsupportedMediaType"),
        ),
        (
            "brotli",
            signed(&item).header("content-encoding", "br"),
            (415, "unsupportedMediaType"),
        ),
        (
            "only JSON wanted",
            signed(&item).header("accept", "application/json"),
            (406, "notAcceptable"),
        ),
        (
            "an unknown charset",
            typed("text/xml; charset=ebcdic"),
            (400, "encodingInvalid"),
        ),
        (
            "no gzip after all",
            signed(&item).header("content-encoding", "gzip"),
            (400, "encodingInvalid"),
        ),
        ("no XML", signed("work item"), (400, "malformedXml")),
        ("nothing", signed(""), (400, "malformedXml")),
        (
            "a DOCTYPE",
            signed(&format!("<!DOCTYPE workItem>{item}")),
            (400, "doctypeRefused"),
        ),
        ("another root", signed("<item/>"), (422, "schemaInvalid")),
        (
            "an unknown service",
            signed(&work_item_with("f-2", "savings", "")),
            (422, "unknownService"),
        ),
        (
            "an unknown route",
            Ask::new("GET", "/v2"),
            (404, "notFound"),
        ),
        (
            "a wrong method",
            Ask::new("PUT", "/v1/work-items"),
            (405, "methodNotAllowed"),
        ),
        (
            "an id that is none",
            Ask::new("GET", "/v1/work-items/1").header("authorization", &bearer(KEY)),
            (404, "unknownItem"),
        ),
        (
            "a cursor that is none",
            Ask::new("GET", "/v1/work-items?since=1").header("authorization", &bearer(KEY)),
            (422, "schemaInvalid"),
        ),
        (
            "an unknown parameter",
            Ask::new("GET", "/v1/work-items?limit=1").header("authorization", &bearer(KEY)),
            (422, "schemaInvalid"),
        ),
    ];
    for (what, ask, expected) in table {
        let answer: Answer = world.connect().await.ask(&ask).await;
        assert_eq!(answer.fault(), expected, "{what}: {answer:?}");
        assert_eq!(answer.attribute("created"), Some("false"), "{what}");
    }
    let unsigned = world.connect().await.ask(&Ask::post(&item)).await;
    assert!(unsigned.header("www-authenticate").is_some());
    let put = world
        .connect()
        .await
        .ask(&Ask::new("PUT", "/v1/work-items"))
        .await;
    assert_eq!(put.header("allow"), Some("post,get,head"));
}

#[tokio::test]
async fn chunked_and_gzipped_bodies_are_the_same_message() {
    let world = World::open(Setting::default()).await;
    let item = work_item("g-1");
    let mut client = world.connect().await;
    let created = client.ask(&signed(&item).chunked()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let packed = gzip(item.as_bytes());
    for ask in [signed("").body(&packed), signed("").body(&packed).chunked()] {
        let replayed = client.ask(&ask.header("content-encoding", "gzip")).await;
        assert_eq!(replayed.status, 200, "{replayed:?}");
        assert_eq!(replayed.attribute("id"), created.attribute("id"));
    }
}

fn attachment(body: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(body);
    format!(
        r#"<attachments><attachment name="a.txt" mediaType="text/plain">{text}</attachment></attachments>"#
    )
}

#[tokio::test]
async fn attachments_are_stored_in_pieces_before_their_item() {
    let world = World::open(Setting::default()).await;
    let file = attachment(&vec![b'x'; 600 * 1024]);
    let item = work_item_with("t-1", "loans", &file);
    let created = world.post(&item).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(world.chunks(), 3, "256 KiB each");
    let replayed = world.post(&item).await;
    assert_eq!((replayed.status, world.chunks()), (200, 3));
    let other = work_item_with("t-1", "loans", &attachment(b"other"));
    assert_eq!(
        world.post(&other).await.fault(),
        (409, "duplicateReference")
    );
    let refused = work_item_with("t-2", "savings", &file);
    assert_eq!(world.post(&refused).await.fault(), (422, "unknownService"));
    let dry = item.replace("reference", r#"dryRun="true" reference"#);
    let dry = dry.replace("t-1", "t-3");
    assert_eq!(world.post(&dry).await.status, 200);
    assert_eq!(world.chunks(), 3, "nothing is kept of what was not created");
}

#[tokio::test]
async fn an_update_adds_its_attachments() {
    let world = World::open(Setting::default()).await;
    assert_eq!(world.post(&work_item("u-1")).await.status, 201);
    let update = |reference: &str| {
        format!(
            r#"<update xmlns="urn:anteroom:work-item:1" reference="{reference}">{}</update>"#,
            attachment(b"more")
        )
    };
    let updated = world.post(&update("u-1")).await;
    assert_eq!(updated.status, 200, "{updated:?}");
    assert_eq!(updated.attribute("version"), Some("2"));
    assert_eq!(updated.header("location"), None);
    let unknown = world.post(&update("u-2")).await;
    assert_eq!(unknown.fault(), (404, "unknownItem"));
    assert_eq!(world.chunks(), 1);
}

fn batch(entries: &[String]) -> String {
    let entries: String = entries
        .iter()
        .map(|entry| entry.replace(r#" xmlns="urn:anteroom:work-item:1""#, ""))
        .collect();
    format!(r#"<workItems xmlns="urn:anteroom:work-item:1">{entries}</workItems>"#)
}

#[tokio::test]
async fn each_entry_of_a_batch_stands_alone() {
    let world = World::open(Setting::default()).await;
    let entries = [
        work_item("b-1"),
        work_item_with("b-2", "savings", &attachment(b"one")),
        work_item_with("b-3", "loans", &attachment(b"two")),
    ];
    let answer = world.post(&batch(&entries)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body.matches("<receipt ").count(), 2);
    assert_eq!(answer.attribute("code"), Some("unknownService"));
    assert_eq!(world.chunks(), 1);
}

#[tokio::test]
async fn entries_without_a_token_are_refused_one_by_one() {
    let mut setting = Setting::default();
    let crm = setting.policy.senders.get_mut("crm").expect("there");
    Arc::make_mut(crm).rate_per_minute = Some(3);
    let world = World::open(setting).await;
    let entries: Vec<_> = (0..5).map(|n| work_item(&format!("r-{n}"))).collect();
    let answer = world.post(&batch(&entries)).await;
    assert_eq!(answer.body.matches("<receipt ").count(), 3, "{answer:?}");
    assert_eq!(answer.body.matches(r#"code="rateLimited""#).count(), 2);
    let single = world.post(&work_item("r-9")).await;
    assert_eq!(single.fault(), (429, "rateLimited"));
    let wait: u32 = single
        .header("retry-after")
        .expect("known")
        .parse()
        .expect("seconds");
    assert!(
        (1..=20).contains(&wait),
        "one token comes every 20 s: {wait}"
    );
    let limits = world.read("/v1/limits").await;
    assert_eq!(limits.status, 200, "asking costs no token");
}

#[tokio::test]
async fn without_receipts_a_single_item_is_204_with_its_address() {
    let world = World::open(Setting::default()).await;
    let item = work_item_with("n-1", "quiet", "");
    let created = world.post(&item).await;
    assert_eq!((created.status, created.body.as_str()), (204, ""));
    let location = created.header("location").expect("an address").to_owned();
    let replayed = world.post(&item).await;
    assert_eq!(replayed.status, 204);
    assert_eq!(replayed.header("location"), Some(location.as_str()));
    assert_eq!(world.read(&location).await.status, 200);
    let batch = world
        .post(&batch(&[work_item_with("n-2", "quiet", "")]))
        .await;
    assert_eq!(batch.status, 200, "batches always have bodies");
    assert_eq!(world.post("<x").await.fault(), (400, "malformedXml"));
}

#[tokio::test]
async fn an_item_is_found_and_cancelled_by_its_own_sender_alone() {
    let world = World::open(Setting::default()).await;
    let created = world.post(&work_item("q 1&2")).await;
    assert_eq!(created.fault(), (400, "malformedXml"));
    let created = world.post(&work_item("q 1")).await;
    let path = created.header("location").expect("an address").to_owned();
    let by_reference = "/v1/work-items?reference=q%201";
    for address in [path.as_str(), by_reference] {
        let status = world.read(address).await;
        assert_eq!(status.status, 200, "{status:?}");
        assert_eq!(status.attribute("id"), created.attribute("id"));
        assert_eq!(status.attribute("state"), Some("queued"));
        let foreign = Ask::new("GET", address).header("authorization", &bearer("web-key"));
        let foreign = world.connect().await.ask(&foreign).await;
        assert_eq!(foreign.fault(), (404, "unknownItem"), "{address}");
    }
    let cancel = format!("{path}?reason=no%20longer");
    let foreign = Ask::new("DELETE", &cancel).header("authorization", &bearer("web-key"));
    let foreign = world.connect().await.ask(&foreign).await;
    assert_eq!(foreign.fault(), (404, "unknownItem"));
    let cancel = Ask::new("DELETE", &cancel).header("authorization", &bearer(KEY));
    for _ in 0..2 {
        let status = world.connect().await.ask(&cancel).await;
        assert_eq!(status.status, 200, "repeating it is the same: {status:?}");
        assert_eq!(status.attribute("state"), Some("ended"));
    }
}

#[tokio::test]
async fn a_list_goes_on_behind_its_cursor() {
    let world = World::open(Setting::default()).await;
    let entries: Vec<_> = (0..501).map(|n| work_item(&format!("l-{n}"))).collect();
    assert_eq!(world.post(&batch(&entries)).await.status, 200);
    let first = world.read("/v1/work-items?since=&state=queued").await;
    assert_eq!(
        first.body.matches("<status ").count(),
        500,
        "{}",
        first.head
    );
    let next = first.attribute("next").expect("there is more").to_owned();
    let second = world.read(&format!("/v1/work-items?since={next}")).await;
    assert_eq!(second.body.matches("<status ").count(), 1);
    assert_eq!(second.attribute("reference"), Some("l-500"));
    assert_eq!(second.attribute("next"), None);
    let none = world.read("/v1/work-items?state=ended").await;
    assert_eq!(none.body.matches("<status ").count(), 0);
    let posted = format!(r#"<query xmlns="urn:anteroom:work-item:1" since="{next}"/>"#);
    assert_eq!(world.post(&posted).await.body, second.body);
}

#[tokio::test]
async fn services_and_limits_show_what_is_open_to_the_sender() {
    let world = World::open(Setting::default()).await;
    let all = world.read("/v1/services").await;
    assert_eq!(all.body.matches("<service ").count(), 2, "{all:?}");
    let one = world.read("/v1/services/quiet").await;
    assert_eq!(one.body.matches("<service ").count(), 1);
    let unknown = world.read("/v1/services/savings").await;
    assert_eq!(unknown.fault(), (422, "unknownService"));
    for path in ["/v1/services", "/v1/limits"] {
        let web = Ask::new("GET", path).header("authorization", &bearer("web-key"));
        let web = world.connect().await.ask(&web).await;
        assert!(web.body.contains("loans"), "{web:?}");
        assert!(!web.body.contains("quiet"), "{web:?}");
    }
    let ping = world
        .post(r#"<ping xmlns="urn:anteroom:work-item:1"/>"#)
        .await;
    assert_eq!(ping.status, 200);
    assert_eq!(ping.attribute("version"), Some(env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn the_schemas_are_for_everybody() {
    let world = World::open(Setting::default()).await;
    let work_item = "targetNamespace=\"urn:anteroom:work-item:1\"";
    let workflow = "targetNamespace=\"urn:anteroom:workflow:1\"";
    let schemas = [
        ("work-item", work_item),
        ("answer", work_item),
        ("workflow", workflow),
    ];
    for (name, namespace) in schemas {
        let path = format!("/schemas/{name}.xsd");
        let schema = world.connect().await.ask(&Ask::new("GET", &path)).await;
        assert_eq!(schema.status, 200);
        assert!(schema.body.contains(namespace), "{name}");
    }
}

#[tokio::test]
async fn a_draining_daemon_says_so() {
    let world = World::open(Setting::default()).await;
    world.shared.refuse_as_draining();
    let refused = world.post(&work_item("d-1")).await;
    assert_eq!(refused.fault(), (503, "draining"));
    assert_eq!(world.read("/v1/limits").await.fault(), (503, "draining"));
}
