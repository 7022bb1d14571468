//! Signing in over a running engine.

use std::net::Ipv4Addr;

use super::*;
use crate::domain::access::{SESSION_ABSOLUTE_MS, SESSION_IDLE_MS, SESSION_NOTE_MS};
use crate::domain::facts::Utc;
use crate::domain::people::UserPatch;
use crate::domain::policy::{AgentPolicy, Policy, TenantPolicy};
use crate::engine::Engine;
use crate::engine::run::{RunningEngine, clock, spawn};
use crate::people::throttle::{ADDRESS_BURST, NAME_BURST};
use crate::store::memory::MemoryStore;

const PASSWORD: &str = "correct horse battery";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Door {
    sign_ins: SignIns,
    engine: RunningEngine,
}

/// A running engine with the user `anna`.
async fn door() -> Door {
    let tenant = TenantPolicy {
        name: "bank".to_owned(),
        work_item_key: "workItemTask".to_owned(),
        attachment_types: Default::default(),
        time_zone: "UTC".to_owned(),
        fair_use: None,
        task_types: Default::default(),
        services: Default::default(),
        agents: AgentPolicy::default(),
        show_customer_identifiers: false,
        workflows: Default::default(),
        work_groups: Default::default(),
        clock: Arc::new(Utc),
    };
    let policy = Policy {
        tenants: [("bank".to_owned(), Arc::new(tenant))].into(),
        senders: Default::default(),
    };
    let random = Box::new(|bytes: &mut [u8]| bytes.fill(7));
    let engine = Engine::start(MemoryStore::new(), Arc::new(policy), random, clock());
    let engine = spawn(engine.expect("it starts"), 64).expect("a thread");
    let passwords = Passwords::new().expect("there is randomness");
    let add = Edit::Add {
        name: "anna".parse().expect("a name"),
        tenant: None,
        patch: UserPatch::default(),
        password: Some(passwords.hash(PASSWORD.to_owned()).await.expect("room")),
    };
    let sign_ins = SignIns::new(engine.handle.clone(), passwords);
    let added = sign_ins.change(Actor::Engine, HERE, vec![add]).await;
    added.expect("she is new");
    Door { sign_ins, engine }
}

impl Door {
    async fn try_in(&self, name: &str, password: &str, now: Timestamp) -> Result<String, Code> {
        let tried = self.sign_ins.sign_in(name, password.to_owned(), HERE, now);
        let tried = tried.await;
        tried
            .map(|(token, _)| token)
            .map_err(|refusal| refusal.code())
    }

    async fn edit(&self, edit: Edit) {
        let edited = self.sign_ins.change(Actor::Engine, HERE, vec![edit]).await;
        edited.expect("it is taken");
    }

    fn is_known(&self, token: &str, now: Timestamp) -> bool {
        self.sign_ins.authenticate(token, now).is_ok()
    }

    fn close(self) {
        drop(self.sign_ins);
        drop(self.engine.handle);
        let ended = self.engine.thread.join().expect("it does not panic");
        ended.expect("the store is sound");
    }
}

#[tokio::test]
async fn a_password_opens_a_session_and_signing_out_ends_it() {
    let door = door().await;
    let now = clock();
    let token = door.try_in("anna", PASSWORD, now).await.expect("hers");
    let signed_in = door.sign_ins.authenticate(&token, now).expect("known");
    assert_eq!(signed_in.user().name.as_str(), "anna");
    assert!(!door.is_known("something else", now));
    door.sign_ins.sign_out(&signed_in, HERE).await.expect("out");
    assert!(!door.is_known(&token, now));
    door.close();
}

#[tokio::test]
async fn whoever_is_wrong_learns_nothing_about_what() {
    let door = door().await;
    for (name, password) in [
        ("anna", "wrong"),
        ("nobody", PASSWORD),
        ("no name at all", PASSWORD),
        ("Anna", PASSWORD),
        ("anna", &"x".repeat(300)),
    ] {
        let tried = door.try_in(name, password, clock()).await;
        assert_eq!(tried, Err(Code::NotAuthenticated), "{name}");
    }
    let off = UserPatch {
        enabled: Some(false),
        ..UserPatch::default()
    };
    door.edit(Edit::Change {
        name: "anna".parse().expect("a name"),
        patch: off,
        if_version: None,
    })
    .await;
    let tried = door.try_in("anna", PASSWORD, clock()).await;
    assert_eq!(tried, Err(Code::NotAuthenticated));
    door.close();
}

