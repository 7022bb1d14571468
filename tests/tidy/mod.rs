//! Keeps the house as `src/lib.rs` draws it: who may import whom, where no clock and no chance may
//! be, how long functions and files may grow. A guide rail: where it pinches, the design is asked
//! first, then the rail.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a function, at most.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a file, at most.
const FILE_LINES_MAX: usize = 600;

/// A room, the rooms it may import, and the crates it must not see.
struct Room {
    name: &'static str,
    may_import: &'static [&'static str],
    never_uses: &'static [&'static str],
}

const ROOMS: [Room; 13] = [
    Room {
        name: "domain",
        may_import: &[],
        never_uses: &[
            "serde",
            "tokio",
            "tracing",
            "rusqlite",
            "hyper",
            "axum",
            "quick_xml",
        ],
    },
    Room {
        name: "routing",
        may_import: &["domain"],
        never_uses: &[
            "serde",
            "tokio",
            "tracing",
            "rusqlite",
            "hyper",
            "axum",
            "quick_xml",
        ],
    },
    Room {
        name: "store",
        may_import: &["domain"],
        never_uses: &["tokio", "hyper", "axum", "quick_xml"],
    },
    Room {
        name: "wire",
        may_import: &["domain"],
        never_uses: &["tokio", "hyper", "axum", "rusqlite"],
    },
    Room {
        name: "calendar",
        may_import: &["domain"],
        never_uses: &["tokio", "hyper", "axum", "rusqlite", "quick_xml"],
    },
    Room {
        name: "workflow",
        may_import: &["domain", "wire"],
        never_uses: &["tokio", "hyper", "axum", "rusqlite", "quick_xml"],
    },
    Room {
        name: "config",
        may_import: &["domain", "calendar", "workflow"],
        never_uses: &["tokio", "hyper", "axum", "rusqlite", "quick_xml"],
    },
    Room {
        name: "engine",
        may_import: &["domain", "routing", "store", "workflow"],
        never_uses: &["hyper", "axum", "rusqlite", "quick_xml"],
    },
    Room {
        name: "people",
        may_import: &["domain", "engine", "store"],
        never_uses: &["hyper", "axum", "rusqlite", "quick_xml"],
    },
    Room {
        name: "http",
        may_import: &["domain", "engine", "people", "store", "wire", "workflow"],
        never_uses: &["rusqlite", "quick_xml"],
    },
    Room {
        name: "notify",
        may_import: &["domain", "engine", "store", "wire"],
        never_uses: &["axum", "rusqlite", "quick_xml"],
    },
    Room {
        name: "daemon",
        may_import: &[
            "domain", "engine", "people", "notify", "store", "wire", "http", "config", "calendar",
            "workflow",
        ],
        never_uses: &["rusqlite", "quick_xml"],
    },
    Room {
        name: "cli",
        may_import: &[
            "domain", "people", "store", "wire", "config", "daemon", "calendar", "workflow",
        ],
        never_uses: &["rusqlite"],
    },
];

/// What reads a clock or throws dice; not for the rooms that are functions of their arguments.
const CLOCKS_AND_CHANCE: [&str; 8] = [
    "SystemTime",
    "Instant::",
    "Timestamp::now",
    "Zoned::now",
    "now_v7",
    "new_v4",
    "getrandom",
    "thread_rng",
];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The text before the unit tests, which may do more.
    fn code(&self) -> &str {
        self.text
            .split("\n#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        let path = self.path.to_string_lossy();
        let names = [
            "/tests",
            "/contract",
            "/simulator",
            "/world",
            "/properties",
            "/page",
        ];
        names.iter().any(|name| path.contains(name))
    }
}

fn sources_under(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is text");
            found.push(Source { path, text });
        }
    }
    found
}

fn sources() -> Vec<Source> {
    let sources = sources_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 40, "the sources were found");
    sources
}

fn room_sources(name: &str) -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let mut sources = sources_under(&folder);
    sources.retain(|source| !source.is_test());
    assert!(!sources.is_empty(), "{name} has sources");
    sources
}

