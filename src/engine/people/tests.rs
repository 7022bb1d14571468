//! People changed by commands, over the in-memory store.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::People;
use super::change::{ChangePeople, Edit, PeopleReply};
use crate::domain::access::{
    PasswordHash, SESSION_IDLE_MS, SESSIONS_PER_USER_MAX, TOKENS_PER_USER_MAX, TokenDigest,
};
use crate::domain::agent::Duty;
use crate::domain::answer::WarningCode;
use crate::domain::code::Code;
use crate::domain::content::{PreferredAgent, PreferredAgents, SkillRequirement};
use crate::domain::ids::UserId;
use crate::domain::journal::Actor;
use crate::domain::people::{Role, SkillLevel, StandingPatch, USERS_MAX, UserName, UserPatch};
use crate::domain::refusal::Refusal;
use crate::engine::command::Command;
use crate::engine::world::{World, of_content, policy, service, submission};
use crate::store::Store;
use crate::store::memory::CommitFault;
use crate::store::people::Account;

fn world() -> World {
    World::new(policy(vec![service("loans"), service("claims")], None))
}

fn name(text: &str) -> UserName {
    text.parse().expect("a name")
}

fn names(names: &[&str]) -> Option<BTreeSet<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash(format!("$argon2id${text}"))
}

fn digest(number: u8) -> TokenDigest {
    TokenDigest([number; 32])
}

fn add(text: &str, patch: UserPatch) -> Edit {
    Edit::Add {
        name: name(text),
        tenant: None,
        patch,
        password: Some(hash("first")),
    }
}

fn member(services: &[&str]) -> UserPatch {
    UserPatch {
        services: names(services),
        ..UserPatch::default()
    }
}

fn change(text: &str, patch: UserPatch) -> Edit {
    Edit::Change {
        name: name(text),
        patch,
        if_version: None,
    }
}

fn open(user: u32, number: u8) -> Edit {
    Edit::OpenSession {
        user: UserId(user),
        digest: digest(number),
        verified: hash("first"),
    }
}

fn create_token(number: u8, label: &str) -> Edit {
    Edit::CreateToken {
        user: UserId(1),
        digest: digest(number),
        label: label.to_owned(),
        expires_at: None,
    }
}

fn command(
    edits: Vec<Edit>,
    dry_run: bool,
) -> (Command, oneshot::Receiver<Result<PeopleReply, Refusal>>) {
    let (reply, answer) = oneshot::channel();
    let request = ChangePeople {
        actor: Actor::Operator("uid=0 pid=1".to_owned()),
        from: Some("127.0.0.1".to_owned()),
        edits,
        dry_run,
    };
    (Command::People(Box::new(request), reply), answer)
}

fn ask(world: &mut World, edits: Vec<Edit>) -> Result<Vec<Arc<Account>>, Refusal> {
    let (command, mut answer) = command(edits, false);
    let turned = world.turn(vec![command]);
    turned.expect("no fatal fault is planned");
    let reply = answer.try_recv().expect("the turn answers");
    reply.map(|reply| reply.accounts)
}

fn code(result: Result<Vec<Arc<Account>>, Refusal>) -> Code {
    result.expect_err("it is refused").code()
}

fn people(world: &World) -> Arc<People> {
    world.engine.view().people
}

/// What the store holds is what the picture shows.
fn assert_stored(world: &World) {
    let rows = world.engine.store().crash().people().expect("read");
    let stored = People::of(rows);
    let shown = people(world);
    assert_eq!(stored.accounts, shown.accounts);
    assert_eq!(stored.names, shown.names);
    assert_eq!(stored.sessions, shown.sessions);
    assert_eq!(stored.tokens, shown.tokens);
    let counted = |people: &People| {
        let mut skills = people.skills.clone();
        skills.retain(|_, skills| !skills.is_empty());
        skills
    };
    assert_eq!(counted(&stored), counted(&shown));
}

fn verbs(world: &World) -> Vec<&'static str> {
    let audit = world.engine.store().audit();
    audit.iter().map(|entry| entry.verb).collect()
}

