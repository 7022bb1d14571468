//! The senders' door: what is taken, and what is refused with which status and code.

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
