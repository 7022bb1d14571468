//! The description and the router are of the same routes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::routes;
use super::world::{asking, open};

#[tokio::test]
async fn the_description_names_every_route_and_no_other() {
    let world = open().await;
    let answer = world.probe("/api/v1/openapi.json").await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    let paths = document["paths"].as_object().expect("paths");
    let mut described = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, ways) in paths {
        for (method, way) in ways.as_object().expect("ways") {
            described.insert((method.to_uppercase(), path.clone()));
            assert!(
                way["summary"].is_string(),
                "{method} {path} says what it does"
            );
            assert_eq!(parameters(way), braces(path), "{method} {path}");
            let name = way["operationId"].as_str().expect("a name");
            assert!(names.insert(name.to_owned()), "{name} names one route");
            let answers = way["responses"].as_object().expect("answers");
            let is_said = |answer: &Value| answer["description"].is_string();
            assert!(answers.values().all(is_said), "{method} {path}");
        }
    }
    let routes = routes(&world.shared);
    let mounted = routes.ways().iter();
    let mounted: BTreeSet<_> = mounted
        .map(|(method, path)| (method.clone(), (*path).to_owned()))
        .collect();
    assert_eq!(described, mounted);
}

/// The parameters in the address that a description names.
fn parameters(way: &Value) -> BTreeSet<String> {
    let parameters = way["parameters"].as_array().cloned().unwrap_or_default();
    let in_path = parameters.iter().filter(|one| one["in"] == "path");
    let names = in_path.filter_map(|one| one["name"].as_str());
    names.map(str::to_owned).collect()
}

fn braces(path: &str) -> BTreeSet<String> {
    let parts = path.split('/');
    let names = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_schema_that_is_named_is_there() {
    let world = open().await;
    let document = world.probe("/api/v1/openapi.json").await.json();
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    assert!(named.contains("#/components/schemas/Problem"));
    for reference in named {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            found.extend(reference.map(str::to_owned));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn browsers_are_told_what_to_keep_from_with_every_answer() {
    let world = open().await;
    for (method, path, status) in [
        ("GET", "/api/v1/openapi.json", 200),
        ("GET", "/livez", 200),
        ("GET", "/api/v1/me", 401),
        ("PATCH", "/api/v1/me", 405),
        ("GET", "/nothing", 404),
    ] {
        let answer = world.ask_console(&asking(method, path, "")).await;
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "deny"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let policy = answer.header("content-security-policy");
        let policy = policy.expect("there is one");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
}