#[test]
fn a_user_is_added_changed_and_deactivated_with_audit() {
    let mut world = world();
    let added = ask(&mut world, vec![add("anna", member(&["loans"]))]);
    let user = added.expect("she is new")[0].user.clone();
    assert_eq!((user.id, user.version), (UserId(1), 1));
    assert_eq!(user.roles, [Role::Agent].into());
    assert_eq!(user.services.len(), 1);
    let patch = UserPatch {
        display_name: Some("Anna A".to_owned()),
        roles: Some([Role::Supervisor].into()),
        ..UserPatch::default()
    };
    let changed = ask(&mut world, vec![change("anna", patch)]).expect("she is there");
    assert_eq!(changed[0].user.version, 2);
    assert_eq!(changed[0].user.services, user.services);
    let off = UserPatch {
        enabled: Some(false),
        ..UserPatch::default()
    };
    ask(&mut world, vec![change("anna", off)]).expect("she is there");
    assert!(!people(&world).named("anna").expect("kept").user.enabled);
    assert_eq!(
        verbs(&world),
        ["user.add", "user.change", "user.deactivate"]
    );
    let audit = &world.engine.store().audit()[1];
    assert_eq!(audit.object, "anna");
    let fields = ("fields", "displayName roles".to_owned());
    assert_eq!(audit.data, [fields, ("from", "127.0.0.1".to_owned())]);
    assert_stored(&world);
    world.restart();
    assert_stored(&world);
    assert_eq!(people(&world).accounts().count(), 1);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut world = world();
    ask(&mut world, vec![add("anna", UserPatch::default())]).expect("new");
    let again = add("anna", UserPatch::default());
    assert_eq!(code(ask(&mut world, vec![again])), Code::InvalidField);
    let lost = add("bert", member(&["nowhere"]));
    assert_eq!(code(ask(&mut world, vec![lost])), Code::UnknownService);
    let nobody = change("nobody", UserPatch::default());
    assert_eq!(code(ask(&mut world, vec![nobody])), Code::NotFound);
    let stale = Edit::Change {
        name: name("anna"),
        patch: UserPatch::default(),
        if_version: Some(2),
    };
    assert_eq!(code(ask(&mut world, vec![stale])), Code::VersionConflict);
    let foreign = Edit::Add {
        name: name("bert"),
        tenant: Some("elsewhere".to_owned()),
        patch: UserPatch::default(),
        password: None,
    };
    assert_eq!(code(ask(&mut world, vec![foreign])), Code::InvalidField);
    let long = UserPatch {
        display_name: Some("x".repeat(101)),
        ..UserPatch::default()
    };
    assert_eq!(
        code(ask(&mut world, vec![change("anna", long)])),
        Code::InvalidField
    );
    assert_eq!(verbs(&world), ["user.add"]);
    assert_stored(&world);
}

#[test]
fn many_edits_are_made_all_or_not_at_all() {
    let mut world = world();
    let edits = vec![
        add("anna", UserPatch::default()),
        add("bert", member(&["nowhere"])),
        add("anna", UserPatch::default()),
    ];
    let refusal = ask(&mut world, edits).expect_err("two are wrong");
    assert!(refusal.first.message.starts_with("bert: "), "{refusal:?}");
    assert!(
        refusal.further[0].message.starts_with("anna: "),
        "{refusal:?}"
    );
    assert_eq!(people(&world).accounts().count(), 0);
    let edits = vec![
        add("anna", UserPatch::default()),
        add("bert", UserPatch::default()),
        change("anna", member(&["loans"])),
    ];
    let accounts = ask(&mut world, edits).expect("all are right");
    let versions: Vec<u32> = accounts
        .iter()
        .map(|account| account.user.version)
        .collect();
    assert_eq!(versions, [1, 1, 1]);
    assert_stored(&world);
}

#[test]
fn a_dry_run_of_people_shows_and_keeps_nothing() {
    let mut world = world();
    let (command, mut answer) = command(vec![add("anna", UserPatch::default())], true);
    world.turn(vec![command]).expect("no fault is planned");
    let reply = answer.try_recv().expect("the turn answers");
    assert_eq!(reply.expect("it would work").accounts.len(), 1);
    assert_eq!(people(&world).accounts().count(), 0);
    assert_eq!(world.engine.store().commits(), 0);
}

#[test]
fn two_commands_about_one_user_take_two_turns() {
    let mut world = world();
    ask(&mut world, vec![add("anna", UserPatch::default())]).expect("new");
    let (first, mut first_answer) = command(vec![change("anna", member(&["loans"]))], false);
    let (second, mut second_answer) = command(vec![change("anna", member(&["claims"]))], false);
    world
        .turn(vec![first, second])
        .expect("no fault is planned");
    first_answer.try_recv().expect("answered").expect("changed");
    second_answer
        .try_recv()
        .expect_err("it waits for the next turn");
    world.settle().expect("no fault is planned");
    let reply = second_answer
        .try_recv()
        .expect("answered")
        .expect("changed");
    assert_eq!(reply.accounts[0].user.version, 3);
    assert_stored(&world);
}

