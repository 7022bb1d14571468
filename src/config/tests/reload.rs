//! What a reload takes at once and what needs a restart.

use super::*;

fn config(text: &str) -> Config {
    Folder::with(text).config()
}

#[test]
fn nothing_changed_needs_nothing() {
    let text = "[tenants.a.services.s]\n";
    assert_eq!(config(text).needs_restart(&config(text)), [""; 0]);
}

#[test]
fn what_is_taken_at_start_is_named() {
    let old = config("");
    for (text, names) in [
        ("[listen]\nintake = \"127.0.0.1:1\"\n", &["listen"][..]),
        ("[listen]\nidle_timeout = \"5s\"\n", &["listen"]),
        ("[store]\ndata = \"/x\"\n", &["store"]),
        ("[control]\ngroup = \"x\"\n", &["control"]),
        ("[log]\nlevel = \"debug\"\n", &["log"]),
        (
            "[limits]\nbody_bytes_in_flight = \"65MiB\"\n",
            &["limits.body_bytes_in_flight"],
        ),
        (
            "[limits]\nengine_queue_max = 16\n",
            &["limits.engine_queue_max"],
        ),
        ("[limits]\ndrain = \"1s\"\nbody_wait = \"1s\"\n", &[]),
        ("[tenants.a.services.s]\n", &[]),
        (
            "[tenants.a]\nidle_after = \"5m\"\n[tenants.a.services.s]\nmode = \"pickup\"\n",
            &[],
        ),
        (
            "[listen]\nconnections_max = 1\n[store]\nsqlite = \"x\"\n",
            &["listen", "store"],
        ),
    ] {
        assert_eq!(old.needs_restart(&config(text)), names, "{text}");
    }
}

#[test]
fn other_tls_files_are_taken_and_other_tls_is_not() {
    let folder = Folder::new();
    for name in ["a.pem", "b.pem"] {
        folder.write(name, "");
    }
    let tls = |certificate: &str| {
        let text =
            format!("[tls]\ncertificate_file = \"{certificate}\"\nprivate_key_file = \"a.pem\"\n");
        folder.write("anteroom.toml", text);
        folder.config()
    };
    let (first, second) = (tls("a.pem"), tls("b.pem"));
    assert_ne!(first.tls, second.tls);
    assert_eq!(first.needs_restart(&second), [""; 0]);
    assert_eq!(first.needs_restart(&config("")), ["tls"]);
}
