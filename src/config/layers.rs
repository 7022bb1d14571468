//! The layers of a configuration, gathered into one tree: built-in demo or files, `conf.d`,
//! environment, flags. Later layers win key by key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Flags;
use super::document::{self, Entry, Node, Table, Value};
use super::problem::{ConfigError, Problem};
use super::source::{Origin, Place, Source};

/// What the environment variables of the configuration begin with.
const ENVIRONMENT_PREFIX: &str = "ANTEROOM__";
/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The configuration that is used when there is none.
const DEMO: &str = include_str!("demo.toml");

/// All layers as one tree.
pub struct Layers {
    /// What was typed.
    pub table: Table,
    /// No file was found, the built-in demo was taken.
    pub is_demo: bool,
}

/// Reads all layers.
///
/// # Errors
/// Files that cannot be read, all syntax errors of all layers, and variables that fit several
/// names. What the settings mean is not looked at before all of this is right, because half a file
/// says half of what it should.
pub fn gather(
    default_file: &Path,
    flags: &Flags,
    environment: &[(String, String)],
) -> Result<Layers, Vec<Problem>> {
    let mut gatherer = Gatherer {
        table: Table::default(),
        problems: Vec::new(),
        sources: 0,
    };
    let is_demo = gatherer.files(default_file, flags);
    if gatherer.problems.is_empty() {
        gatherer.environment(environment);
        gatherer.flags(flags);
    }
    match gatherer.problems.is_empty() {
        true => Ok(Layers {
            table: gatherer.table,
            is_demo,
        }),
        false => Err(gatherer.problems),
    }
}

/// Whether a variable of that name is a setting.
pub fn is_setting(variable: &str) -> bool {
    variable.starts_with(ENVIRONMENT_PREFIX)
}

struct Gatherer {
    table: Table,
    problems: Vec<Problem>,
    sources: usize,
}

impl Gatherer {
    /// Ensures: true exactly when the demo was taken.
    fn files(&mut self, default_file: &Path, flags: &Flags) -> bool {
        let file = flags.config.as_deref().unwrap_or(default_file);
        let pieces = self.pieces(file);
        let is_there = flags.config.is_some() || self.is_there(file);
        if !is_there && pieces.is_empty() && self.problems.is_empty() {
            let source = self.source("built-in demo", DEMO.to_owned(), Origin::BuiltIn);
            self.document(source);
            return true;
        }
        if is_there {
            self.file(file);
        }
        for piece in pieces {
            self.file(&piece);
        }
        false
    }

    /// A folder that may not be looked into is a problem, never a reason to run the demo.
    fn is_there(&mut self, file: &Path) -> bool {
        match file.try_exists() {
            Ok(is_there) => is_there,
            Err(error) => {
                self.unreadable(file, &error.to_string());
                false
            }
        }
    }

