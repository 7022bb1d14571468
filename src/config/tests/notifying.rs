//! How senders are told of their items.

use super::*;
use crate::domain::notification::EventKind;

const START: &str = "[tenants.a.senders.s]\nkey_sha256 = \
                     \"0f3a9c51e2d84b7796a1c0de5b28f4137c6e90ab12d34f56e78901bc23da45ef\"\n";

fn with(notify: &str) -> Folder {
    let folder = Folder::with(&format!("{START}notify = {{ {notify} }}\n"));
    folder.write("secret", "");
    folder
}

fn told_of(notify: &str) -> Vec<String> {
    let folder = with(notify);
    folder.told(folder.load())
}

#[test]
fn every_setting_of_a_notification_reaches_the_policy() {
    let folder = with(
        "url = \"https://bank.example:8443/told?x=1\", secret_file = \"secret\", \
         events = [\"queued\", \"completed\"]",
    );
    let config = folder.config();
    assert!(!config.notify.allow_private);
    let notify = config.policy.senders["s"].notify.clone();
    let notify = notify.expect("it is told");
    assert_eq!(notify.url.to_string(), "https://bank.example:8443/told?x=1");
    assert_eq!(notify.secret_file, folder.path("secret"));
    let events = BTreeSet::from([EventKind::Queued, EventKind::Completed]);
    assert_eq!(notify.events, events);
}

#[test]
fn without_it_a_sender_is_told_nothing() {
    for text in [START.to_owned(), format!("{START}notify = {{}}\n")] {
        let config = Folder::with(&text).config();
        assert_eq!(config.policy.senders["s"].notify, None);
    }
}

#[test]
fn private_receivers_are_allowed_for_all() {
    let config = Folder::with("[notify]\nallow_private = true\n").config();
    assert!(config.notify.allow_private);
}

#[test]
fn a_credential_lies_where_systemd_says() {
    let folder = with("url = \"https://x/\", secret_credential = \"s\", events = [\"queued\"]");
    let environment = [("CREDENTIALS_DIRECTORY", "/run/credentials/x")];
    let loaded = accepted(folder.load_with(&Flags::default(), &environment));
    let notify = loaded.config.policy.senders["s"].notify.clone();
    let secret_file = notify.expect("it is told").secret_file.clone();
    assert_eq!(secret_file, Path::new("/run/credentials/x/s"));
}

#[test]
fn what_is_missing_is_named() {
    let at = "anteroom.toml:3:12 tenants.a.senders.s.notify";
    assert_eq!(
        told_of("url = \"https://x/\""),
        [
            format!("{at}: `events` is missing"),
            format!("{at}.secret_file: notifications need `secret_file` or `secret_credential`"),
        ]
    );
    assert_eq!(
        told_of("events = [\"queued\"], secret_file = \"secret\""),
        [format!("{at}: `url` is missing")]
    );
}

#[test]
fn what_is_wrong_is_marked_at_its_place() {
    let key = "tenants.a.senders.s.notify";
    let rest = "secret_file = \"secret\", events = [\"queued\"]";
    for (notify, line) in [
        (
            format!("url = \"https://u:p@x/\", {rest}"),
            format!(
                "3:18 {key}.url: a URL must not hold a user name or password; the signature says \
                 who sends"
            ),
        ),
        (
            format!("url = \"ftp://x/\", {rest}"),
            format!("3:18 {key}.url: begin it with https:// or http://"),
        ),
        (
            format!("url = 5, {rest}"),
            format!("3:18 {key}.url: expected a string, found an integer"),
        ),
        (
            "url = \"https://x/\", secret_file = \"secret\", events = []".to_owned(),
            format!("3:65 {key}.events: out of range, allowed: 1 to 7 values"),
        ),
        (
            "url = \"https://x/\", secret_file = \"secret\", events = [\"ended\"]".to_owned(),
            format!(
                "3:66 {key}.events: `ended` is not one of queued, accepted, completed, \
                 cancelled, expired, transferred, workflow"
            ),
        ),
        (
            "url = \"https://x/\", secret_file = \"no\", events = [\"queued\"]".to_owned(),
            format!("3:46 {key}.secret_file: cannot read no: there is no such file"),
        ),
        (
            format!("url = \"https://x/\", {rest}, secret_credential = \"s\""),
            format!(
                "3:97 {key}.secret_credential: set either `secret_file` or \
                 `secret_credential`, not both"
            ),
        ),
        (
            format!("url = \"https://x/\", {rest}, secret = \"whsec_x\""),
            format!("3:77 {key}: a secret must not stand in the configuration"),
        ),
        (
            format!("url = \"https://x/\", {rest}, event = \"queued\""),
            format!("3:77 {key}: unknown key `event`"),
        ),
    ] {
        assert_eq!(
            told_of(&notify),
            [format!("anteroom.toml:{line}")],
            "{notify}"
        );
    }
}