#[tokio::test]
async fn wrong_tries_are_throttled_and_right_ones_are_not() {
    let door = door().await;
    let now = clock();
    for _ in 0..NAME_BURST + 2 {
        door.try_in("anna", PASSWORD, now).await.expect("hers");
    }
    for _ in 0..NAME_BURST {
        let tried = door.try_in("anna", "wrong", now).await;
        assert_eq!(tried, Err(Code::NotAuthenticated));
    }
    let throttled = door
        .sign_ins
        .sign_in("anna", PASSWORD.to_owned(), HERE, now);
    let refusal = throttled.await.expect_err("too many");
    assert_eq!(refusal.code(), Code::RateLimited);
    assert_eq!(refusal.first.retry_after_s, Some(30));
    let later = now.plus_ms(30_000);
    door.try_in("anna", PASSWORD, later)
        .await
        .expect("one is back");
    door.close();
}

#[tokio::test]
async fn an_address_is_throttled_whatever_the_names() {
    let door = door().await;
    let now = clock();
    {
        let mut throttles = door.sign_ins.throttles();
        for _ in 1..ADDRESS_BURST {
            throttles.addresses.take(HERE, now).expect("there is one");
        }
    }
    let last = door.try_in("nobody1", "wrong", now).await;
    assert_eq!(last, Err(Code::NotAuthenticated));
    let over = door.try_in("nobody2", "wrong", now).await;
    assert_eq!(over, Err(Code::RateLimited));
    door.close();
}

#[tokio::test]
async fn a_session_ends_idle_or_old_and_is_kept_by_use() {
    let door = door().await;
    let token = door.try_in("anna", PASSWORD, clock()).await.expect("hers");
    let people = door.engine.handle.people();
    let session = people.session(&secret::digest(&token)).expect("open");
    let opened = session.opened_at;
    assert!(door.is_known(&token, opened.plus_ms(SESSION_IDLE_MS - 1)));
    assert!(!door.is_known(&token, opened.plus_ms(SESSION_IDLE_MS)));
    assert!(!door.is_known(&token, opened.plus_ms(SESSION_ABSOLUTE_MS)));
    let fresh = known(&people, &token, opened.plus_ms(SESSION_NOTE_MS - 1));
    let stale = known(&people, &token, opened.plus_ms(SESSION_NOTE_MS));
    let is_stale = |known: Option<SignedIn>| match known.expect("known").means {
        Means::Session { is_stale, .. } => is_stale,
        Means::ApiToken => panic!("it is a session"),
    };
    assert_eq!((is_stale(fresh), is_stale(stale)), (false, true));
    door.close();
}

#[tokio::test]
async fn tokens_hold_until_revoked_or_over_and_make_no_others() {
    let door = door().await;
    let now = clock();
    let session = door.try_in("anna", PASSWORD, now).await.expect("hers");
    let signed_in = door.sign_ins.authenticate(&session, now).expect("known");
    let make = |label: &str, end| {
        let made = door
            .sign_ins
            .create_token(&signed_in, label.to_owned(), end, HERE);
        async { made.await.expect("made") }
    };
    let endless = make("endless", None).await;
    let short = make("short", Some(now.plus_ms(60_000))).await;
    assert!(door.is_known(&endless, now.plus_ms(SESSION_ABSOLUTE_MS)));
    assert!(door.is_known(&short, now.plus_ms(59_999)));
    assert!(!door.is_known(&short, now.plus_ms(60_000)));
    let program = door.sign_ins.authenticate(&endless, now).expect("known");
    assert_eq!(program.means, Means::ApiToken);
    let another = door
        .sign_ins
        .create_token(&program, "third".to_owned(), None, HERE);
    assert_eq!(
        another.await.expect_err("refused").code(),
        Code::NotAuthorised
    );
    let revoked = door
        .sign_ins
        .revoke_token(&signed_in, "endless".to_owned(), HERE);
    revoked.await.expect("revoked");
    assert!(!door.is_known(&endless, now));
    door.close();
}

