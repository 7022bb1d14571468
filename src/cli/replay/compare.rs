//! An answer against the one that is expected: values of the daemon's own making match anything.

use crate::cli::intake::Answer;
use crate::cli::xml::Element;

use super::fixture::Fixture;

/// Matches anything.
pub const WILDCARD: &str = "*";
/// Attributes and elements whose value the daemon makes up: they must be there, as anything.
const MADE_UP: [&str; 17] = [
    "id",
    "version",
    "receivedAt",
    "storedAt",
    "expiresAt",
    "computedAt",
    "opensAt",
    "closesAt",
    "notBefore",
    "dueBy",
    "queuedAt",
    "acceptedAt",
    "endedAt",
    "estimatedWait",
    "oldestAge",
    "time",
    "next",
];
/// `version` is the program's in a pong and the item's elsewhere: only the former is made up.
const PONG: &str = "pong";
/// Differences listed for one answer.
const DIFFERENCES_MAX: usize = 20;

/// One way in which an answer is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: `status`, `/receipt/@state`.
    pub place: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Whether the value of `name` in an element called `parent` matches anything.
pub fn is_made_up(parent: &str, name: &str) -> bool {
    MADE_UP.contains(&name) && (name != "version" || parent == PONG)
}

/// All differences between an answer and what the fixture expects of it.
pub fn differences(fixture: &Fixture, answer: &Answer) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(status) = fixture.status
        && status != answer.status
    {
        differences.push(Difference {
            place: "status".to_owned(),
            expected: status.to_string(),
            found: format!("{} {}", answer.status, code_of(answer)),
        });
    }
    if let Some(expected) = &fixture.answer {
        match Element::parse(&answer.body) {
            Ok(found) => compare_roots(expected, &found, &mut differences),
            Err(reason) => differences.push(Difference {
                place: "body".to_owned(),
                expected: expected.name.clone(),
                found: format!("status {}, {reason}", answer.status),
            }),
        }
    }
    differences.truncate(DIFFERENCES_MAX);
    differences
}

fn code_of(answer: &Answer) -> String {
    let root = Element::parse(&answer.body).unwrap_or_default();
    root.attribute("code").unwrap_or_default().to_owned()
}

fn compare_roots(expected: &Element, found: &Element, differences: &mut Vec<Difference>) {
    let place = format!("/{}", expected.name);
    if expected.name == found.name {
        compare(expected, found, &place, differences);
    } else {
        let code = found.attribute("code").unwrap_or_default();
        differences.push(Difference {
            place,
            expected: expected.name.clone(),
            found: format!("{} {code}", found.name).trim_end().to_owned(),
        });
    }
}

fn compare(expected: &Element, found: &Element, place: &str, differences: &mut Vec<Difference>) {
    let names = expected.attributes.keys().chain(
        found
            .attributes
            .keys()
            .filter(|name| !expected.attributes.contains_key(*name)),
    );
    for name in names {
        let (wanted, there) = (expected.attribute(name), found.attribute(name));
        if !matches(wanted, there, is_made_up(&expected.name, name)) {
            differences.push(Difference {
                place: format!("{place}/@{name}"),
                expected: shown(wanted),
                found: shown(there),
            });
        }
    }
    let is_free = is_made_up("", &expected.name);
    if !matches(Some(&expected.text), Some(&found.text), is_free) {
        differences.push(Difference {
            place: place.to_owned(),
            expected: expected.text.clone(),
            found: found.text.clone(),
        });
    }
    compare_children(expected, found, place, differences);
}

fn compare_children(
    expected: &Element,
    found: &Element,
    place: &str,
    differences: &mut Vec<Difference>,
) {
    let names = |element: &Element| {
        let names = element.children.iter().map(|child| child.name.clone());
        names.collect::<Vec<_>>()
    };
    let (wanted, there) = (names(expected), names(found));
    if wanted != there {
        differences.push(Difference {
            place: format!("{place}/*"),
            expected: wanted.join(" "),
            found: there.join(" "),
        });
        return;
    }
    for (index, (wanted, there)) in expected.children.iter().zip(&found.children).enumerate() {
        let siblings = expected.children.iter();
        let is_only = siblings.filter(|child| child.name == wanted.name).count() == 1;
        let child = match is_only {
            true => format!("{place}/{}", wanted.name),
            false => format!("{place}/{}[{}]", wanted.name, index + 1),
        };
        compare(wanted, there, &child, differences);
    }
}

fn matches(expected: Option<&str>, found: Option<&str>, is_made_up: bool) -> bool {
    match (expected, found) {
        (None, None) => true,
        (Some(WILDCARD), Some(_)) => true,
        (Some(expected), Some(found)) => is_made_up || expected == found,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "(absent)".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str = "<receipt id='1' reference='r' state='queued' version='1' \
                            receivedAt='2026-01-01T00:00:00.000Z'><service>loans</service>\
                            <position>*</position></receipt>";

    fn between(expected: &str, found: &str) -> Vec<String> {
        let mut differences = Vec::new();
        let tree = |text| Element::parse(text).expect("it is XML");
        compare_roots(&tree(expected), &tree(found), &mut differences);
        let line = |difference: &Difference| {
            let Difference {
                place,
                expected,
                found,
            } = difference;
            format!("{place}: {expected} | {found}")
        };
        differences.iter().map(line).collect()
    }

    #[test]
    fn ids_times_and_stars_match_anything() {
        let found = EXPECTED
            .replace("id='1'", "id='2'")
            .replace("2026", "2027")
            .replace("<position>*", "<position>7");
        assert_eq!(between(EXPECTED, &found), [""; 0]);
    }

    #[test]
    fn each_difference_is_named() {
        let cases = [
            (
                "state='queued'",
                "state='buffered'",
                "/receipt/@state: queued | buffered",
            ),
            ("version='1'", "version='2'", "/receipt/@version: 1 | 2"),
            ("id='1' ", "", "/receipt/@id: 1 | (absent)"),
            (
                "version='1'",
                "version='1' x='y'",
                "/receipt/@x: (absent) | y",
            ),
            (">loans<", ">claims<", "/receipt/service: loans | claims"),
            (
                "<position>*</position>",
                "",
                "/receipt/*: service position | service",
            ),
        ];
        for (from, to, difference) in cases {
            let found = EXPECTED.replace(from, to);
            assert_ne!(found, EXPECTED, "{from}");
            assert_eq!(between(EXPECTED, &found), [difference]);
        }
    }

    #[test]
    fn another_root_says_its_code() {
        let found = "<error code='unknownService'/>";
        assert_eq!(
            between(EXPECTED, found),
            ["/receipt: receipt | error unknownService"]
        );
    }

    #[test]
    fn only_a_pongs_version_is_made_up() {
        assert_eq!(
            between("<pong version='1'/>", "<pong version='2'/>"),
            [""; 0]
        );
        assert_eq!(
            between("<status version='1'/>", "<status version='2'/>").len(),
            1
        );
    }
}
