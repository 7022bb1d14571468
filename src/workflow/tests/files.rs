//! The kept files: what `workflow.xsd` makes of them three engines say in
//! `tests/differential/workflows.py`; what the loader does is said here.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Known, Rule, load, load_begun};

/// Rules that a schema can say.
const OF_THE_SCHEMA: [Rule; 5] = [
    Rule::Schema,
    Rule::TooMany,
    Rule::Twice,
    Rule::ExitMissing,
    Rule::NoReceived,
];

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/workflows")
        .join(folder);
    let entries = fs::read_dir(&folder).expect("the folder is kept");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let files: Vec<(PathBuf, String)> = paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("it can be read");
            (path, text)
        })
        .collect();
    assert!(files.len() > 20, "{}", folder.display());
    files
}

#[test]
fn good_files_load() {
    for (path, text) in files("good") {
        if let Err(faults) = load(&text, &Known::anything()) {
            panic!("{}: {}", path.display(), faults[0]);
        }
    }
}

#[test]
fn what_the_schema_refuses_is_refused_for_its_form() {
    for (path, text) in files("bad") {
        let faults = load(&text, &Known::anything()).expect_err("it is bad");
        let of_form = faults.iter().any(|it| OF_THE_SCHEMA.contains(&it.rule));
        assert!(of_form, "{}: {faults:?}", path.display());
    }
}

#[test]
fn what_no_schema_can_refuse_is_refused_all_the_same() {
    for (path, text) in files("beyond") {
        assert!(
            load(&text, &Known::anything()).is_err(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_version_that_items_began_with_is_read_though_a_rule_of_today_refuses_it() {
    let spins = "<event on=\"received\"><goto name=\"a\"/></event>\
        <event on=\"goto\" name=\"a\"><goto name=\"a\"/></event>";
    let nowhere = "<event on=\"received\"><goto name=\"a\"/></event>";
    for (stages, begun) in [(spins, true), (nowhere, false), ("text", false)] {
        let source =
            format!("<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"w\">{stages}</workflow>");
        assert!(load(&source, &Known::anything()).is_err(), "{stages}");
        assert_eq!(load_begun(&source).is_ok(), begun, "{stages}");
    }
}
