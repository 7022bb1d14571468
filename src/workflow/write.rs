//! Files written for people: a first one, and the events that a file of theirs lacks.

use std::collections::BTreeSet;

use super::element::{self, Element, NAMESPACE};
use super::fault::{Fault, Faults};
use super::load::readable;
use super::value;

/// A first workflow of that name, 1 to 64 of `[A-Za-z0-9._-]`: its items wait for an agent.
///
/// Ensures: it obeys every rule of the language.
pub fn new_source(name: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<workflow xmlns="{NAMESPACE}" name="{name}">
  <event on="received">
    <queue maxWait="P1D"><ended goto="done"/><expired goto="too-late"/></queue>
  </event>
  <event on="goto" name="too-late">
    <alert to="supervisor" text="Nobody took it within a day"/>
    <queue><ended goto="done"/></queue>
  </event>
  <event on="goto" name="done">
    <finish/>
  </event>
</workflow>
"#
    )
}

/// The file with a `button` event for every button that is shown and has none, in a form to be
/// filled in, before the end of the workflow; everything else stays as it is, byte by byte. `None`: none is missing.
///
/// # Errors
/// The file cannot be read as XML; why, and where. Other faults do not matter here.
pub fn with_missing_buttons(source: &str) -> Result<Option<String>, Vec<Fault>> {
    let text = readable(source);
    let mut faults = Faults::default();
    let Some(root) = element::read(text, &mut faults) else {
        return Err(faults.locate(text));
    };
    let missing = missing_buttons(&root);
    if missing.is_empty() {
        return Ok(None);
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let qname = qname_of(text, root.at);
    let prefix = match qname.split_once(':') {
        Some((prefix, _)) => format!("{prefix}:"),
        None => String::new(),
    };
    let event = |name: &String| stub(&prefix, name, newline);
    let events: String = missing.iter().map(event).collect();
    let before = &text[..root.end];
    let mark = &source[..source.len() - text.len()];
    if before.ends_with('/') || root.end == root.at {
        // `<workflow …/>` has no children and so shows no button.
        return Ok(None);
    }
    let line_break = if before.ends_with('\n') { "" } else { newline };
    let after = &text[root.end..];
    Ok(Some(format!("{mark}{before}{line_break}{events}{after}")))
}

/// A `button` event that does no harm until somebody says what it shall do: it tells supervisors
/// that the button was pushed.
fn stub(prefix: &str, name: &str, newline: &str) -> String {
    let lines = [
        format!("  <{prefix}event on=\"button\" name=\"{name}\">"),
        format!("    <{prefix}alert to=\"supervisor\" text=\"The button {name} was pushed\"/>"),
        format!("  </{prefix}event>"),
    ];
    lines.map(|line| line + newline).concat()
}

/// The name of the tag whose `<` is the byte `at`, as written.
fn qname_of(text: &str, at: usize) -> &str {
    let name = &text[at + 1..];
    let end = name.find([' ', '\t', '\n', '\r', '/', '>']);
    &name[..end.unwrap_or(name.len())]
}

/// Buttons that are shown and have no event, each once, in the order of the file.
fn missing_buttons(root: &Element) -> Vec<String> {
    let name_of = |element: &Element| {
        let name = element.attribute("name")?;
        value::name(&name.value).ok()
    };
    let is_button_event = |event: &&Element| {
        let on = event
            .attribute("on")
            .and_then(|it| value::name(&it.value).ok());
        event.name == "event" && on.as_deref() == Some("button")
    };
    let events = root.children.iter().filter(is_button_event);
    let mut there: BTreeSet<String> = events.filter_map(name_of).collect();
    let actions = root.children.iter().flat_map(|event| &event.children);
    let shown = actions.filter(|action| action.name == "button");
    let shown = shown.filter_map(name_of);
    shown.filter(|name| there.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::{Known, load};

    #[test]
    fn a_first_workflow_passes_the_checker() {
        let workflow = load(&new_source("first"), &Known::anything()).expect("it is right");
        assert_eq!(
            (workflow.name.as_str(), workflow.stages.len()),
            ("first", 3)
        );
    }

    /// A file that shows the buttons a (twice), b and c, and has an event for b.
    fn lacking(prefix: &str, newline: &str) -> String {
        let lines = [
            "\u{FEFF}<!-- mine -->",
            "<P:workflow NS name='w' ><P:event on='received'>",
            " <P:button name='a' label='A' to='agent'/><P:button name='b' label='B' to='agent'/>",
            " <P:button name='a' label='A' to='agent'/><P:button name=' c' label='C' to='agent'/>",
            "<P:finish/></P:event><!-- <button name='d'/> -->",
            "<P:event on='button' name='b'><P:finish/></P:event></P:workflow  >",
            "<!-- </workflow> -->",
        ];
        let file = lines.join(newline).replace("P:", prefix);
        match prefix.strip_suffix(':') {
            Some(prefix) => file.replace("NS", &format!("xmlns:{prefix}='{NAMESPACE}'")),
            None => file.replace("NS", &format!("xmlns='{NAMESPACE}'")),
        }
    }

    #[test]
    fn missing_buttons_are_added_and_everything_else_stays() {
        for (prefix, newline) in [("", "\n"), ("", "\r\n"), ("w:", "\n")] {
            let source = lacking(prefix, newline);
            assert_eq!(
                load(&source, &Known::anything())
                    .expect_err("a, a, c")
                    .len(),
                3
            );
            let mended = with_missing_buttons(&source)
                .expect("XML")
                .expect("a and c");
            let workflow = load(&mended, &Known::anything()).expect("mended");
            assert_eq!(workflow.stages.len(), 4);
            assert_eq!(with_missing_buttons(&mended), Ok(None), "once is enough");
            let end = source
                .find(&format!("</{prefix}workflow"))
                .expect("an end tag");
            let added = mended.len() - source.len();
            assert_eq!(mended[..end], source[..end]);
            assert_eq!(mended[end + added..], source[end..]);
            let lines = mended[end..end + added].lines().count();
            assert_eq!(lines, 7, "a line break and two events of three lines");
        }
    }

    #[test]
    fn nothing_is_added_where_nothing_is_missing() {
        assert_eq!(with_missing_buttons(&new_source("w")), Ok(None));
        let empty = format!("<workflow xmlns=\"{NAMESPACE}\" name=\"w\"/>");
        assert_eq!(with_missing_buttons(&empty), Ok(None));
    }

    #[test]
    fn what_is_no_xml_is_refused_with_its_place() {
        let faults = with_missing_buttons("<workflow>\n</w>").expect_err("not well-formed");
        let last = faults.last().map(|fault| (fault.line, fault.column));
        assert_eq!(last, Some((2, 1)));
    }
}
