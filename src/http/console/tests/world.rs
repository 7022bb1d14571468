//! Two tenants with people in them, and what they ask.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::journal::Actor;
use crate::domain::notification::{Attempt, AttemptResult, EventKind};
use crate::domain::people::{Role, UserPatch};
use crate::domain::policy::NotifyPolicy;
use crate::domain::workflow::Workflow;
use crate::engine::notify::Outgoing;
use crate::engine::people::change::{ChangePeople, Edit};
use crate::engine::run::clock;
use crate::http::tests::world::{Answer, Ask, Setting, World, work_item_with};
use crate::people::secret;
use crate::workflow::{Known, load};

/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// Name, tenant, role, service of which they are a member or, as a supervisor, which they see to.
const USERS: [(&str, &str, Role, &str); 8] = [
    ("agent", "demo", Role::Agent, "loans"),
    ("target", "demo", Role::Agent, "loans"),
    ("supervisor", "demo", Role::Supervisor, "loans"),
    ("elsewhere", "demo", Role::Supervisor, "quiet"),
    ("auditor", "demo", Role::Auditor, ""),
    ("admin", "demo", Role::Admin, ""),
    ("stranger", "other", Role::Admin, ""),
    ("foreigner", "other", Role::Agent, "quiet"),
];

/// The tenants `demo` with `loans` and `quiet`, and `other` with a `quiet` of its own.
pub async fn open() -> World {
    open_with(Setting::default()).await
}

/// The same with what a test sets differently.
pub async fn open_with(mut setting: Setting) -> World {
    let tenants = &mut setting.policy.tenants;
    let mut other = tenants.get("demo").expect("there").as_ref().clone();
    other.name = "other".to_owned();
    other.services.remove("loans");
    let demo = tenants.get_mut("demo").expect("there");
    let known = &mut Arc::make_mut(demo).workflows;
    known.insert("loan".to_owned(), Arc::new(loan()));
    tenants.insert("other".to_owned(), Arc::new(other));
    let crm = setting.policy.senders.get_mut("crm").expect("there");
    Arc::make_mut(crm).notify = Some(Arc::new(NotifyPolicy {
        url: "https://bank.example/told".parse().expect("a URL"),
        secret_file: "/nowhere".into(),
        events: EventKind::ALL.into_iter().collect(),
    }));
    let world = World::open(setting).await;
    let hash = world.shared.passwords.hash(PASSWORD.to_owned()).await;
    let hash = hash.expect("there is room");
    let edits = USERS.map(|(name, tenant, role, service)| {
        let service = Some(service).filter(|service| !service.is_empty());
        let services = Some(service.into_iter().map(str::to_owned).collect());
        let (services, supervisor_of) = match role {
            Role::Supervisor => (None, services),
            Role::Agent | Role::Auditor | Role::Admin => (services, None),
        };
        Edit::Add {
            name: name.parse().expect("a name"),
            tenant: Some(tenant.to_owned()),
            patch: UserPatch {
                roles: Some([role].into()),
                services,
                supervisor_of,
                ..UserPatch::default()
            },
            password: Some(hash.clone()),
        }
    });
    change(&world, edits.into()).await;
    world
}

/// A workflow that no service has: it alerts the back office and waits for it, and shows supervisors
/// a button.
pub fn loan() -> Workflow {
    let source = "<workflow xmlns='urn:anteroom:workflow:1' name='loan'>\
         <event on='received'><alert to='backoffice' text='Look at &lt;this&gt;'/>\
         <button name='release' label='Let it in now' to='supervisor'/>\
         <wait until='acknowledged' for='PT1H' because='the back office looks at it'/>\
         <finish/></event>\
         <event on='button' name='release'><finish/></event></workflow>";
    load(source, &Known::anything()).expect("it is right")
}

/// Has people changed as the operator would.
pub async fn change(world: &World, edits: Vec<Edit>) {
    let change = ChangePeople {
        actor: Actor::Operator("test".to_owned()),
        from: None,
        edits,
        dry_run: false,
    };
    let changed = world.shared.engine.change_people(change).await;
    changed.expect("the edits are good");
}

/// The id of a new notification that was given up, about a new item of the service.
pub async fn park(world: &World, service: &str, reference: &str) -> String {
    let item = work_item_with(reference, service, "");
    let taken = world.post(&item).await;
    assert!(taken.status < 300, "{taken:?}");
    let engine = &world.shared.engine;
    let due = engine.next_notifications(8).await.expect("there is room");
    let about = |one: &&Outgoing| one.notification.status.reference == reference;
    let id = due.iter().find(about).expect("it is told").notification.id;
    let given_up = Attempt {
        id,
        at: clock(),
        result: AttemptResult::Parked {
            error: "status 410".to_owned(),
        },
    };
    let marked = engine.mark_notifications(vec![given_up]).await;
    marked.expect("there is room");
    id.to_string()
}

