//! What a configuration means once it is right.

use super::*;
use crate::domain::policy::{AgentPolicy, TaskType};
use crate::domain::time::Timestamp;

const BANK: &str = r#"
[tenants.bank]
work_item_key = "matter"
attachment_types = ["text/plain"]
time_zone = "Europe/Stockholm"
fair_use = 9
agent_lost_after = "1m"
idle_after = "2m"
park_max = "3h"
park_default = "2h"
privacy.persist_user_states = true
privacy.retention_days = { records = 20, audit = 21 }

[tenants.bank.task_types.loan]
outcomes = ["yes", "no"]
wrap_up = "0s"

[tenants.bank.services.loans]
title = "Lån"
task_type = "loan"
receipts = false
hours = "Mo-Fr 08:00-17:00"
priority = 7
lifetime = "2h"
buffer_items_max = 11
queue_items_max = 10
contact_data = [
  { key = "b", order = 2, values = ["x", "y"], hidden = true },
  { key = "a", order = 1, label = "A", required = true, searchable = true, editable = true },
]

[tenants.bank.services.plain]

[tenants.bank.senders.core]
key_sha256 = "0f3a9c51e2d84b7796a1c0de5b28f4137c6e90ab12d34f56e78901bc23da45ef"
services = ["loans"]
rate_per_minute = 5
receipts = false
enabled = false
"#;

#[test]
fn every_setting_of_a_tenant_reaches_the_policy() {
    let config = Folder::with(BANK).config();
    let tenant = &config.policy.tenants["bank"];
    assert_eq!(tenant.name, "bank");
    assert_eq!(tenant.work_item_key, "matter");
    assert_eq!(
        tenant.attachment_types,
        BTreeSet::from(["text/plain".to_owned()])
    );
    assert_eq!(tenant.time_zone, "Europe/Stockholm");
    assert_eq!(tenant.fair_use, Some(9));
    assert_eq!(tenant.task_types["loan"].outcomes, ["yes", "no"]);
    assert_eq!(tenant.task_types["loan"].wrap_up_ms, Some(0));
    assert_eq!(
        tenant.agents,
        AgentPolicy {
            agent_lost_after_ms: 60_000,
            idle_after_ms: Some(120_000),
            park_max_ms: 3 * 3_600_000,
            park_default_ms: 2 * 3_600_000,
            persist_user_states: true,
        }
    );
    let privacy = &config.privacy["bank"];
    assert!(privacy.persist_user_states);
    assert!(!privacy.show_customer_identifiers);
    assert_eq!((privacy.records_days, privacy.attachments_days), (20, 90));
    assert_eq!((privacy.raw_messages_days, privacy.audit_days), (30, 21));
}

#[test]
fn every_setting_of_a_service_reaches_the_policy() {
    let config = Folder::with(BANK).config();
    let service = &config.policy.tenants["bank"].services["loans"];
    assert_eq!(
        (service.name.as_str(), service.title.as_str()),
        ("loans", "Lån")
    );
    assert_eq!(service.task_type.as_deref(), Some("loan"));
    assert!(!service.receipts);
    assert_eq!(service.priority.value(), 7);
    assert_eq!(service.lifetime_ms, Some(7_200_000));
    assert_eq!(
        (service.buffer_items_max, service.queue_items_max),
        (11, 10)
    );
    let [first, second] = service.contact_data.as_slice() else {
        panic!("two keys are declared");
    };
    assert_eq!((first.key.as_str(), first.label.as_str()), ("a", "A"));
    assert!(first.required && first.searchable && first.editable && !first.hidden);
    assert_eq!((second.key.as_str(), second.label.as_str()), ("b", "b"));
    assert_eq!(second.values, ["x", "y"]);
    assert!(second.hidden && !second.required);
}

#[test]
fn opening_hours_follow_the_clock_of_the_tenant() {
    let config = Folder::with(BANK).config();
    let service = &config.policy.tenants["bank"].services["loans"];
    let hours = service.hours.as_ref().expect("it has hours");
    // Friday, 2026-11-20, 07:00 UTC is 08:00 in Stockholm.
    let opens = Timestamp(1_795_158_000_000);
    assert!(!hours.at(opens.plus_ms(-1)).open);
    assert!(hours.at(opens).open);
    assert_eq!(hours.at(opens).until, Some(opens.plus_ms(9 * 3_600_000)));
}

