//! Pictures and tables in the manual that are made from the code: whoever changes the code changes
//! them with `UPDATE_FIXTURES=1 cargo test --test main documented`, and reads the difference.

mod agents;
mod items;
mod outcomes;

use std::fs;
use std::path::Path;

/// A row of a table in Markdown.
fn row(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A table in Markdown.
fn table(heads: &[&str], rows: impl IntoIterator<Item = String>) -> String {
    let lines = format!("|{}\n", "---|".repeat(heads.len()));
    let rows: String = rows.into_iter().collect();
    format!("{}{lines}{rows}", row(heads))
}

fn code(word: &str) -> String {
    format!("`{word}`")
}

/// `text` with what stands between the marks of that name replaced. `None`: there are no marks.
fn with(text: &str, name: &str, made: &str) -> Option<String> {
    let begin = format!("<!-- made from the code: {name} -->\n");
    let end = format!("<!-- end: {name} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{made}{end}{after}"))
}

/// Compares a part of a page with what is made from the code, or writes it.
fn keep(page: &str, name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page);
    let text = fs::read_to_string(&path).expect("the page is there");
    let expected = with(&text, name, made).expect("the page has marks of that name");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(&path, expected).expect("the page can be written");
        return;
    }
    assert_eq!(text, expected, "docs/{page} is not what the code says");
}

#[test]
fn the_manual_shows_what_the_code_does() {
    keep("agents.md", "item states", &items::picture());
    keep("agents.md", "user states", &agents::states());
    keep("agents.md", "selectable", &agents::selectable_table());
    keep("agents.md", "waiting reasons", &agents::waiting_reasons());
    keep("outcomes.md", "item outcomes", &outcomes::items());
    keep("outcomes.md", "service results", &outcomes::services());
    keep("outcomes.md", "agent results", &outcomes::agents());
}

#[test]
fn a_part_is_replaced_and_the_rest_stays() {
    let text = "a\n<!-- made from the code: x -->\nold\n<!-- end: x -->\nb\n";
    let expected = "a\n<!-- made from the code: x -->\nnew\n<!-- end: x -->\nb\n";
    assert_eq!(with(text, "x", "new\n").as_deref(), Some(expected));
    assert_eq!(with(text, "y", "new\n"), None);
}
