//! Mutated messages: nothing panics, and what another reader refuses we refuse too.

use super::reading::{read_bytes, read_text, roxmltree_accepts, uppsala_accepts};
use anteroom::wire::decode::decode;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Well-formed documents that between them use everything a document may hold.
const SEEDS: [&str; 5] = [
    "<?xml version=\"1.0\" encoding='UTF-8' standalone='yes' ?>\n<!-- a - b --><?go on?>\n\
     <workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"a&amp;b\">\r\n<title>Å &#228;</title>\
     <![CDATA[x ]] > &]]></workItem>\n<!----><?end?>",
    "<p:a xmlns:p='u' xmlns:q=\"u&#x2f;v\" q:x='1' p:x='2' x=\"3\tb\"><p:b/><b xmlns='v'></b ></p:a>",
    "<a><b c='>'/>text]] >&lt;&#x10FFFF;<c\n d = \"'\"\te='\"'/><d>语言𝄞</d></a>",
    "<語:é.1-_ xmlns:語='x' xml:lang='sv'><語:é xmlns:語='y'/></語:é.1-_>",
    "<a xmlns='u'><b xmlns=''><c xmlns='u' xmlns:xml='http://www.w3.org/XML/1998/namespace'/></b></a>",
];

/// What mutations put in: each breaks some rule in some place.
const SNIPPETS: [&str; 56] = [
    "<",
    ">",
    "&",
    ";",
    "\"",
    "'",
    "=",
    "/",
    "?",
    "!",
    "-",
    "--",
    "]]>",
    "]",
    "[",
    ":",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "\u{1}",
    "\u{7F}",
    "\u{85}",
    "\u{FEFF}",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{B7}",
    "\u{300}",
    "×",
    "é",
    "𝄞",
    "&#0;",
    "&#xD800;",
    "&#9;",
    "&amp;",
    "&nope;",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?xml version='1.0'?>",
    "<?p:i d?>",
    "<?XmL ?>",
    "?>",
    "<!DOCTYPE a>",
    "<!doctype a>",
    "<a>",
    "</a>",
    "<b/>",
    " xmlns=''",
    " xmlns:p=''",
    " xmlns:q='u'",
    " x='1'",
    " p:x='1'",
    " xmlns:xmlns='x'",
];

/// About a second of tests; a million cases have been run by hand.
const CASES: u32 = 4_000;

/// One change to a text; places are relative, so they fit whatever the text has become.
#[derive(Debug, Clone)]
enum Mutation {
    Insert(Index, &'static str),
    Delete(Index, Index),
    Repeat(Index, Index),
    Cut(Index),
}

impl Mutation {
    fn apply(&self, text: &mut Vec<char>) {
        let place = |index: &Index, length: usize| index.index(length + 1);
        match self {
            Mutation::Insert(at, snippet) => {
                let at = place(at, text.len());
                text.splice(at..at, snippet.chars());
            }
            Mutation::Delete(at, length) => {
                let at = place(at, text.len());
                let length = place(length, 6.min(text.len() - at));
                text.drain(at..at + length);
            }
            Mutation::Repeat(at, length) => {
                let at = place(at, text.len());
                let length = place(length, 30.min(text.len() - at));
                let copy = text[at..at + length].to_vec();
                text.splice(at..at, copy);
            }
            Mutation::Cut(at) => text.truncate(place(at, text.len())),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        6 => (place(), select(&SNIPPETS[..])).prop_map(|(at, snippet)| Mutation::Insert(at, snippet)),
        3 => (place(), place()).prop_map(|(at, length)| Mutation::Delete(at, length)),
        2 => (place(), place()).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        1 => place().prop_map(Mutation::Cut),
    ]
}

fn mutated() -> impl Strategy<Value = String> {
    (select(&SEEDS[..]), prop::collection::vec(mutation(), 1..4)).prop_map(|(seed, mutations)| {
        let mut text = seed.chars().collect();
        for mutation in &mutations {
            mutation.apply(&mut text);
        }
        text.into_iter().collect()
    })
}

/// What roxmltree refuses although it is well-formed: an element with the prefix `xml`, reserved
/// but not an error (the suite's ht-ns10-047).
fn roxmltree_is_wrong(text: &str) -> bool {
    text.contains("<xml:")
}

/// Words of our refusals by rules that neither oracle knows: those of `BLIND_SPOTS` in the suite's
/// test, and that both take off a byte order mark which decoding has already done.
const BLIND_SPOTS: [&str; 5] = [
    "Remove the second byte order mark",
    "a prefix cannot be declared empty",
    "a name cannot begin with a colon",
    "Remove ':' (U+003A)",
    "Give the processing instruction a name without colons",
];

#[test]
fn seeds_are_well_formed() {
    for seed in SEEDS {
        assert_eq!(read_text(seed), Ok(()), "{seed}");
        assert!(roxmltree_accepts(seed) && uppsala_accepts(seed), "{seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn mutated_messages_are_accepted_only_if_roxmltree_accepts_them(text in mutated()) {
        match read_text(&text) {
            Ok(()) => prop_assert!(roxmltree_accepts(&text) || roxmltree_is_wrong(&text)),
            Err(error) => {
                prop_assert!(error.position.is_some(), "{error:?}");
                let excused = BLIND_SPOTS.iter().any(|words| error.message.contains(words));
                let outvoted = roxmltree_accepts(&text) && uppsala_accepts(&text);
                prop_assert!(excused || !outvoted, "{error:?}");
            }
        }
    }

    #[test]
    fn mutated_bytes_never_panic(
        text in mutated(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        wide in 0..3u8,
        charset in prop::option::of(select(
            &["utf-8", "UTF-16", "utf-16le", "utf-16be", "iso-8859-1", "iso-8859-15", "x"][..]
        )),
    ) {
        let mut body = match wide {
            0 => text.into_bytes(),
            1 => std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            _ => std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        };
        for (at, byte) in changes {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        let _ = read_bytes(&body);
        if let Ok(text) = decode(&body, charset) {
            let _ = read_text(&text);
        }
    }
}