/// The token of a new session, without a password's hashing.
pub async fn session_of(world: &World, name: &str) -> String {
    let people = world.shared.engine.people();
    let account = people.named(name).expect("there").clone();
    let (token, digest) = secret::new_token().expect("random bytes");
    let open = Edit::OpenSession {
        user: account.user.id,
        digest,
        verified: account.password.clone().expect("a password"),
    };
    change(world, vec![open]).await;
    token
}

/// A sign-in in the making.
pub fn signing_in(name: &str, password: &str) -> Ask {
    let body = serde_json::json!({"user": name, "password": password});
    Ask::new("POST", "/api/v1/session").body(body.to_string().as_bytes())
}

/// A request with a body.
pub fn asking(method: &str, path: &str, body: &str) -> Ask {
    Ask::new(method, path).body(body.as_bytes())
}

/// The same with a token in `Authorization`.
pub fn shown(ask: Ask, token: &str) -> Ask {
    ask.header("authorization", &format!("Bearer {token}"))
}

/// The same with a token in the cookie.
pub fn in_cookie(ask: Ask, token: &str) -> Ask {
    ask.header("cookie", &format!("theme=dark; anteroom-session={token}"))
}

/// Status and code of a refusal.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or("none").to_owned();
    (answer.status, code)
}

/// Somebody who is signed in.
pub struct Person<'w> {
    world: &'w World,
    token: String,
}

impl Person<'_> {
    /// Asks, and expects that status.
    pub async fn ask(&self, method: &str, path: &str, body: Value, status: u16) -> Answer {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let ask = shown(asking(method, path, &body), &self.token);
        let answer = self.world.ask_console(&ask).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        answer
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, Value::Null, 200).await.json()
    }

    /// Sets one's own state.
    pub async fn set(&self, state: Value) -> Value {
        self.ask("PUT", "/api/v1/me/state", state, 200).await.json()
    }

    /// Does something with an item.
    pub async fn act(&self, item: &str, verb: &str, body: Value) -> Value {
        let path = format!("/api/v1/items/{item}/{verb}");
        self.ask("POST", &path, body, 200).await.json()
    }

    /// Changes contact data, with `If-Match`.
    pub async fn edit(&self, item: &str, body: Value, tag: Option<&str>, status: u16) -> Value {
        let path = format!("/api/v1/items/{item}/contact-data");
        let ask = shown(asking("PUT", &path, &body.to_string()), &self.token);
        let ask = match tag {
            Some(tag) => ask.header("if-match", tag),
            None => ask,
        };
        let answer = self.world.ask_console(&ask).await;
        assert_eq!(answer.status, status, "{body} {tag:?}: {answer:?}");
        answer.json()
    }

    /// Does something with an item, which is refused with that status; returns code and, if it says one, state.
    pub async fn fails(&self, item: &str, verb: &str, body: Value, status: u16) -> (String, Value) {
        let path = format!("/api/v1/items/{item}/{verb}");
        let problem = self.ask("POST", &path, body, status).await.json();
        let code = problem["code"].as_str().expect("a code").to_owned();
        (code, problem["state"].clone())
    }
}

/// The user of that name, signed in.
pub async fn person<'w>(world: &'w World, name: &str) -> Person<'w> {
    let token = session_of(world, name).await;
    Person { world, token }
}

/// An agent who is there and takes items of the services of which it is a member now.
pub async fn at_work<'w>(world: &'w World, name: &str, services: &[&str]) -> Person<'w> {
    let member_of = services.iter().map(|name| (*name).to_owned());
    let edit = Edit::Change {
        name: name.parse().expect("a name"),
        patch: UserPatch {
            services: Some(member_of.collect()),
            ..UserPatch::default()
        },
        if_version: None,
    };
    change(world, vec![edit]).await;
    let agent = person(world, name).await;
    let active: Value = services.iter().map(|name| (*name, true)).collect();
    let state = serde_json::json!({"presence": "online", "active": active});
    agent.set(state).await;
    agent
}

/// The id of a new item of `loans` with more in it.
pub async fn waiting(world: &World, reference: &str, more: &str) -> String {
    let taken = world.post(&work_item_with(reference, "loans", more)).await;
    taken.attribute("id").expect("a receipt").to_owned()
}
