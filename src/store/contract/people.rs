//! Users, sessions and tokens.

use std::collections::{BTreeMap, BTreeSet};

use super::samples::{NOON, batch, item};
use super::{Subject, contract};
use crate::domain::access::{ApiToken, PasswordHash, Session, TokenDigest};
use crate::domain::agent::Duty;
use crate::domain::ids::{Sequence, ServiceId, TenantId, UserId};
use crate::domain::journal::Actor;
use crate::domain::people::{Capacity, Role, SkillLevel, Skills, Standing, User};
use crate::store::people::{Account, PeopleChanges, PeopleRows, SessionChange, TokenChange};
use crate::store::{AuditEntry, Batch, Store, StoreError};

contract! {
    a_new_store_has_nobody,
    every_value_of_a_user_comes_back,
    users_sessions_and_tokens_come_back_after_a_restart,
    a_user_changes_in_all_but_number_tenant_and_name,
    a_stale_version_of_a_user_is_a_conflict,
    a_taken_name_or_number_is_a_conflict,
    sessions_and_tokens_of_nobody_are_conflicts,
    sessions_and_tokens_end_once,
    a_label_is_given_once_to_each_user,
    changes_happen_in_the_order_given,
    people_and_items_are_written_together_or_not_at_all,
}

/// A user with every field at its least.
pub fn account(number: u32) -> Account {
    Account {
        user: User {
            id: UserId(number),
            tenant: TenantId(1),
            name: format!("user{number}").parse().expect("a name"),
            display_name: format!("User {number}"),
            roles: BTreeSet::new(),
            services: BTreeSet::new(),
            supervisor_of: BTreeSet::new(),
            skills: Skills::new(),
            profiles: BTreeMap::new(),
            capacity: Capacity::DEFAULT,
            work_groups: BTreeSet::new(),
            enabled: true,
            standing: Standing::default(),
            version: 1,
        },
        password: None,
    }
}

/// A user with every field filled.
pub fn full_account(number: u32) -> Account {
    let mut account = account(number);
    let level = |value| SkillLevel::new(value).expect("a level");
    let user = &mut account.user;
    user.display_name = "Zoë \"Z\" Ångström".to_owned();
    user.roles = Role::ALL.into();
    user.services = [ServiceId(1), ServiceId(2)].into();
    user.supervisor_of = [ServiceId(3)].into();
    user.skills = [
        ("french".to_owned(), level(1)),
        ("bonds".to_owned(), level(9)),
    ]
    .into();
    let day = [("french".to_owned(), level(3))].into();
    user.profiles = [("day".to_owned(), day), ("none".to_owned(), Skills::new())].into();
    user.capacity = Capacity::new(10).expect("a capacity");
    user.work_groups = ["north".to_owned()].into();
    user.enabled = false;
    user.standing = Standing {
        active: [ServiceId(2)].into(),
        duty: Duty::On {
            profile: Some("day".to_owned()),
        },
        not_available: Some("at lunch".to_owned()),
    };
    account.password = Some(PasswordHash("$argon2id$v=19$x".to_owned()));
    account
}

fn session(digest: u8, user: u32) -> Session {
    Session {
        digest: TokenDigest([digest; 32]),
        user: UserId(user),
        opened_at: NOON,
        seen_at: NOON.plus_ms(1),
    }
}

fn token(digest: u8, user: u32, label: &str) -> ApiToken {
    ApiToken {
        digest: TokenDigest([digest; 32]),
        user: UserId(user),
        label: label.to_owned(),
        created_at: NOON,
        expires_at: digest.is_multiple_of(2).then_some(NOON.plus_ms(9)),
    }
}

fn of(people: PeopleChanges) -> Batch {
    Batch {
        people,
        ..Batch::default()
    }
}

fn put(accounts: impl Into<Vec<Account>>) -> Batch {
    of(PeopleChanges {
        accounts: accounts.into(),
        ..PeopleChanges::default()
    })
}

fn sessions(sessions: impl Into<Vec<SessionChange>>) -> Batch {
    of(PeopleChanges {
        sessions: sessions.into(),
        ..PeopleChanges::default()
    })
}

fn tokens(tokens: impl Into<Vec<TokenChange>>) -> Batch {
    of(PeopleChanges {
        tokens: tokens.into(),
        ..PeopleChanges::default()
    })
}

/// The next version of a user.
fn next(account: &Account) -> Account {
    let mut next = account.clone();
    next.user.version += 1;
    next
}

fn assert_conflict(store: &mut impl Store, batch: &Batch) {
    let before = store.people().expect("read");
    match store.commit(batch) {
        Err(StoreError::Conflict(_)) => {}
        other => panic!("expected a conflict, got {other:?}"),
    }
    store.resume().expect("it goes on");
    assert_eq!(store.people().expect("read"), before);
}

fn a_new_store_has_nobody(mut subject: impl Subject) {
    let people = subject.store().people().expect("read");
    assert_eq!(people, PeopleRows::default());
}

fn every_value_of_a_user_comes_back(mut subject: impl Subject) {
    let accounts = [account(1), full_account(2)];
    let mut on_duty = account(3);
    on_duty.user.standing.duty = Duty::On { profile: None };
    let accounts = [&accounts[..], &[on_duty]].concat();
    let store = subject.store();
    store.commit(&put(accounts.clone())).expect("written");
    assert_eq!(store.people().expect("read").accounts, accounts);
    subject.reopen();
    let read = subject.store().people().expect("read");
    assert_eq!(read.accounts, accounts);
}