    /// The files of `conf.d` beside `file`, in the order of their names.
    fn pieces(&mut self, file: &Path) -> Vec<PathBuf> {
        let folder = folder_of(file).join("conf.d");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.unreadable(&folder, &error.to_string());
                return Vec::new();
            }
        };
        let mut pieces: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "toml")
            })
            .collect();
        pieces.sort();
        pieces
    }

    fn file(&mut self, path: &Path) {
        let bytes = match read_limited(path, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(reason) => return self.unreadable(path, &reason),
        };
        match String::from_utf8(bytes) {
            Ok(text) => {
                let folder = folder_of(path);
                let source =
                    self.source(&path.display().to_string(), text, Origin::File { folder });
                self.document(source);
            }
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.unreadable(path, &format!("byte {at} is not UTF-8"));
            }
        }
    }

    fn document(&mut self, source: Arc<Source>) {
        match document::parse(&source) {
            Ok(table) => self.table.absorb(table),
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn environment(&mut self, environment: &[(String, String)]) {
        let mut variables: Vec<&(String, String)> = environment
            .iter()
            .filter(|(name, _)| is_setting(name))
            .collect();
        variables.sort();
        for (name, value) in variables {
            let source = self.source(name, format!("{name}={value}"), Origin::Environment);
            self.variable(&source, value);
        }
    }

    fn variable(&mut self, source: &Arc<Source>, value: &str) {
        let mut path: Vec<(String, Place)> = Vec::new();
        let mut at = ENVIRONMENT_PREFIX.len();
        let mut within = Some(&self.table);
        for segment in source.name[ENVIRONMENT_PREFIX.len()..].split("__") {
            let place = Place {
                source: Arc::clone(source),
                span: at..at + segment.len(),
            };
            at += segment.len() + "__".len();
            match fitting_name(segment, within) {
                Ok(name) => {
                    within = within.and_then(|table| table.table(&name));
                    path.push((name, place));
                }
                Err(error) => {
                    self.problems.push(Problem {
                        error,
                        key: String::new(),
                        place: Some(place),
                    });
                    return;
                }
            }
        }
        let start = source.name.len() + "=".len();
        self.set(path, source, start..start + value.len(), value);
    }

    fn flags(&mut self, flags: &Flags) {
        if let Some(data) = &flags.data {
            match data.to_str() {
                Some(data) => self.flag("--data", data, ["store", "data"]),
                None => self.unreadable(data, "the path is not UTF-8"),
            }
        }
        if let Some(intake) = flags.intake {
            self.flag("--intake", &intake.to_string(), ["listen", "intake"]);
        }
        if let Some(console) = flags.console {
            self.flag("--console", &console.to_string(), ["listen", "console"]);
        }
    }

    fn flag(&mut self, flag: &str, value: &str, path: [&str; 2]) {
        let source = self.source(flag, format!("{flag} {value}"), Origin::Flag);
        let place = Place {
            source: Arc::clone(&source),
            span: 0..flag.len(),
        };
        let path = path.map(|name| (name.to_owned(), place.clone())).to_vec();
        let start = flag.len() + " ".len();
        self.set(path, &source, start..start + value.len(), value);
    }

    /// Lays one value over the tree.
    fn set(
        &mut self,
        path: Vec<(String, Place)>,
        source: &Arc<Source>,
        span: std::ops::Range<usize>,
        value: &str,
    ) {
        let place = Place {
            source: Arc::clone(source),
            span,
        };
        let mut value = Value::Untyped(value.to_owned());
        for (name, key) in path.into_iter().rev() {
            let node = Node {
                place: place.clone(),
                value,
            };
            let mut table = Table::default();
            table.entries.insert(name, vec![Entry { key, node }]);
            value = Value::Table(table);
        }
        if let Value::Table(table) = value {
            self.table.absorb(table);
        }
    }

    fn source(&mut self, name: &str, text: String, origin: Origin) -> Arc<Source> {
        self.sources += 1;
        Arc::new(Source {
            name: name.to_owned(),
            text,
            origin,
            layer: self.sources,
        })
    }

    fn unreadable(&mut self, path: &Path, reason: &str) {
        self.problems.push(Problem {
            error: ConfigError::Unreadable {
                path: path.to_path_buf(),
                reason: reason.to_owned(),
            },
            key: String::new(),
            place: None,
        });
    }
}

/// All of a file that is no larger than `bytes_max`.
///
/// # Errors
/// What the system says, or that the file is too large.
pub fn read_limited(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    match bytes.len() as u64 > bytes_max {
        true => Err(format!("larger than {bytes_max} bytes")),
        false => Ok(bytes),
    }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).to_path_buf()
}

/// The key that a part of a variable's name stands for. Variables cannot hold dashes and dots, so
/// a `_` also fits those, and letters fit in either case; without any fitting name the part itself
/// in lower case.
fn fitting_name(segment: &str, within: Option<&Table>) -> Result<String, ConfigError> {
    let lower = segment.to_lowercase();
    if lower.is_empty() {
        return Err(ConfigError::Invalid(
            "a name is missing between two `__`".to_owned(),
        ));
    }
    let Some(table) = within else {
        return Ok(lower);
    };
    if table.entries.contains_key(&lower) {
        return Ok(lower);
    }
    let folded = |name: &str| name.to_lowercase().replace(['-', '.'], "_");
    let fitting: Vec<&str> = table
        .entries
        .keys()
        .map(String::as_str)
        .filter(|name| folded(name) == folded(&lower))
        .collect();
    match fitting.as_slice() {
        [] => Ok(lower),
        [name] => Ok((*name).to_owned()),
        several => Err(ConfigError::Ambiguous {
            segment: segment.to_owned(),
            names: several.join(", "),
        }),
    }
}
