//! Rewrites the expected answers: for a person who reads the difference afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::compare::{WILDCARD, is_made_up};
use super::fixture::Fixture;
use super::stand_in::StandIns;
use crate::cli::exit::{Exit, Failure};
use crate::cli::intake::{Connection, Target};
use crate::cli::xml::Element;

/// Sends every fixture and writes what was answered, the daemon's own values as wildcards. What
/// was a wildcard stays one. Statuses are rewritten where there is a `.http` file.
///
/// # Errors
/// The daemon does not answer, or a file cannot be written.
pub async fn rewrite(fixtures: &[Fixture], target: Arc<Target>) -> Result<Vec<PathBuf>, Failure> {
    let mut connection = Connection::new(target);
    let mut stand_ins = StandIns::new(SystemTime::now(), 1);
    let mut rewritten = Vec::new();
    for fixture in fixtures {
        let mut fixture = fixture.clone();
        stand_ins.put_into(&mut fixture);
        let body = fixture.packed(fixture.message.clone());
        let (method, headers) = (fixture.method.clone(), &fixture.headers);
        let answer = connection.send(method, &fixture.uri, headers, body).await?;
        if let Ok(mut found) = Element::parse(&answer.body) {
            stand_ins.take_out(&mut found);
            let text = starred(found, fixture.answer.as_ref()).to_document();
            rewritten.extend(write(&fixture.answer_path(), &text)?);
        }
        if fixture.status.is_some_and(|status| status != answer.status) {
            let path = fixture.http_path();
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
            rewritten.extend(write(&path, &with_status(&text, answer.status))?);
        }
        stand_ins.look(&answer);
    }
    Ok(rewritten)
}

/// The answer with wildcards for what the daemon makes up and for what was one before.
fn starred(mut found: Element, before: Option<&Element>) -> Element {
    for (name, value) in &mut found.attributes {
        let was = before.and_then(|before| before.attribute(name));
        if was == Some(WILDCARD) || is_made_up(&found.name, name) {
            WILDCARD.clone_into(value);
        }
    }
    let was = before.is_some_and(|before| before.text == WILDCARD);
    if was || (is_made_up("", &found.name) && !found.text.is_empty()) {
        WILDCARD.clone_into(&mut found.text);
    }
    let before = |index: usize, name: &str| {
        let child = before.and_then(|before| before.children.get(index));
        child.filter(|child| child.name == name)
    };
    let children = found.children.into_iter().enumerate();
    found.children = children
        .map(|(index, child)| {
            let was = before(index, &child.name);
            starred(child, was)
        })
        .collect();
    found
}

/// The text of a `.http` file with another status at the end of its first line.
fn with_status(text: &str, status: u16) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let request = first.rsplit_once(char::is_whitespace);
    match request {
        Some((request, _)) => format!("{request} {status}\n{rest}"),
        None => format!("{status}\n{rest}"),
    }
}

fn write(path: &Path, text: &str) -> Result<Option<PathBuf>, Failure> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(None);
    }
    fs::write(path, text).map_err(|error| failed(path, &error))?;
    Ok(Some(path.to_owned()))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Element {
        Element::parse(text).expect("it is XML")
    }

    #[test]
    fn made_up_values_and_earlier_stars_become_stars() {
        let found = tree(
            "<receipt id='1' state='queued'><service>loans</service>\
                          <position>7</position></receipt>",
        );
        let before = tree(
            "<receipt id='*' state='queued'><service>loans</service>\
                           <position>*</position></receipt>",
        );
        let written = starred(found.clone(), Some(&before));
        assert_eq!(written, before);
        let anew = starred(found, None);
        assert_eq!(anew.attribute("id"), Some("*"));
        assert_eq!(
            anew.child("position").map(|child| child.text.as_str()),
            Some("7")
        );
    }

    #[test]
    fn a_status_is_replaced_in_its_line_alone() {
        assert_eq!(with_status("201\nA: b\n", 200), "200\nA: b\n");
        assert_eq!(with_status("GET /x 201\n", 404), "GET /x 404\n");
        assert_eq!(with_status("201", 200), "200\n");
    }
}