fn users_sessions_and_tokens_come_back_after_a_restart(mut subject: impl Subject) {
    let changes = PeopleChanges {
        accounts: vec![account(1), account(7)],
        sessions: vec![
            SessionChange::Opened(session(1, 7)),
            SessionChange::Opened(session(2, 1)),
        ],
        tokens: vec![
            TokenChange::Created(token(3, 7, "robot")),
            TokenChange::Created(token(4, 1, "robot")),
        ],
    };
    subject.store().commit(&of(changes)).expect("written");
    subject.reopen();
    let read = subject.store().people().expect("read");
    assert_eq!(read.accounts, [account(1), account(7)]);
    assert_eq!(read.sessions, [session(1, 7), session(2, 1)]);
    assert_eq!(read.tokens, [token(3, 7, "robot"), token(4, 1, "robot")]);
}

fn a_user_changes_in_all_but_number_tenant_and_name(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&put([account(1)])).expect("written");
    let mut changed = full_account(1);
    changed.user.version = 2;
    store.commit(&put([changed.clone()])).expect("written");
    assert_eq!(store.people().expect("read").accounts, [changed.clone()]);
    let mut renamed = next(&changed);
    renamed.user.name = "other".parse().expect("a name");
    assert_conflict(store, &put([renamed]));
    let mut moved = next(&changed);
    moved.user.tenant = TenantId(2);
    assert_conflict(store, &put([moved]));
}

fn a_stale_version_of_a_user_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&put([account(1)])).expect("written");
    assert_conflict(store, &put([account(1)]));
    let second = next(&account(1));
    assert_conflict(store, &put([next(&second)]));
    store.commit(&put([second.clone()])).expect("written");
    assert_conflict(store, &put([second]));
    assert_conflict(store, &put([next(&account(2))]));
}

fn a_taken_name_or_number_is_a_conflict(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&put([account(5)])).expect("written");
    let mut namesake = account(6);
    namesake.user.name = account(5).user.name;
    namesake.user.tenant = TenantId(2);
    assert_conflict(store, &put([namesake]));
    assert_conflict(store, &put([account(4)]));
    assert_conflict(store, &put([account(0)]));
    store.commit(&put([account(6)])).expect("it is free");
}

fn sessions_and_tokens_of_nobody_are_conflicts(mut subject: impl Subject) {
    let store = subject.store();
    assert_conflict(store, &sessions([SessionChange::Opened(session(1, 1))]));
    assert_conflict(store, &tokens([TokenChange::Created(token(1, 1, "robot"))]));
}

fn sessions_and_tokens_end_once(mut subject: impl Subject) {
    let store = subject.store();
    store.commit(&put([account(1)])).expect("written");
    let digest = TokenDigest([1; 32]);
    let open = sessions([SessionChange::Opened(session(1, 1))]);
    store.commit(&open).expect("written");
    assert_conflict(store, &open);
    let close = sessions([SessionChange::Closed(digest)]);
    store.commit(&close).expect("written");
    assert_conflict(store, &close);
    assert_conflict(store, &sessions([SessionChange::Seen(digest, NOON)]));

    let create = tokens([TokenChange::Created(token(1, 1, "robot"))]);
    store.commit(&create).expect("written");
    assert_conflict(store, &create);
    let revoke = tokens([TokenChange::Revoked(digest)]);
    store.commit(&revoke).expect("written");
    assert_conflict(store, &revoke);
    let people = store.people().expect("read");
    assert_eq!((people.sessions, people.tokens), (Vec::new(), Vec::new()));
}

fn a_label_is_given_once_to_each_user(mut subject: impl Subject) {
    let store = subject.store();
    store
        .commit(&put([account(1), account(2)]))
        .expect("written");
    let create = |digest, user| tokens([TokenChange::Created(token(digest, user, "robot"))]);
    store.commit(&create(1, 1)).expect("written");
    store.commit(&create(2, 2)).expect("another user's");
    assert_conflict(store, &create(3, 1));
}

fn changes_happen_in_the_order_given(mut subject: impl Subject) {
    let digest = TokenDigest([1; 32]);
    let later = NOON.plus_ms(60_000);
    let changes = PeopleChanges {
        accounts: vec![account(1)],
        sessions: vec![
            SessionChange::Opened(session(1, 1)),
            SessionChange::Closed(digest),
            SessionChange::Opened(session(1, 1)),
            SessionChange::Seen(digest, later),
        ],
        tokens: vec![
            TokenChange::Created(token(1, 1, "robot")),
            TokenChange::Revoked(digest),
            TokenChange::Created(token(2, 1, "robot")),
        ],
    };
    let store = subject.store();
    store.commit(&of(changes)).expect("written");
    let people = store.people().expect("read");
    let mut seen = session(1, 1);
    seen.seen_at = later;
    assert_eq!(people.sessions, [seen]);
    assert_eq!(people.tokens, [token(2, 1, "robot")]);
}

fn people_and_items_are_written_together_or_not_at_all(mut subject: impl Subject) {
    let store = subject.store();
    let mut both = batch([item(1)]);
    both.people.accounts = vec![account(1), account(1)];
    assert_conflict(store, &both);
    let open = store.open_items(Sequence(0), 9).expect("read");
    assert_eq!(open, []);
    both.people.accounts = vec![account(1)];
    both.journal[0].actor = Actor::User(UserId(1));
    both.audit = vec![AuditEntry {
        at: NOON,
        actor: Actor::User(UserId(1)),
        verb: "user.add",
        tenant: Some(TenantId(1)),
        object: "user1".to_owned(),
        data: Vec::new(),
    }];
    store.commit(&both).expect("written");
    assert_eq!(store.people().expect("read").accounts, [account(1)]);
    let open = store.open_items(Sequence(0), 9).expect("read");
    assert_eq!(open.len(), 1);
}
