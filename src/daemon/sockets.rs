//! The sockets we listen on: handed over by systemd, or made by us as the configuration says.

use std::fs::{self, Permissions};
use std::io;
use std::net::{self, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net as unix;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use crate::config::Config;

/// Connections that may wait to be accepted; the system may cap it lower.
const BACKLOG: u32 = 4_096;
/// Of the control socket: its owner, and the group where one is configured.
const MODE_OWNER: u32 = 0o600;
const MODE_GROUP: u32 = 0o660;

/// Why we cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The address is taken or not ours. Free it, or configure another.
    #[error("cannot listen on {address} for {listener}: {source}")]
    Bind {
        /// `intake` or `console`.
        listener: &'static str,
        /// What was configured.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The control socket cannot be made.
    #[error("cannot listen on {path}: {source}")]
    Control {
        /// Where it should lie.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `[control] group` names no group of this machine.
    #[error("there is no group {0} on this machine: make it, or change `group` under [control]")]
    NoGroup(String),
    /// A socket that was handed over cannot be used. Correct the socket unit.
    #[error("socket {name} handed over at start: {reason}")]
    HandedOver {
        /// `FileDescriptorName=` of its unit.
        name: String,
        /// Why not.
        reason: String,
    },
}

/// Sockets that systemd handed over. Empty lists: we make our own.
#[derive(Default)]
pub struct HandedOver {
    intake: Vec<net::TcpListener>,
    console: Vec<net::TcpListener>,
    control: Vec<unix::UnixListener>,
}

impl HandedOver {
    /// Whether connections wait in sockets that outlive this process.
    pub fn outlives_us(&self) -> bool {
        !self.intake.is_empty()
    }
}

/// Takes the sockets that systemd handed over. Call it before there is any other thread: it
/// removes the variables of the protocol, so that no child takes the sockets for its own.
///
/// # Errors
/// The protocol is broken, or a socket has a name or type that we do not know.
pub fn handed_over() -> Result<HandedOver, SocketError> {
    let refuse = |name: &str, reason: String| SocketError::HandedOver {
        name: name.to_owned(),
        reason,
    };
    let names = sd_notify::listen_fds_with_names()
        .map_err(|error| refuse("(all)", error.to_string()))?
        .map(|(_, name)| name);
    let mut handed_over = HandedOver::default();
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return Ok(handed_over);
    }
    let mut sockets = ListenFd::from_env();
    for (index, name) in names.iter().enumerate() {
        let failed = |error: io::Error| refuse(name, error.to_string());
        match name.as_str() {
            "intake" => {
                let listener = sockets.take_tcp_listener(index).map_err(failed)?;
                handed_over.intake.extend(listener);
            }
            "console" => {
                let listener = sockets.take_tcp_listener(index).map_err(failed)?;
                handed_over.console.extend(listener);
            }
            "control" => {
                let listener = sockets.take_unix_listener(index).map_err(failed)?;
                handed_over.control.extend(listener);
            }
            _ => {
                let reason = "its unit must say FileDescriptorName=intake, console or control";
                return Err(refuse(name, reason.to_owned()));
            }
        }
    }
    Ok(handed_over)
}

/// Everything we listen on.
pub struct Listeners {
    /// For senders; at least one.
    pub intake: Vec<TcpListener>,
    /// For people; at least one.
    pub console: Vec<TcpListener>,
    /// For the command line on this machine; at least one.
    pub control: Vec<UnixListener>,
    /// The control socket we made ourselves and remove at the end.
    own_control: Option<PathBuf>,
}

impl Listeners {
    /// Opens what was not handed over. The caller holds the store's lock: only then is a control
    /// socket that lies there already a dead one.
    ///
    /// # Errors
    /// See [`SocketError`]; nothing listens.
    pub fn open(handed_over: HandedOver, config: &Config) -> Result<Listeners, SocketError> {
        let intake = tcp("intake", handed_over.intake, config.listen.intake, config)?;
        let console = tcp(
            "console",
            handed_over.console,
            config.listen.console,
            config,
        )?;
        let path = config.control_socket();
        let failed = |source| SocketError::Control {
            path: path.clone(),
            source,
        };
        if !handed_over.control.is_empty() {
            let control = handed_over.control.into_iter().map(adopt_unix);
            return Ok(Listeners {
                intake,
                console,
                control: control.collect::<io::Result<_>>().map_err(failed)?,
                own_control: None,
            });
        }
        let control = open_control(&path, config.control.group.as_deref())?;
        Ok(Listeners {
            intake,
            console,
            control: vec![control],
            own_control: Some(path),
        })
    }

    /// The control socket to remove at the end; `None`: systemd's.
    pub fn take_own_control(&mut self) -> Option<PathBuf> {
        self.own_control.take()
    }

    /// The first address of the intake.
    ///
    /// # Errors
    /// The system does not know it.
    pub fn intake_address(&self) -> io::Result<SocketAddr> {
        self.intake[0].local_addr()
    }

    /// The first address of the console.
    ///
    /// # Errors
    /// The system does not know it.
    pub fn console_address(&self) -> io::Result<SocketAddr> {
        self.console[0].local_addr()
    }
}

fn tcp(
    listener: &'static str,
    handed_over: Vec<net::TcpListener>,
    address: SocketAddr,
    config: &Config,
) -> Result<Vec<TcpListener>, SocketError> {
    if handed_over.is_empty() {
        let bound = bind(address).map_err(|source| SocketError::Bind {
            listener,
            address,
            source,
        })?;
        return Ok(vec![bound]);
    }
    let refuse = |reason: String| SocketError::HandedOver {
        name: listener.to_owned(),
        reason,
    };
    let mut listeners = Vec::with_capacity(handed_over.len());
    for socket in handed_over {
        let adopted = adopt_tcp(socket).map_err(|error| refuse(error.to_string()))?;
        let address = adopted
            .local_addr()
            .map_err(|error| refuse(error.to_string()))?;
        if config.refuses_plaintext(address) {
            return Err(refuse(format!(
                "it listens off the loopback ({address}) without TLS: set [tls], or `plaintext = \
                 true` under [listen] if the network is trusted"
            )));
        }
        listeners.push(adopted);
    }
    Ok(listeners)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn adopt_tcp(socket: net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

fn adopt_unix(socket: unix::UnixListener) -> io::Result<UnixListener> {
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket)
}

/// Makes the control socket. It gets its name only with its rights set: nobody else can connect
/// in between.
fn open_control(path: &Path, group: Option<&str>) -> Result<UnixListener, SocketError> {
    let failed = |source| SocketError::Control {
        path: path.to_owned(),
        source,
    };
    let group = group.map(group_id).transpose()?;
    let unnamed = path.with_extension("sock.new");
    remove_socket(&unnamed).map_err(failed)?;
    let listener = UnixListener::bind(&unnamed).map_err(failed)?;
    if let Some(group) = group {
        chown(&unnamed, None, Some(group)).map_err(failed)?;
    }
    let mode = group.map_or(MODE_OWNER, |_| MODE_GROUP);
    fs::set_permissions(&unnamed, Permissions::from_mode(mode)).map_err(failed)?;
    remove_socket(path).map_err(failed)?;
    fs::rename(&unnamed, path).map_err(failed)?;
    Ok(listener)
}

/// Removes a socket left behind; anything else that has its name stays and is an error.
pub fn remove_socket(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is no socket lies there",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn group_id(name: &str) -> Result<u32, SocketError> {
    match nix::unistd::Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) | Err(_) => Err(SocketError::NoGroup(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime")
    }

    fn mode(path: &Path) -> u32 {
        let metadata = fs::metadata(path).expect("the socket is there");
        metadata.permissions().mode() & 0o777
    }

    #[test]
    fn the_control_socket_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let entered = runtime();
        let _guard = entered.enter();
        let _listener = open_control(&path, None).expect("it opens");
        assert_eq!(mode(&path), MODE_OWNER);
    }

    #[test]
    fn a_configured_group_may_use_the_control_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let own = nix::unistd::Group::from_gid(nix::unistd::getegid());
        let own = own.expect("groups can be read").expect("ours has a name");
        let entered = runtime();
        let _guard = entered.enter();
        let _listener = open_control(&path, Some(&own.name)).expect("it opens");
        assert_eq!(mode(&path), MODE_GROUP);
        let metadata = fs::metadata(&path).expect("the socket is there");
        assert_eq!(metadata.gid(), own.gid.as_raw());
    }

    #[test]
    fn a_dead_control_socket_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let entered = runtime();
        let _guard = entered.enter();
        drop(open_control(&path, None).expect("it opens"));
        let _listener = open_control(&path, None).expect("it opens again");
        unix::UnixStream::connect(&path).expect("the new one listens");
    }

    #[test]
    fn a_file_in_place_of_the_control_socket_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        fs::write(&path, "mine").expect("a file");
        let entered = runtime();
        let _guard = entered.enter();
        assert!(open_control(&path, None).is_err());
        assert_eq!(fs::read(&path).expect("it is there"), b"mine");
    }

    #[test]
    fn an_unknown_group_is_named() {
        let error = group_id("no-such-group-here").expect_err("there is none");
        assert!(error.to_string().contains("no-such-group-here"));
    }
}