#[test]
fn a_service_without_settings_has_the_defaults() {
    use crate::domain::policy;
    let config = Folder::with(BANK).config();
    let service = &config.policy.tenants["bank"].services["plain"];
    assert_eq!(service.title, "plain");
    assert!(service.receipts && service.hours.is_none() && service.task_type.is_none());
    assert_eq!(service.priority.value(), 5);
    assert_eq!(service.lifetime_ms, None);
    assert_eq!(service.buffer_items_max, policy::BUFFER_ITEMS_MAX_DEFAULT);
    assert_eq!(service.queue_items_max, policy::QUEUE_ITEMS_MAX_DEFAULT);
    assert!(service.contact_data.is_empty());
}

#[test]
fn a_tenant_without_settings_has_the_defaults() {
    let config = Folder::with("[tenants.a.task_types.t]\n").config();
    let tenant = &config.policy.tenants["a"];
    assert_eq!(tenant.agents, AgentPolicy::default());
    assert_eq!(tenant.task_types["t"], TaskType::default());
}

#[test]
fn every_setting_of_a_sender_reaches_the_policy() {
    let config = Folder::with(BANK).config();
    let sender = &config.policy.senders["core"];
    assert_eq!(
        (sender.name.as_str(), sender.tenant.as_str()),
        ("core", "bank")
    );
    assert_eq!(sender.key_sha256.len(), 1);
    assert_eq!(sender.key_sha256[0][..2], [0x0f, 0x3a]);
    assert_eq!(sender.key_sha256[0][31], 0xef);
    assert!(sender.may_use("loans") && !sender.may_use("plain"));
    assert_eq!(sender.rate_per_minute, Some(5));
    assert!(!sender.receipts && !sender.enabled);
}

#[test]
fn a_sender_may_have_two_keys_at_a_time() {
    let config = Folder::with(&format!(
        "[tenants.a.senders.s]\nkey_sha256 = [\"{DIGEST}\", \"{OTHER_DIGEST}\"]\n"
    ))
    .config();
    let keys = &config.policy.senders["s"].key_sha256;
    let first_bytes: Vec<u8> = keys.iter().map(|key| key[0]).collect();
    assert_eq!(first_bytes, [0x0f, 0x1f]);
}

#[test]
fn keys_can_be_given_later() {
    let mut config = Folder::with(BANK).config();
    let before = config.clone();
    assert!(config.set_sender_keys("core", vec![[1; 32], [2; 32]]));
    assert!(!config.set_sender_keys("nobody", vec![[1; 32]]));
    assert_eq!(config.policy.senders["core"].key_sha256, [[1; 32], [2; 32]]);
    assert_eq!(before.policy.senders["core"].key_sha256.len(), 1);
}

#[test]
fn paths_start_at_the_folder_of_their_file() {
    let folder = Folder::with("[store]\ndata = \"d\"\nsqlite = \"x/y.db\"\n");
    let store = folder.config().store;
    assert_eq!(store.data, folder.path("d"));
    assert_eq!(store.sqlite, folder.path("d/x/y.db"));
    folder.write("conf.d/a.toml", "[store]\ndata = \"/e\"\n");
    let store = folder.config().store;
    assert_eq!(store.sqlite, Path::new("/e/x/y.db"));
}

#[test]
fn credentials_lie_where_systemd_says() {
    let folder =
        Folder::with("[tls]\ncertificate_file = \"c\"\nprivate_key_credential = \"key\"\n");
    folder.write("c", "");
    let none = folder.config().tls.expect("TLS is on");
    assert_eq!(
        none.private_key_file,
        Path::new("/run/credentials/anteroom.service/key")
    );
    let environment = [("CREDENTIALS_DIRECTORY", "/run/credentials/x")];
    let loaded = accepted(folder.load_with(&Flags::default(), &environment));
    let tls = loaded.config.tls.expect("TLS is on");
    assert_eq!(tls.private_key_file, Path::new("/run/credentials/x/key"));
    assert_eq!(tls.certificate_file, folder.path("c"));
}

#[test]
fn sockets_handed_over_are_judged_like_listeners() {
    let off = SocketAddr::from(([192, 0, 2, 1], 80));
    let on = SocketAddr::from(([127, 0, 0, 1], 80));
    let config = Folder::with("").config();
    assert!(config.refuses_plaintext(off) && !config.refuses_plaintext(on));
    let config = Folder::with("[listen]\nplaintext = true\n").config();
    assert!(!config.refuses_plaintext(off));
}
