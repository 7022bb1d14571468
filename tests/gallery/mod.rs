//! The gallery of workflows: each is right, each is played as its golden runs say, each has its
//! picture and its story.
//!
//! `fixtures/workflows/NAME.xml` is a workflow; `NAME/message.xml` and `NAME/DAY.script` are what
//! happens, `NAME/DAY.run.txt` what is shown then. `UPDATE_FIXTURES=1` rewrites runs and pictures.

use std::fs;
use std::path::{Path, PathBuf};

use anteroom::workflow::{Known, Rule, load, svg};

use crate::cli::{anteroom, code, stderr, stdout};

/// Workflows that another one starts: they have no message of their own.
const STARTED_BY_OTHERS: [&str; 1] = ["promised-call"];
/// Scripts in the gallery, at least.
const SCRIPTS_MIN: usize = 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn gallery() -> PathBuf {
    root().join("fixtures/workflows")
}

/// Names of the files of that ending in a folder, without it, in order.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("it can be read").file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.to_str()?.strip_suffix(ending).map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// Compares a file with what it should be, or writes it.
fn keep(path: &Path, made: &str) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(path, made).expect("the file can be written");
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        kept,
        made,
        "{} is not what the program makes",
        path.display()
    );
}

#[test]
fn every_script_of_the_gallery_runs_as_its_golden_run_says() {
    let mut scripts = 0;
    for name in names(&gallery(), ".xml") {
        let folder = gallery().join(&name);
        if STARTED_BY_OTHERS.contains(&name.as_str()) {
            continue;
        }
        let days = names(&folder, ".script");
        assert!(days.len() > 1, "{name} has one way only");
        for day in days {
            let script = format!("{name}/{day}.script");
            let arguments = [
                "workflow".to_owned(),
                "run".to_owned(),
                format!("{name}.xml"),
                "--item".to_owned(),
                format!("{name}/message.xml"),
                "--script".to_owned(),
                script.clone(),
            ];
            let output = anteroom(&gallery(), &arguments);
            let shown = stdout(&output);
            assert_eq!(code(&output), 0, "{script}: {shown}{}", stderr(&output));
            keep(&folder.join(format!("{day}.run.txt")), &shown);
            scripts += 1;
        }
        let runs = names(&folder, ".run.txt");
        assert_eq!(runs, names(&folder, ".script"), "{name}: runs and scripts");
    }
    assert!(scripts >= SCRIPTS_MIN, "only {scripts} scripts were found");
}

#[test]
fn every_workflow_of_the_gallery_has_its_picture_as_the_program_draws_it() {
    let pictures = root().join("docs/pictures");
    for name in names(&gallery(), ".xml") {
        let path = gallery().join(format!("{name}.xml"));
        let source = fs::read_to_string(path).expect("it is there");
        let workflow = load(&source, &Known::anything());
        let workflow = workflow.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        assert_eq!(workflow.name, name);
        keep(&pictures.join(format!("{name}.svg")), &svg(&workflow));
    }
    assert_eq!(names(&pictures, ".svg"), names(&gallery(), ".xml"));
}

#[test]
fn the_manual_tells_of_every_workflow_of_the_gallery_and_of_every_rule() {
    let path = root().join("docs/workflows.md");
    let manual = fs::read_to_string(path).expect("the page is there");
    for name in names(&gallery(), ".xml") {
        for part in [
            format!("(pictures/{name}.svg)"),
            format!("fixtures/workflows/{name}.xml"),
        ] {
            assert!(
                manual.contains(&part),
                "docs/workflows.md leaves out {part}"
            );
        }
    }
    for rule in Rule::ALL {
        let row = format!("| `{}` | ", rule.word());
        assert!(manual.contains(&row), "docs/workflows.md leaves out {row}");
    }
}

/// The conditions that the manual shows, as they are written in it.
fn conditions(manual: &str) -> Vec<String> {
    let (_, section) = manual.split_once("## Conditions").expect("it is there");
    let (section, _) = section.split_once("\n## ").expect("another follows");
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let last_cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit_once("| "));
    let examples = last_cells.filter_map(|(_, cell)| cell.trim().strip_prefix('`'));
    examples
        .map(|example| example.trim_end_matches('`').to_owned())
        .collect()
}

#[test]
fn every_condition_that_the_manual_shows_can_be_asked() {
    let path = root().join("docs/workflows.md");
    let manual = fs::read_to_string(path).expect("the page is there");
    let conditions = conditions(&manual);
    assert!(conditions.len() >= 12, "only {conditions:?} were found");
    for condition in conditions {
        let escaped = condition.replace('&', "&amp;").replace('<', "&lt;");
        let source = format!(
            "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"w\"><event on=\"received\">\
             <check when=\"{}\"><then goto=\"a\"/></check><finish/></event>\
             <event on=\"goto\" name=\"a\"><finish/></event></workflow>",
            escaped.replace('"', "&quot;")
        );
        if let Err(faults) = load(&source, &Known::anything()) {
            panic!("{condition}: {faults:?}");
        }
    }
}
