//! Agents and supervisors over HTTP, with the real binary: items reach people, and their senders
//! hear of it.

mod bank;
pub(crate) mod lives;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::wait_for;
use crate::daemon::client::{Answer, Client};
use crate::own::OwnDaemon;

pub(crate) const KEY: &str = "the key of the bank's core system";

/// A daemon with agents.
pub(crate) struct Floor {
    pub(crate) daemon: OwnDaemon,
    passwords: BTreeMap<String, String>,
}

impl Floor {
    /// Starts a daemon on `config`, with the users of a file as `user import` takes it.
    pub(crate) fn start(folder: &Path, config: &str, users: &str) -> Floor {
        let daemon = OwnDaemon::start(folder, config);
        fs::write(folder.join("users.csv"), users).expect("a file");
        let mut passwords = BTreeMap::new();
        for answer in daemon.cli_json(&["user", "import", "users.csv"]) {
            let new = answer["passwords"]
                .as_object()
                .expect("new users have some");
            for (name, password) in new {
                let password = password.as_str().expect("it is text").to_owned();
                passwords.insert(name.clone(), password);
            }
        }
        Floor { daemon, passwords }
    }

    pub(crate) fn sender(&self) -> Client {
        self.daemon.sender(KEY)
    }

    /// Somebody signs in.
    pub(crate) fn desk(&self, name: &str) -> Desk {
        let mut door = Client::new(self.daemon.address("console"), None);
        let body = json!({ "user": name, "password": self.passwords[name] }).to_string();
        let json = [("content-type", "application/json")];
        let answer = door
            .send("POST", "/api/v1/session", &json, body.as_bytes())
            .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let session: Value = serde_json::from_str(answer.text()).expect("it is JSON");
        let token = session["token"].as_str().expect("it is text").to_owned();
        let client = Client::new(self.daemon.address("console"), Some(&token));
        Desk { client, token }
    }

    /// Whoever had signed in before the daemon was killed goes on with the same token.
    pub(crate) fn reconnect(&self, desk: &mut Desk) {
        desk.client = Client::new(self.daemon.address("console"), Some(&desk.token));
    }

    /// The whole life of an item, as the command line prints it.
    pub(crate) fn trace(&self, item: &str) -> Vec<Value> {
        self.daemon.cli_json(&["item", item, "--trace"])
    }
}

/// Somebody who has signed in.
pub(crate) struct Desk {
    pub(crate) client: Client,
    pub(crate) token: String,
}

impl Desk {
    /// Asks; `None`: no whole answer came.
    pub(crate) fn try_ask(&mut self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        let json = [("content-type", "application/json")];
        let text = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let path = format!("/api/v1/{path}");
        self.client.send(method, &path, &json, text.as_bytes()).ok()
    }

    /// Asks and is answered well.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, path, body).expect("an answer");
        let text = answer.text();
        assert!(
            matches!(answer.status, 200 | 204),
            "{method} {path}: {text}"
        );
        match text {
            "" => Value::Null,
            text => serde_json::from_str(text).expect("it is JSON"),
        }
    }

    /// Online and active in these services.
    pub(crate) fn begin(&mut self, services: &[&str]) {
        let active: BTreeMap<&str, bool> = services.iter().map(|name| (*name, true)).collect();
        let state = json!({ "presence": "online", "active": active });
        self.ask("PUT", "me/state", &state);
    }

    /// Waits for the next offer.
    pub(crate) fn next_offer(&mut self) -> Value {
        wait_for("an offer", || {
            let offers = self.ask("GET", "me/offers", &Value::Null);
            offers.as_array().expect("a list").first().cloned()
        })
    }
}
