//! Kinds of values that say where something is: network addresses and paths.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::document::Node;
use super::kind::{Fault, Kind, text};
use super::problem::ConfigError;

/// An IP address and a port.
pub struct Address;

impl Kind for Address {
    type Output = SocketAddr;

    fn parse(&self, node: &Node) -> Result<SocketAddr, Fault> {
        let written = text(node, "a string")?;
        written.parse().map_err(|_| {
            let reason = format!(
                "`{written}` is not an IP address with a port, such as 127.0.0.1:8480 or [::1]:8480"
            );
            Fault::at(node, ConfigError::Invalid(reason))
        })
    }

    fn show(&self, address: &SocketAddr) -> toml::Value {
        toml::Value::String(address.to_string())
    }
}

/// A path; a relative one starts at the folder of the file it is written in.
pub struct FilePath;

impl Kind for FilePath {
    type Output = PathBuf;

    fn parse(&self, node: &Node) -> Result<PathBuf, Fault> {
        Ok(node.place.resolve(path_text(node)?))
    }

    fn show(&self, path: &PathBuf) -> toml::Value {
        show_path(path)
    }
}

/// A path; a relative one starts at a folder given.
pub struct PathWithin<'a> {
    /// The folder.
    pub folder: &'a Path,
}

impl Kind for PathWithin<'_> {
    type Output = PathBuf;

    fn parse(&self, node: &Node) -> Result<PathBuf, Fault> {
        Ok(self.folder.join(path_text(node)?))
    }

    fn show(&self, path: &PathBuf) -> toml::Value {
        show_path(path)
    }
}

fn path_text(node: &Node) -> Result<&str, Fault> {
    let written = text(node, "a string")?;
    if written.contains("-----BEGIN") {
        let instead = "write the path of the file that holds it";
        return Err(Fault::at(node, ConfigError::Secret { instead }));
    }
    match written.is_empty() || written.contains('\0') {
        true => Err(Fault::at(
            node,
            ConfigError::Invalid("a path must not be empty".to_owned()),
        )),
        false => Ok(written),
    }
}

fn show_path(path: &Path) -> toml::Value {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    toml::Value::String(absolute.display().to_string())
}
