//! Fixtures on disk: `NAME.xml`, the answer `NAME.answer.xml`, the facts of HTTP `NAME.http`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use hyper::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use crate::cli::exit::{Exit, Failure};
use crate::cli::input;
use crate::cli::intake::WORK_ITEMS;
use crate::cli::xml::Element;
use crate::domain::policy::MESSAGE_BYTES_MAX;

/// Ends the names of answers.
const ANSWER_SUFFIX: &str = ".answer.xml";
/// Ends the names of messages.
const MESSAGE_SUFFIX: &str = ".xml";
/// Messages may be larger than the limit by this much, so that the limit can be tried.
const OVERSIZE_BYTES: u64 = 8 * 1024 * 1024;
/// Folders may nest this deep.
const DEPTH_MAX: usize = 16;
/// In a `.http` file: the body goes as it is, whatever its headers say.
const AS_IT_IS: &str = "body: as it is";

/// One message with what should come of it.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// The message's file, for people.
    pub path: PathBuf,
    /// Of the request.
    pub method: Method,
    /// Of the request.
    pub uri: String,
    /// To send beside or in place of the usual ones.
    pub headers: HeaderMap,
    /// The message as it lies there.
    pub message: Bytes,
    /// What of HTTP is expected.
    pub status: Option<u16>,
    /// What is expected of the body; `None`: it is not judged.
    pub answer: Option<Element>,
    /// The body goes packed with gzip.
    pub packs: bool,
}

/// All fixtures at `paths`, those of a folder in the order of their names.
///
/// # Errors
/// A path that is not there or cannot be understood, or none at all.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Fixture>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            gather(path, 0, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "there are no messages (NAME.xml) there",
        ));
    }
    files.iter().map(|file| read(file)).collect()
}

impl Fixture {
    /// Where the expected answer lies.
    pub fn answer_path(&self) -> PathBuf {
        beside(&self.path, ANSWER_SUFFIX)
    }

    /// Where the facts of HTTP lie.
    pub fn http_path(&self) -> PathBuf {
        beside(&self.path, ".http")
    }

    /// A body as it goes over the wire.
    pub fn packed(&self, message: Bytes) -> Bytes {
        if !self.packs {
            return message;
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        let packed = packer.write_all(&message).and_then(|()| packer.finish());
        Bytes::from(packed.expect("writing to memory does not fail"))
    }
}

fn gather(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        let text = format!("cannot read {}: {error}", folder.display());
        Failure::new(Exit::Usage, text)
    };
    if depth > DEPTH_MAX {
        let text = format!("{}: folders nest deeper than {DEPTH_MAX}", folder.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            gather(&entry, depth + 1, files)?;
        } else if is_message(&entry) {
            files.push(entry);
        }
    }
    Ok(())
}

fn is_message(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(MESSAGE_SUFFIX) && !name.ends_with(ANSWER_SUFFIX)
}

fn read(path: &Path) -> Result<Fixture, Failure> {
    let message = input::read(path, MESSAGE_BYTES_MAX + OVERSIZE_BYTES)?;
    let mut fixture = Fixture {
        path: path.to_owned(),
        method: Method::POST,
        uri: WORK_ITEMS.to_owned(),
        headers: HeaderMap::new(),
        message: Bytes::from(message),
        status: None,
        answer: None,
        packs: false,
    };
    let facts = fixture.http_path();
    if facts.exists() {
        let text = read_text(&facts)?;
        add_facts(&mut fixture, &text).map_err(|reason| wrong(&facts, &reason))?;
    }
    let answer = fixture.answer_path();
    if answer.exists() {
        let text = read_text(&answer)?;
        let tree = Element::parse(&text).map_err(|reason| wrong(&answer, &reason))?;
        fixture.answer = Some(tree);
    }
    Ok(fixture)
}

