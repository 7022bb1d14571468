//! Workflows from outside, with the real binary: what they promise under kill -9, and the ways of
//! those who meet them: senders, agents, supervisors, a back office, an operator.

mod audit;
mod car_loan;
mod follow_ups;
mod kills;
mod life;
mod people;
mod stream;
mod versions;

use std::fs;
use std::path::Path;

use crate::floor::KEY;
use crate::own::{LISTENERS, key_sha256};
use crate::receiver::{Receiver, secret};

/// The beginning of a configuration with these files of workflows, whose sender is told what
/// workflows say.
fn bank(receiver: &Receiver, files: &[&str]) -> String {
    let files: Vec<String> = files.iter().map(|file| format!("{file:?}")).collect();
    format!(
        "{}[notify]\nallow_private = true\n\
         [tenants.bank]\nfair_use = false\nwork_groups = [\"backoffice\"]\nworkflows = [{}]\n\
         [tenants.bank.senders.core]\nkey_sha256 = \"{}\"\nrate_per_minute = false\n\
         [tenants.bank.senders.core.notify]\nurl = \"http://{}/told\"\n\
         secret_file = \"secret\"\nevents = [\"workflow\"]\n",
        LISTENERS,
        files.join(", "),
        key_sha256(KEY),
        receiver.address
    )
}

/// Writes the secret of notifications and files of workflows where the configuration looks for them.
fn write_files(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in [("secret", secret().as_str())].iter().chain(files) {
        fs::write(folder.join(name), text).expect("a file");
    }
}

/// A message for a service.
fn message(service: &str, reference: &str) -> String {
    format!(
        "<workItem xmlns=\"urn:anteroom:work-item:1\" reference=\"{reference}\">\
         <service>{service}</service><title>Loan of {reference}</title>\
         <customer id=\"4711\"><name>Anna Berg</name></customer>\
         <contactData><item key=\"workItemTask\">Decide</item></contactData></workItem>"
    )
}

/// An update that says what the credit check has found.
fn update(reference: &str) -> String {
    format!(
        "<update xmlns=\"urn:anteroom:work-item:1\" reference=\"{reference}\">\
         <contactData><item key=\"creditCheck\">fine</item></contactData></update>"
    )
}
