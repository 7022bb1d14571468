//! The states of an item, as a picture.

use std::collections::BTreeMap;

use anteroom::domain::item::{ItemEvent, ItemState, transition};

/// What has no row, so that [`transition`] does not say it: how an item begins, and how an offer
/// comes and goes.
const WITHOUT_ROW: [(&str, &str, &str); 6] = [
    ("[*]", "scheduled", "received, notBefore ahead"),
    ("[*]", "inWorkflow", "received, by workflow"),
    ("[*]", "buffered", "received, entrance closed"),
    ("[*]", "queued", "received, entrance open"),
    ("queued", "offered", "rings"),
    ("offered", "queued", "declined, noAnswer, rescinded"),
];

/// The picture as Mermaid draws it, and what leaves every state as it is.
pub fn picture() -> String {
    let mut arrows: BTreeMap<(ItemState, ItemState), Vec<&str>> = BTreeMap::new();
    let mut staying: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for from in ItemState::ALL {
        for event in ItemEvent::ALL {
            let Ok(to) = transition(from, event) else {
                continue;
            };
            let is_update = event == ItemEvent::Updated;
            if is_update {
                assert_eq!(from, to, "an update moves nothing");
                staying.entry(event.name()).or_default().push(from.name());
                continue;
            }
            let names = arrows.entry((from, to)).or_default();
            if !names.contains(&event.name()) {
                names.push(event.name());
            }
        }
    }
    let mut text = "```mermaid\nstateDiagram-v2\n".to_owned();
    let mut arrow = |from: &str, to: &str, label: &str| {
        text.push_str(&format!("    {from} --> {to}: {label}\n"));
    };
    for (from, to, label) in WITHOUT_ROW {
        arrow(from, to, label);
    }
    for ((from, to), names) in &arrows {
        arrow(from.name(), to.name(), &names.join(", "));
    }
    text.push_str("```\n");
    for (event, states) in staying {
        let states = states.join(", ");
        text.push_str(&format!(
            "\n`{event}` leaves these as they are: {states}.\n"
        ));
    }
    text
}
