//! Tests of the configuration room: whole texts in, a configuration or its problems out. Each test
//! has a folder of its own; the environment is passed in.

mod distributing;
mod documented;
mod hostile;
mod layering;
mod limits;
mod notifying;
mod problems;
mod reload;
mod rendering;
mod validated;
mod workflows;

use std::collections::BTreeSet;

use super::*;

/// A key and its SHA-256 as a configuration writes it.
const DIGEST: &str = "0f3a9c51e2d84b7796a1c0de5b28f4137c6e90ab12d34f56e78901bc23da45ef";
const OTHER_DIGEST: &str = "1f3a9c51e2d84b7796a1c0de5b28f4137c6e90ab12d34f56e78901bc23da45ef";

/// A folder with configuration files.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Folder {
        let folder = tempfile::tempdir().expect("a folder for the test");
        Folder { folder }
    }

    fn with(text: &str) -> Folder {
        let folder = Folder::new();
        folder.write("anteroom.toml", text);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    fn load(&self) -> Result<Loaded, ConfigErrors> {
        self.load_with(&Flags::default(), &[])
    }

    fn load_with(
        &self,
        flags: &Flags,
        environment: &[(&str, &str)],
    ) -> Result<Loaded, ConfigErrors> {
        let owned = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load_beside(&self.path("anteroom.toml"), flags, owned)
    }

    fn config(&self) -> Config {
        accepted(self.load()).config
    }

    /// The problems as `file:line:column key: what`, with the paths of this folder left out.
    fn told(&self, loaded: Result<Loaded, ConfigErrors>) -> Vec<String> {
        let errors = loaded.err().expect("problems");
        errors.problems.iter().map(|p| self.line(p)).collect()
    }

    fn line(&self, problem: &Problem) -> String {
        let at = match &problem.place {
            Some(place) => {
                format!("{}:{}:{} ", place.source.name, place.line(), place.column())
            }
            None => String::new(),
        };
        let key = match problem.key.as_str() {
            "" => String::new(),
            key => format!("{key}: "),
        };
        self.without_folder(&format!("{at}{key}{}", problem.error))
    }

    fn without_folder(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn accepted(loaded: Result<Loaded, ConfigErrors>) -> Loaded {
    match loaded {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{errors}"),
    }
}

/// The problems of one text.
fn told(text: &str) -> Vec<String> {
    let folder = Folder::with(text);
    folder.told(folder.load())
}

/// The warnings of one text.
fn warned(text: &str) -> Vec<String> {
    let folder = Folder::with(text);
    let warnings = accepted(folder.load()).warnings;
    warnings
        .iter()
        .map(|warning| folder.line(warning))
        .collect()
}