/// Lines of code: comments may name what they like.
fn lines_of_code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn every_room_imports_only_the_rooms_it_may() {
    let mut faults = Vec::new();
    for room in &ROOMS {
        for source in room_sources(room.name) {
            for (number, line) in lines_of_code(source.code()) {
                let Some((_, rest)) = line.split_once("crate::") else {
                    continue;
                };
                if rest.starts_with('{') {
                    let path = source.path.display();
                    faults.push(format!("{path}:{number}: one use for each room, please"));
                }
                let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_');
                let imported = &rest[..end.unwrap_or(rest.len())];
                let is_room = ROOMS.iter().any(|other| other.name == imported);
                if is_room && imported != room.name && !room.may_import.contains(&imported) {
                    let path = source.path.display();
                    faults.push(format!("{path}:{number}: {} imports {imported}", room.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_room_uses_only_the_crates_it_may() {
    let mut faults = Vec::new();
    for room in &ROOMS {
        for source in room_sources(room.name) {
            for (number, line) in lines_of_code(source.code()) {
                for name in room.never_uses {
                    let used = [format!("use {name}::"), format!(" {name}::")];
                    if used.iter().any(|used| line.contains(used.as_str())) {
                        faults.push(format!("{}:{number}: {name}", source.path.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_pure_rooms_read_no_clock_and_throw_no_dice() {
    let mut faults = Vec::new();
    for name in ["domain", "routing", "calendar", "wire", "workflow"] {
        for source in room_sources(name) {
            for (number, line) in lines_of_code(source.code()) {
                for word in CLOCKS_AND_CHANCE {
                    if line.contains(word) {
                        faults.push(format!("{}:{number}: {word}", source.path.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_http_room_alone_knows_status_codes_in_one_file() {
    let mut faults = Vec::new();
    for source in room_sources("http") {
        if source.path.ends_with("answer.rs") {
            continue;
        }
        for (number, line) in lines_of_code(source.code()) {
            if line.contains("StatusCode::") {
                faults.push(format!("{}:{number}", source.path.display()));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "status codes belong into http/answer.rs:\n{}",
        faults.join("\n")
    );
}

#[test]
fn files_and_functions_stay_short() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX && !source.is_test() {
            faults.push(format!("{}: {lines} lines", source.path.display()));
        }
        // A table of cases may be as long as there are cases.
        let functions = if source.is_test() {
            Vec::new()
        } else {
            functions(&source.text)
        };
        for (name, number, length) in functions {
            if length > FUNCTION_LINES_MAX {
                let path = source.path.display();
                faults.push(format!("{path}:{number}: {name} has {length} lines"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Name, first line and length of every function, by the indentation that rustfmt keeps.
fn functions(text: &str) -> Vec<(&str, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let starts = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(",
            "const fn ",
        ];
        let is_function = starts.iter().any(|start| trimmed.starts_with(start))
            && trimmed.contains("fn ")
            && !trimmed.ends_with(';');
        if !is_function {
            continue;
        }
        let name = trimmed
            .split("fn ")
            .nth(1)
            .and_then(|rest| rest.split(['(', '<']).next());
        let close = format!("{}}}", " ".repeat(indent));
        let length = lines[index..].iter().position(|line| *line == close);
        if let (Some(name), Some(length)) = (name, length) {
            found.push((name, index + 1, length + 1));
        }
    }
    found
}

#[test]
fn nothing_is_left_to_do_without_a_condition() {
    let mut faults = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            let left = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("];
            let conditional = line.contains("TODO(when ");
            if left.iter().any(|word| line.contains(word)) && !conditional {
                faults.push(format!("{}:{}", source.path.display(), index + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_map_names_every_room() {
    let map = sources()
        .into_iter()
        .find(|source| source.path.ends_with("src/lib.rs"));
    let map = map.expect("the crate has a map").text;
    for room in &ROOMS {
        assert!(
            map.contains(&format!("[`{}`]", room.name)),
            "the map leaves out {}",
            room.name
        );
    }
}

#[test]
fn the_rail_sees_a_long_function() {
    let body = "    let x = 1;\n".repeat(FUNCTION_LINES_MAX);
    let text = format!("fn long() {{\n{body}}}\nfn short() {{\n}}\n");
    let lengths: Vec<usize> = functions(&text)
        .into_iter()
        .map(|(_, _, length)| length)
        .collect();
    assert_eq!(lengths, [FUNCTION_LINES_MAX + 2, 2]);
}