#[tokio::test]
async fn a_new_password_keeps_this_session_and_ends_the_others() {
    let door = door().await;
    let now = clock();
    let first = door.try_in("anna", PASSWORD, now).await.expect("hers");
    let second = door.try_in("anna", PASSWORD, now).await.expect("hers");
    let signed_in = door.sign_ins.authenticate(&first, now).expect("known");
    let set = |old: &str, new: &str| {
        let pair = (old.to_owned(), new.to_owned());
        let set = door.sign_ins.change_password(&signed_in, pair, HERE, now);
        async { set.await.map_err(|refusal| refusal.code()) }
    };
    assert_eq!(set(PASSWORD, "short").await, Err(Code::InvalidField));
    assert_eq!(
        set("wrong", "a much better one").await,
        Err(Code::NotAuthenticated)
    );
    set(PASSWORD, "a much better one").await.expect("set");
    assert!(door.is_known(&first, now) && !door.is_known(&second, now));
    let old = door.try_in("anna", PASSWORD, now).await;
    assert_eq!(old, Err(Code::NotAuthenticated));
    door.try_in("anna", "a much better one", now)
        .await
        .expect("hers");
    door.close();
}

#[test]
fn addresses_of_one_network_count_as_one() {
    let network = |text: &str| network(text.parse().expect("an address")).to_string();
    assert_eq!(network("192.0.2.7"), "192.0.2.7");
    assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
}

#[tokio::test]
async fn the_demos_users_are_made_once_and_keep_their_passwords() {
    use crate::people::demo::{DEMO_USERS, ensure_demo_users};
    let door = door().await;
    let handle = door.engine.handle.clone();
    let passwords = Passwords::new().expect("there is randomness");
    let none = Default::default();
    let first = ensure_demo_users(&handle, &passwords, "bank", &[], &none).await;
    let first = first.expect("they are new");
    assert_eq!(first.len(), DEMO_USERS.len());
    let versions = |handle: &EngineHandle| {
        let people = handle.people();
        let accounts = people.accounts();
        accounts.map(|account| account.user.version).sum::<u32>()
    };
    let before = versions(&handle);
    let again = ensure_demo_users(&handle, &passwords, "bank", &[], &first).await;
    assert_eq!(again.expect("they are there"), first);
    assert_eq!(versions(&handle), before, "nothing was changed");
    let mut one_lost = first.clone();
    one_lost.remove("admin");
    let renewed = ensure_demo_users(&handle, &passwords, "bank", &[], &one_lost).await;
    let renewed = renewed.expect("they are there");
    assert_ne!(renewed["admin"], first["admin"]);
    assert_eq!(renewed["agent1"], first["agent1"]);
    for (name, password) in &renewed {
        door.try_in(name, password, clock()).await.expect(name);
    }
    drop(handle);
    door.close();
}

#[tokio::test]
async fn an_import_adds_some_and_changes_others() {
    use crate::people::{csv, import::import};
    let door = door().await;
    let text = "name,display_name\nanna,Anna Ek\nbert,Bert Ask\n";
    let rows = csv::read(text).expect("it is good");
    let people = door.engine.handle.people();
    let passwords = Passwords::new().expect("there is randomness");
    let dry = import(rows.clone(), &people, &passwords, None, true).await;
    assert!(dry.expect("it works").passwords.is_empty());
    let import = import(rows, &people, &passwords, None, false).await;
    let import = import.expect("it works");
    let changed = door
        .sign_ins
        .change(Actor::Engine, HERE, import.edits)
        .await;
    changed.expect("both are taken");
    let people = door.engine.handle.people();
    let shown = people
        .accounts()
        .map(|account| account.user.display_name.clone());
    assert_eq!(shown.collect::<Vec<_>>(), ["Anna Ek", "Bert Ask"]);
    let names: Vec<&UserName> = import.passwords.keys().collect();
    assert_eq!(names.len(), 1);
    let password = &import.passwords[names[0]];
    door.try_in("bert", password, clock()).await.expect("his");
    door.try_in("anna", PASSWORD, clock())
        .await
        .expect("hers is as it was");
    door.close();
}
