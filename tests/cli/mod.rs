//! The command line and the daemon's start and end, tried with the real binary.

mod commands;
mod drain;
mod files;
mod notifications;
mod notify;
mod rehearsal;
mod reload;
mod replay;
mod sockets;
mod workflow;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::daemon::binary;

/// How long something that happens beside us may take, far above what it needs.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A message for `service`.
fn message(service: &str, reference: &str) -> String {
    format!(
        "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"{reference}\">\
         <service>{service}</service><contactData><item key=\"workItemTask\">Call back</item>\
         </contactData></workItem>"
    )
}

/// Runs the binary to its end, in `folder`, without settings of whoever runs the tests.
pub(crate) fn anteroom<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    command(folder)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ANTEROOM__") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("output is UTF-8")
}

/// Looks until `what` is there; a test that waits in vain fails with `hint`.
pub(crate) fn wait_for<T>(hint: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(started.elapsed() < WAIT_MAX, "in vain: {hint}");
        std::thread::sleep(LOOK_EVERY);
    }
}
