//! Texts nobody would write: never a panic, always a place that can be drawn.

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

/// Few, because every problem of every text is drawn twice.
const CASES: u32 = 50;
const PIECES: [&str; 16] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "\\u004d",
    "=",
    "\n",
    "\r\n",
    "\t",
    "å",
    "\u{feff}",
    "1e9",
    "= \"Mo-Fr å 25:00\"\n",
];

/// Loads a text both ways and draws what comes of it.
fn drawn(text: &str, variable: &str) -> String {
    let folder = Folder::with(text);
    let environment = [(
        "ANTEROOM__TENANTS__NORTH_BANK__SERVICES__LOANS__HOURS",
        variable,
    )];
    match folder.load_with(&Flags::default(), &environment) {
        Ok(loaded) => render_warnings(&loaded.warnings, true) + &loaded.config.effective(),
        Err(errors) => errors.render(true) + &errors.render(false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn mangled_files_are_drawn_without_a_panic(
        cuts in prop::collection::vec((any::<Index>(), 0..PIECES.len(), 0..40usize), 1..6),
        variable in "\\PC{0,30}",
    ) {
        let mut chars: Vec<char> = super::documented::all_on().chars().collect();
        for (at, piece, removed) in cuts {
            let at = at.index(chars.len());
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, PIECES[piece].chars());
        }
        let text: String = chars.into_iter().collect();
        prop_assert!(!drawn(&text, &variable).is_empty());
    }

    #[test]
    fn any_text_is_drawn_without_a_panic(text in "(?s).{0,200}", variable in "(?s)[^\0]{0,30}") {
        prop_assert!(!drawn(&text, &variable).is_empty());
    }
}

#[test]
fn a_byte_order_mark_and_crlf_are_taken() {
    let folder = Folder::with("\u{feff}[limits]\r\ndrain = \"1s\"\r\n");
    assert_eq!(folder.config().limits.drain_ms, 1_000);
}

#[test]
fn columns_count_characters() {
    assert_eq!(
        told("[tenants.a.services.s]\ncontact_data = [{key = \"k\", label = \"Lån\", x = 1}]\n"),
        ["anteroom.toml:2:44 tenants.a.services.s.contact_data[1]: unknown key `x`"]
    );
}
