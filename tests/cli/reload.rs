//! SIGHUP: the new configuration as a whole, or the old one and a reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::{anteroom, code, command, stderr, stdout, wait_for};

/// A daemon with a configuration of its own; killed when dropped.
struct Configured {
    child: Child,
    folder: PathBuf,
}

impl Configured {
    fn start(folder: &Path, config: &str) -> Configured {
        fs::write(folder.join("own.toml"), config).expect("a file");
        let log = fs::File::create(folder.join("log")).expect("a file");
        let child = command(folder)
            .args(["--config", "own.toml", "--data", "data", "serve"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let configured = Configured {
            child,
            folder: folder.to_owned(),
        };
        configured.wait_for_log("listening");
        wait_for("the control socket answers", || {
            let output = anteroom(folder, &["--data", "data", "status"]);
            output.status.success().then_some(())
        });
        configured
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn wait_for_log(&self, part: &str) {
        wait_for(part, || self.log().contains(part).then_some(()));
    }

    fn reload(&self, config: &str) {
        fs::write(self.folder.join("own.toml"), config).expect("a file");
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("sh")
            .args(["-c", "kill -s HUP \"$0\"", &pid])
            .status();
        assert!(sent.expect("sh runs").success());
    }

    fn services(&self) -> Vec<String> {
        let output = anteroom(&self.folder, &["--data", "data", "services", "--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let line = |line: &str| {
            let service: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
            service["name"].as_str().expect("it is text").to_owned()
        };
        stdout(&output).lines().map(line).collect()
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LISTEN: &str = "[listen]\nintake = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n";

fn config(services: &[&str]) -> String {
    let services = services.iter();
    let tables = services.map(|name| format!("[tenants.bank.services.{name}]\n"));
    format!("{LISTEN}{}", tables.collect::<String>())
}

#[test]
fn a_right_configuration_is_taken_as_a_whole() {
    let folder = crate::daemon::folder("reload");
    let daemon = Configured::start(folder.path(), &config(&["loans"]));
    assert_eq!(daemon.services(), ["loans"]);
    daemon.reload(&config(&["loans", "cards"]));
    daemon.wait_for_log("the configuration was taken anew");
    assert_eq!(daemon.services(), ["loans", "cards"]);
}

#[test]
fn a_wrong_configuration_leaves_the_old_one_and_says_why() {
    let folder = crate::daemon::folder("reload");
    let daemon = Configured::start(folder.path(), &config(&["loans"]));
    daemon.reload(&format!("{}\nnonsense = 1\n", config(&["loans", "cards"])));
    daemon.wait_for_log("the old one stays in force");
    assert!(
        daemon.log().contains("unknown key `nonsense`"),
        "{}",
        daemon.log()
    );
    assert_eq!(daemon.services(), ["loans"]);
    daemon.reload(&config(&["loans", "cards"]));
    daemon.wait_for_log("the configuration was taken anew");
    assert_eq!(daemon.services(), ["loans", "cards"]);
}

/// A workflow that alerts a group and finishes.
fn alerting(group: &str) -> String {
    format!(
        "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"w\"><event on=\"received\">\
         <alert to=\"{group}\" text=\"Look\"/><finish/></event></workflow>"
    )
}

#[test]
fn a_wrong_workflow_leaves_the_old_configuration_and_is_shown() {
    let folder = crate::daemon::folder("reload");
    let workflow = |text: &str| fs::write(folder.path().join("w.xml"), text).expect("a file");
    let with_workflow = |services: &[&str]| {
        let tenant = "[tenants.bank]\nworkflows = [\"w.xml\"]\nwork_groups = [\"backoffice\"]\n";
        config(services).replace(LISTEN, &format!("{LISTEN}{tenant}"))
    };
    workflow(&alerting("supervisor"));
    let daemon = Configured::start(folder.path(), &with_workflow(&["loans"]));
    workflow(&alerting("supervisor").replace("<finish/>", ""));
    daemon.reload(&with_workflow(&["loans", "cards"]));
    daemon.wait_for_log("unlinkedEnd");
    daemon.wait_for_log("the old one stays in force");
    assert_eq!(daemon.services(), ["loans"]);
    workflow(&alerting("backoffice"));
    daemon.reload(&with_workflow(&["loans", "cards"]));
    daemon.wait_for_log("the configuration was taken anew");
    assert_eq!(daemon.services(), ["loans", "cards"]);
}

#[test]
fn a_group_that_nobody_is_in_is_a_warning_at_start_and_refused_at_a_reload() {
    let folder = crate::daemon::folder("reload");
    let workflow = |text: &str| fs::write(folder.path().join("w.xml"), text).expect("a file");
    let tenant = "[tenants.bank]\nworkflows = [\"w.xml\"]\n";
    let with = |services: &[&str]| config(services).replace(LISTEN, &format!("{LISTEN}{tenant}"));
    workflow(&alerting("backoffice"));
    let daemon = Configured::start(folder.path(), &with(&["loans"]));
    daemon.wait_for_log("unknownGroup");
    assert_eq!(daemon.services(), ["loans"]);
    daemon.reload(&with(&["loans", "cards"]));
    daemon.wait_for_log("the old one stays in force");
    assert_eq!(daemon.services(), ["loans"]);
    workflow(&alerting("supervisor"));
    daemon.reload(&with(&["loans", "cards"]));
    daemon.wait_for_log("the configuration was taken anew");
}

#[test]
fn what_a_reload_cannot_change_is_said() {
    let folder = crate::daemon::folder("reload");
    let daemon = Configured::start(folder.path(), &config(&["loans"]));
    daemon.reload(&format!("{}[log]\nlevel = \"debug\"\n", config(&["loans"])));
    daemon.wait_for_log("taken at the next start only");
    daemon.wait_for_log("the configuration was taken anew");
}

#[test]
fn a_summary_is_logged_when_asked_for() {
    let folder = crate::daemon::folder("reload");
    let daemon = Configured::start(folder.path(), &config(&["loans"]));
    let pid = daemon.child.id().to_string();
    let sent = std::process::Command::new("sh")
        .args(["-c", "kill -s USR1 \"$0\"", &pid])
        .status();
    assert!(sent.expect("sh runs").success());
    daemon.wait_for_log("\"message\":\"summary\"");
    assert!(
        daemon.log().contains("\"service\":\"loans\""),
        "{}",
        daemon.log()
    );
}