#[test]
fn a_failed_commit_leaves_the_people_as_they_were() {
    let mut world = world();
    ask(&mut world, vec![add("anna", UserPatch::default())]).expect("new");
    world_fault(&mut world);
    let refused = ask(&mut world, vec![change("anna", member(&["loans"]))]);
    assert_eq!(code(refused), Code::StorageFailed);
    assert_eq!(people(&world).named("anna").expect("there").user.version, 1);
    assert_stored(&world);
}

fn world_fault(world: &mut World) {
    world.engine.store.fail_next_commit(CommitFault::Failed);
}

#[test]
fn a_session_opens_only_with_the_password_in_force() {
    let mut world = world();
    ask(&mut world, vec![add("anna", UserPatch::default())]).expect("new");
    ask(&mut world, vec![open(1, 1)]).expect("the password is in force");
    assert!(people(&world).session(&digest(1)).is_some());
    let second = Edit::SetPassword {
        name: name("anna"),
        password: hash("second"),
        keep: None,
    };
    ask(&mut world, vec![second]).expect("she is there");
    assert!(people(&world).session(&digest(1)).is_none());
    assert_eq!(
        code(ask(&mut world, vec![open(1, 2)])),
        Code::NotAuthenticated
    );
    assert_stored(&world);
}

#[test]
fn a_new_password_leaves_the_session_it_is_set_in() {
    let mut world = world();
    let edits = vec![add("anna", UserPatch::default()), open(1, 1), open(1, 2)];
    ask(&mut world, edits).expect("new");
    let keep = Edit::SetPassword {
        name: name("anna"),
        password: hash("second"),
        keep: Some(digest(2)),
    };
    ask(&mut world, vec![keep]).expect("she is there");
    let people = people(&world);
    let kept: Vec<_> = people.sessions_of(UserId(1)).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].digest, digest(2));
    assert_stored(&world);
}

#[test]
fn deactivating_ends_sessions_and_tokens_at_once() {
    let mut world = world();
    let edits = vec![
        add("anna", UserPatch::default()),
        open(1, 1),
        create_token(2, "robot"),
    ];
    ask(&mut world, edits).expect("new");
    let off = UserPatch {
        enabled: Some(false),
        ..UserPatch::default()
    };
    ask(&mut world, vec![change("anna", off)]).expect("she is there");
    let shown = people(&world);
    assert!(shown.session(&digest(1)).is_none() && shown.token(&digest(2)).is_none());
    assert_eq!(
        code(ask(&mut world, vec![open(1, 3)])),
        Code::NotAuthenticated
    );
    assert_stored(&world);
}

#[test]
fn sessions_are_limited_and_the_one_longest_unused_goes() {
    let mut world = world();
    ask(&mut world, vec![add("anna", UserPatch::default())]).expect("new");
    for number in 0..=SESSIONS_PER_USER_MAX as u8 {
        world.advance(1);
        ask(&mut world, vec![open(1, number)]).expect("it opens");
        let count = people(&world).sessions_of(UserId(1)).count();
        assert_eq!(count, (usize::from(number) + 1).min(SESSIONS_PER_USER_MAX));
    }
    assert!(people(&world).session(&digest(0)).is_none());
    assert!(people(&world).session(&digest(1)).is_some());
    world.advance(SESSION_IDLE_MS);
    ask(&mut world, vec![open(1, 99)]).expect("it opens");
    assert_eq!(people(&world).sessions_of(UserId(1)).count(), 1);
    assert_stored(&world);
}

#[test]
fn a_used_session_is_noted_and_a_closed_one_is_gone() {
    let mut world = world();
    ask(
        &mut world,
        vec![add("anna", UserPatch::default()), open(1, 1)],
    )
    .expect("new");
    world.advance(60_000);
    ask(&mut world, vec![Edit::SeeSession(digest(1))]).expect("noted");
    let seen_at = people(&world).session(&digest(1)).expect("open").seen_at;
    assert_eq!(seen_at, world.now);
    for _ in 0..2 {
        ask(&mut world, vec![Edit::CloseSession(digest(1))]).expect("closed, or gone before");
        assert!(people(&world).session(&digest(1)).is_none());
    }
    ask(&mut world, vec![Edit::SeeSession(digest(1))]).expect("nothing happens");
    assert_eq!(verbs(&world), ["user.add", "session.open", "session.close"]);
    assert_stored(&world);
}

