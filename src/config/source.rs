//! Where a setting was written: a text (file, environment variable, flag) and a span in it, so that
//! every problem can be shown with its caret and every value in force can name its origin.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What kind of text a setting stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A text compiled into the program.
    BuiltIn,
    /// A file; paths written in it are relative to its folder.
    File {
        /// The folder the file lies in.
        folder: PathBuf,
    },
    /// An environment variable; the text is `NAME=value`.
    Environment,
    /// A command line flag; the text is `--flag value`.
    Flag,
}

/// One text that settings were read from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path of the file, or the name of the variable, or the flag.
    pub name: String,
    /// All of it.
    pub text: String,
    /// What it is.
    pub origin: Origin,
    /// Its place among the layers: later ones win, and problems are listed in this order.
    pub layer: usize,
}

/// A span of a source, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// From and to, on character boundaries.
    pub span: Range<usize>,
}

impl Place {
    /// The text that stands there.
    pub fn text(&self) -> &str {
        self.source.text.get(self.span.clone()).unwrap_or("")
    }

    /// Line from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// Column from 1, in characters.
    pub fn column(&self) -> usize {
        let before = self.before();
        let line = before.rsplit('\n').next().unwrap_or("");
        line.chars().count() + 1
    }

    /// The part of the value at this place that begins `range.start` bytes into it. The whole
    /// place where the value is not written as it reads (escapes, multi-line strings).
    pub fn inside(&self, value: &str, range: Range<usize>) -> Place {
        let text = self.text();
        let quoted = text.len() == value.len() + 2 && text.get(1..=value.len()) == Some(value);
        let skip = if text == value {
            0
        } else if quoted {
            1
        } else {
            return self.clone();
        };
        let start = self.span.start + skip + range.start.min(value.len());
        let end = self.span.start + skip + range.end.min(value.len());
        Place {
            source: Arc::clone(&self.source),
            span: start..end.max(start),
        }
    }

    /// A path written at this place: relative ones start at the folder of the file.
    pub fn resolve(&self, path: &str) -> PathBuf {
        match &self.source.origin {
            Origin::File { folder } => folder.join(path),
            Origin::BuiltIn | Origin::Environment | Origin::Flag => Path::new(path).to_path_buf(),
        }
    }

    /// The origin in words: `anteroom.toml:12`, `environment ANTEROOM__STORE__DATA`.
    pub fn describe(&self) -> String {
        let name = &self.source.name;
        match self.source.origin {
            Origin::BuiltIn => name.clone(),
            Origin::File { .. } => format!("{name}:{}", self.line()),
            Origin::Environment => format!("environment {name}"),
            Origin::Flag => format!("flag {name}"),
        }
    }

    fn before(&self) -> &str {
        self.source.text.get(..self.span.start).unwrap_or("")
    }
}