/// Reads a `.http` file into the fixture.
fn add_facts(fixture: &mut Fixture, text: &str) -> Result<(), String> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let status = match words.as_slice() {
        [status] => status,
        [method, uri, status] => {
            fixture.method = method
                .parse()
                .map_err(|_| format!("`{method}` is no method"))?;
            fixture.uri = (*uri).to_owned();
            status
        }
        _ => return Err("the first line is STATUS or METHOD PATH STATUS".to_owned()),
    };
    let status: Option<u16> = status.parse().ok();
    fixture.status = Some(status.ok_or("the first line ends in a status, for example 201")?);
    let mut packs = true;
    for line in lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if line.trim() == AS_IT_IS {
            packs = false;
            continue;
        }
        let (name, value) = line.split_once(':').ok_or("a header is NAME: VALUE")?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| format!("`{name}` is no header"))?;
        let value = HeaderValue::from_str(value.trim())
            .map_err(|_| format!("the value of {name} holds characters no header can have"))?;
        fixture.headers.append(name, value);
    }
    let encoding = fixture.headers.get(CONTENT_ENCODING);
    fixture.packs = packs && encoding.is_some_and(|encoding| encoding == "gzip");
    Ok(())
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| wrong(path, &error.to_string()))
}

fn wrong(path: &Path, reason: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{}: {reason}", path.display()))
}

/// `dir/NAME.xml` as `dir/NAME` + `suffix`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.with_extension("").into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    #[test]
    fn messages_come_in_the_order_of_their_names_without_their_answers() {
        let folder = folder(&[
            ("b.xml", "<b/>"),
            ("a.v2.xml", "<a/>"),
            ("a.v2.answer.xml", "<receipt state='*'/>"),
            ("c/d.xml", "<d/>"),
            ("c/readme.md", ""),
        ]);
        let found = find(&[folder.path().to_owned()]).expect("it is right");
        let names: Vec<_> = found
            .iter()
            .map(|fixture| {
                fixture
                    .path
                    .strip_prefix(folder.path())
                    .expect("it is within")
            })
            .collect();
        assert_eq!(names, ["a.v2.xml", "b.xml", "c/d.xml"].map(Path::new));
        let answer = found[0].answer.as_ref().expect("it has one");
        assert_eq!(answer.attribute("state"), Some("*"));
        assert!(found[1].answer.is_none());
    }

    #[test]
    fn the_facts_of_http_are_read() {
        let folder = folder(&[
            ("a.xml", "<a/>"),
            (
                "a.http",
                "415\n# why\nContent-Type: text/plain\nAuthorization:\n",
            ),
            ("b.xml", ""),
            ("b.http", "GET /v1/limits 200\n"),
        ]);
        let found = find(&[folder.path().to_owned()]).expect("it is right");
        assert_eq!(found[0].status, Some(415));
        assert_eq!(found[0].headers["content-type"], "text/plain");
        assert_eq!(found[0].headers["authorization"], "");
        assert_eq!(found[1].method, Method::GET);
        assert_eq!(found[1].uri, "/v1/limits");
        assert_eq!(found[1].status, Some(200));
    }

    #[test]
    fn a_gzip_header_packs_the_body_unless_it_goes_as_it_is() {
        let folder = folder(&[
            ("a.xml", "<a/>"),
            ("a.http", "201\nContent-Encoding: gzip\n"),
            ("b.xml", "<b/>"),
            ("b.http", "400\nContent-Encoding: gzip\nbody: as it is\n"),
        ]);
        let found = find(&[folder.path().to_owned()]).expect("it is right");
        let packed = found[0].packed(found[0].message.clone());
        assert_eq!(packed[..2], [0x1f, 0x8b]);
        assert_eq!(found[1].packed(found[1].message.clone()), "<b/>");
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for (http, hint) in [("", "STATUS"), ("ok", "201"), ("200\nx", "NAME: VALUE")] {
            let folder = folder(&[("a.xml", "<a/>"), ("a.http", http)]);
            let failure = find(&[folder.path().to_owned()]).expect_err("it is wrong");
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains(hint), "{}", failure.message);
        }
        let empty = folder(&[]);
        assert!(find(&[empty.path().to_owned()]).is_err());
    }
}