#[test]
fn tokens_have_labels_limits_and_an_end() {
    let mut world = world();
    ask(&mut world, vec![add("anna", UserPatch::default())]).expect("new");
    for number in 0..TOKENS_PER_USER_MAX as u8 {
        let label = format!("robot {number}");
        ask(&mut world, vec![create_token(number, &label)]).expect("there is room");
    }
    let over = ask(&mut world, vec![create_token(99, "one more")]);
    assert_eq!(code(over), Code::InvalidField);
    let revoke = |label: &str| Edit::RevokeToken {
        user: UserId(1),
        label: label.to_owned(),
    };
    ask(&mut world, vec![revoke("robot 3")]).expect("it is there");
    assert_eq!(
        code(ask(&mut world, vec![revoke("robot 3")])),
        Code::NotFound
    );
    let twice = ask(&mut world, vec![create_token(99, "robot 4")]);
    assert_eq!(code(twice), Code::InvalidField);
    let short = |number, end| Edit::CreateToken {
        user: UserId(1),
        digest: digest(number),
        label: "short".to_owned(),
        expires_at: Some(end),
    };
    let now = world.now;
    assert_eq!(
        code(ask(&mut world, vec![short(98, now)])),
        Code::InvalidField
    );
    ask(&mut world, vec![short(98, now.plus_ms(1))]).expect("it has an end");
    world.advance(1);
    let next = world.now.plus_ms(9);
    ask(&mut world, vec![short(97, next)]).expect("the first is over");
    assert!(people(&world).token(&digest(98)).is_none());
    assert_stored(&world);
}

#[test]
fn what_a_user_sets_is_kept_and_is_not_audited() {
    let mut world = world();
    ask(&mut world, vec![add("anna", member(&["loans"]))]).expect("new");
    let stand = |patch| Edit::Stand {
        user: UserId(1),
        patch,
    };
    let patch = StandingPatch {
        active: [("loans".to_owned(), true)].into(),
        duty: Some(Duty::On { profile: None }),
        not_available: Some(Some("lunch".to_owned())),
    };
    ask(&mut world, vec![stand(patch.clone())]).expect("she may");
    let version = ask(&mut world, vec![stand(patch)]).expect("again")[0]
        .user
        .version;
    assert_eq!(version, 2, "the same again changes nothing");
    let foreign = StandingPatch {
        active: [("claims".to_owned(), true)].into(),
        ..StandingPatch::default()
    };
    assert_eq!(
        code(ask(&mut world, vec![stand(foreign)])),
        Code::InvalidField
    );
    ask(&mut world, vec![change("anna", member(&[]))]).expect("she leaves");
    let user = people(&world).named("anna").expect("there").user.clone();
    assert!(user.standing.active.is_empty());
    assert_eq!(user.standing.not_available.as_deref(), Some("lunch"));
    assert_eq!(verbs(&world), ["user.add", "user.change"]);
    assert_stored(&world);
}

#[test]
fn receipts_warn_only_of_agents_and_skills_that_nobody_knows() {
    let mut world = world();
    let patch = UserPatch {
        skills: Some([("french".to_owned(), SkillLevel::LOWEST)].into()),
        ..UserPatch::default()
    };
    let auditor = UserPatch {
        roles: Some([Role::Auditor].into()),
        ..UserPatch::default()
    };
    ask(&mut world, vec![add("anna", patch), add("carl", auditor)]).expect("new");
    let warned = |world: &mut World, reference: &str| {
        let mut content = submission(reference, "loans").content;
        let skill = |name: &str| SkillRequirement {
            name: name.to_owned(),
            level: 1,
            optional: false,
        };
        let agent = |name: &str| PreferredAgent {
            name: name.to_owned(),
            rank: 1,
        };
        content.skills = vec![skill("french"), skill("dutch")];
        content.preferred_agents = Some(PreferredAgents {
            required: false,
            agents: vec![agent("anna"), agent("carl")],
        });
        let receipt = world.submit(of_content(content)).expect("taken");
        let codes = receipt.warnings.iter().map(|warning| warning.code);
        codes.collect::<Vec<_>>()
    };
    let both = [WarningCode::UnknownAgent, WarningCode::UnknownSkill];
    assert_eq!(warned(&mut world, "first"), both);
    let off = UserPatch {
        enabled: Some(false),
        ..UserPatch::default()
    };
    ask(&mut world, vec![change("anna", off)]).expect("she leaves");
    assert_eq!(warned(&mut world, "second").len(), 4);
}

#[test]
fn there_is_a_limit_to_users() {
    let mut world = world();
    let all = |from: usize, to: usize| {
        let users = from..to;
        users.map(|number| add(&format!("user{number}"), UserPatch::default()))
    };
    let edits = all(0, USERS_MAX - 1).collect();
    ask(&mut world, edits).expect("one less");
    let edits = all(USERS_MAX - 1, USERS_MAX).collect();
    ask(&mut world, edits).expect("as many as may be");
    let edits = all(USERS_MAX, USERS_MAX + 1).collect();
    assert_eq!(code(ask(&mut world, edits)), Code::InvalidField);
}
