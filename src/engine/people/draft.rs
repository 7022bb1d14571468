//! Edits of people, decided one by one on a draft of the picture. Each edit is whole or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::access::{
    ApiToken, PasswordHash, SESSIONS_PER_USER_MAX, Session, TOKENS_PER_USER_MAX, TokenDigest,
};
use crate::domain::code::Code;
use crate::domain::ids::{ServiceId, TenantId, UserId};
use crate::domain::journal::Actor;
use crate::domain::people::{
    Capacity, InvalidPerson, Role, Skills, Standing, StandingPatch, USERS_MAX, User, UserName,
    UserPatch, Wording,
};
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::engine::directory::Directory;
use crate::store::AuditEntry;
use crate::store::people::{Account, PeopleChanges, SessionChange, TokenChange};

use super::People;
use super::change::Edit;

/// See the module.
pub(super) struct Draft<'a> {
    people: Arc<People>,
    directory: &'a Directory,
    now: Timestamp,
    accounts: BTreeMap<UserId, Arc<Account>>,
    shown: Vec<UserId>,
    sessions: Vec<SessionChange>,
    tokens: Vec<TokenChange>,
    audit: Vec<Act>,
}

/// What was decided.
pub(super) struct Done {
    pub people: Arc<People>,
    pub changes: PeopleChanges,
    pub shown: Vec<Arc<Account>>,
    pub audit: Vec<Act>,
}

/// A line for the audit.
pub(super) struct Act {
    verb: &'static str,
    tenant: TenantId,
    object: UserName,
    data: Vec<(&'static str, String)>,
}

impl Act {
    pub(super) fn entry(self, actor: &Actor, from: &Option<String>, at: Timestamp) -> AuditEntry {
        let from = from.clone().map(|from| ("from", from));
        AuditEntry {
            at,
            actor: actor.clone(),
            verb: self.verb,
            tenant: Some(self.tenant),
            object: self.object.to_string(),
            data: self.data.into_iter().chain(from).collect(),
        }
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(people: Arc<People>, directory: &'a Directory, now: Timestamp) -> Draft<'a> {
        Draft {
            people,
            directory,
            now,
            accounts: BTreeMap::new(),
            shown: Vec::new(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// Makes every edit, and says of all that cannot be made why.
    pub(super) fn edit_all(&mut self, edits: Vec<Edit>) -> Result<(), Refusal> {
        let many = edits.len() > 1;
        let mut problems = Vec::new();
        for edit in edits {
            let name = many.then(|| self.name_of(&edit)).flatten();
            if let Err(mut problem) = self.edit(edit) {
                if let Some(name) = name {
                    problem.message = format!("{name}: {}", problem.message);
                }
                problems.push(problem);
            }
        }
        Refusal::of(problems).map_or(Ok(()), Err)
    }

    pub(super) fn done(self) -> Done {
        let shown = self.shown.iter();
        let shown = shown.filter_map(|id| self.people.account(*id).cloned());
        let accounts = self.accounts.into_values();
        Done {
            shown: shown.collect(),
            changes: PeopleChanges {
                accounts: accounts.map(Arc::unwrap_or_clone).collect(),
                sessions: self.sessions,
                tokens: self.tokens,
            },
            audit: self.audit,
            people: self.people,
        }
    }

    fn name_of(&self, edit: &Edit) -> Option<UserName> {
        match edit {
            Edit::Add { name, .. } | Edit::Change { name, .. } | Edit::SetPassword { name, .. } => {
                Some(name.clone())
            }
            Edit::Stand { .. }
            | Edit::OpenSession { .. }
            | Edit::SeeSession(_)
            | Edit::CloseSession(_)
            | Edit::CreateToken { .. }
            | Edit::RevokeToken { .. } => {
                let account = self.people.account(edit.about(&self.people)?)?;
                Some(account.user.name.clone())
            }
        }
    }

    fn edit(&mut self, edit: Edit) -> Result<(), Problem> {
        match edit {
            Edit::Add {
                name,
                tenant,
                patch,
                password,
            } => self.add(name, tenant.as_deref(), patch, password),
            Edit::Change {
                name,
                patch,
                if_version,
            } => self.change(&name, patch, if_version),
            Edit::SetPassword {
                name,
                password,
                keep,
            } => self.set_password(&name, password, keep),
            Edit::Stand { user, patch } => self.stand(user, patch),
            Edit::OpenSession {
                user,
                digest,
                verified,
            } => self.open_session(user, digest, &verified),
            Edit::SeeSession(digest) => {
                self.see_session(digest);
                Ok(())
            }
            Edit::CloseSession(digest) => {
                self.sign_out(digest);
                Ok(())
            }
            Edit::CreateToken {
                user,
                digest,
                label,
                expires_at,
            } => self.create_token(user, digest, label, expires_at),
            Edit::RevokeToken { user, label } => self.revoke_token(user, &label),
        }
    }

    fn add(
        &mut self,
        name: UserName,
        tenant: Option<&str>,
        patch: UserPatch,
        password: Option<PasswordHash>,
    ) -> Result<(), Problem> {
        if self.people.names.contains_key(&name) {
            return Err(invalid(format!(
                "there is a user {name} already; names are unique in the whole installation"
            )));
        }
        if self.people.accounts.len() >= USERS_MAX {
            return Err(invalid(format!("there are at most {USERS_MAX} users")));
        }
        let last = self.people.accounts.last_key_value();
        let mut user = User {
            id: UserId(last.map_or(1, |(last, _)| last.0 + 1)),
            tenant: self.tenant(tenant)?,
            display_name: name.to_string(),
            name,
            roles: [Role::Agent].into(),
            services: BTreeSet::new(),
            supervisor_of: BTreeSet::new(),
            skills: Skills::new(),
            profiles: BTreeMap::new(),
            capacity: Capacity::DEFAULT,
            work_groups: BTreeSet::new(),
            enabled: true,
            standing: Standing::default(),
            version: 1,
        };
        self.apply(&mut user, patch)?;
        user.check().map_err(wrong)?;
        self.act("user.add", &user, Vec::new());
        self.shown.push(user.id);
        self.put(Account { user, password });
        Ok(())
    }

    fn change(
        &mut self,
        name: &UserName,
        patch: UserPatch,
        if_version: Option<u32>,
    ) -> Result<(), Problem> {
        let before = self.named(name)?;
        if if_version.is_some_and(|version| version != before.user.version) {
            return Err(Problem::new(
                Code::VersionConflict,
                format!(
                    "the user is in version {}: read it again, then change it",
                    before.user.version
                ),
            ));
        }
        let mut user = before.user.clone();
        self.apply(&mut user, patch)?;
        user.drop_what_is_gone();
        user.check().map_err(wrong)?;
        let (verb, ends) = match (before.user.enabled, user.enabled) {
            (true, false) => ("user.deactivate", true),
            (false, true) => ("user.activate", false),
            (true, true) | (false, false) => ("user.change", false),
        };
        self.act(verb, &user, changed_fields(&before.user, &user));
        if ends {
            self.end_sessions(user.id, None);
            self.end_tokens(user.id);
        }
        self.shown.push(user.id);
        self.put_changed(&before, user);
        Ok(())
    }

    fn set_password(
        &mut self,
        name: &UserName,
        password: PasswordHash,
        keep: Option<TokenDigest>,
    ) -> Result<(), Problem> {
        let before = self.named(name)?;
        let user = before.user.clone();
        self.act("user.setPassword", &user, Vec::new());
        self.end_sessions(user.id, keep);
        self.shown.push(user.id);
        let account = Account {
            user,
            password: Some(password),
        };
        self.put_changed(&account, account.user.clone());
        Ok(())
    }

    fn stand(&mut self, id: UserId, patch: StandingPatch) -> Result<(), Problem> {
        let before = self.account(id)?;
        let mut user = before.user.clone();
        for (name, on) in &patch.active {
            let service = self.service(user.tenant, name)?;
            if *on && !user.services.contains(&service) {
                return Err(invalid(format!("the user is no member of {name}")));
            }
            match on {
                true => user.standing.active.insert(service),
                false => user.standing.active.remove(&service),
            };
        }
        if let Some(duty) = patch.duty {
            user.standing.duty = duty;
        }
        if let Some(reason) = patch.not_available {
            user.standing.not_available = reason;
        }
        user.check().map_err(wrong)?;
        self.shown.push(id);
        if user != before.user {
            self.put_changed(&before, user);
        }
        Ok(())
    }

    fn open_session(
        &mut self,
        id: UserId,
        digest: TokenDigest,
        verified: &PasswordHash,
    ) -> Result<(), Problem> {
        let account = self.account(id)?;
        if !account.user.enabled || account.password.as_ref() != Some(verified) {
            return Err(Problem::new(
                Code::NotAuthenticated,
                "the password was changed meanwhile: sign in again",
            ));
        }
        let mut sessions: Vec<Session> = self.people.sessions_of(id).cloned().collect();
        sessions.sort_by_key(|session| session.seen_at);
        let too_many = (sessions.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
        for (index, session) in sessions.iter().enumerate() {
            if index < too_many || !session.holds(self.now) {
                self.close(session.digest);
            }
        }
        let session = Session {
            digest,
            user: id,
            opened_at: self.now,
            seen_at: self.now,
        };
        self.act("session.open", &account.user, Vec::new());
        let people = Arc::make_mut(&mut self.people);
        people.sessions.insert(digest, session.clone());
        self.sessions.push(SessionChange::Opened(session));
        Ok(())
    }

    fn see_session(&mut self, digest: TokenDigest) {
        let now = self.now;
        let people = Arc::make_mut(&mut self.people);
        if let Some(session) = people.sessions.get_mut(&digest)
            && session.seen_at < now
        {
            session.seen_at = now;
            self.sessions.push(SessionChange::Seen(digest, now));
        }
    }

    fn sign_out(&mut self, digest: TokenDigest) {
        let user = self
            .people
            .sessions
            .get(&digest)
            .map(|session| session.user);
        let account = user.and_then(|user| self.people.account(user)).cloned();
        if let Some(account) = account {
            self.act("session.close", &account.user, Vec::new());
            self.close(digest);
        }
    }

    fn create_token(
        &mut self,
        id: UserId,
        digest: TokenDigest,
        label: String,
        expires_at: Option<Timestamp>,
    ) -> Result<(), Problem> {
        let account = self.account(id)?;
        Wording::Label.check(&label).map_err(wrong)?;
        if expires_at.is_some_and(|end| end <= self.now) {
            return Err(invalid("the token's end is not later than now"));
        }
        let tokens: Vec<Arc<ApiToken>> = self.people.tokens_of(id).cloned().collect();
        let now = self.now;
        for over in tokens.iter().filter(|token| !token.holds(now)) {
            self.end_token(over.digest);
        }
        let held = tokens.iter().filter(|token| token.holds(self.now));
        let (count, taken) = held.fold((0, false), |(count, taken), token| {
            (count + 1, taken || token.label == label)
        });
        if taken {
            return Err(invalid(format!(
                "there is a token {label} already: revoke it first"
            )));
        }
        if count >= TOKENS_PER_USER_MAX {
            return Err(invalid(format!(
                "a user has at most {TOKENS_PER_USER_MAX} tokens"
            )));
        }
        self.act(
            "token.create",
            &account.user,
            vec![("label", label.clone())],
        );
        let token = ApiToken {
            digest,
            user: id,
            label,
            created_at: self.now,
            expires_at,
        };
        let people = Arc::make_mut(&mut self.people);
        people.tokens.insert(digest, Arc::new(token.clone()));
        self.tokens.push(TokenChange::Created(token));
        Ok(())
    }

    fn revoke_token(&mut self, id: UserId, label: &str) -> Result<(), Problem> {
        let account = self.account(id)?;
        let mut tokens = self.people.tokens_of(id);
        let Some(digest) = tokens
            .find(|token| token.label == label)
            .map(|token| token.digest)
        else {
            return Err(Problem::new(
                Code::NotFound,
                format!("the user has no token {label}"),
            ));
        };
        drop(tokens);
        self.act(
            "token.revoke",
            &account.user,
            vec![("label", label.to_owned())],
        );
        self.end_token(digest);
        Ok(())
    }

    /// Puts what a patch says into a user: names become numbers.
    fn apply(&self, user: &mut User, patch: UserPatch) -> Result<(), Problem> {
        if let Some(names) = patch.services {
            user.services = self.services(user.tenant, &names)?;
        }
        if let Some(names) = patch.supervisor_of {
            user.supervisor_of = self.services(user.tenant, &names)?;
        }
        user.display_name = patch
            .display_name
            .unwrap_or_else(|| user.display_name.clone());
        user.roles = patch.roles.unwrap_or_else(|| user.roles.clone());
        user.skills = patch.skills.unwrap_or_else(|| user.skills.clone());
        user.profiles = patch.profiles.unwrap_or_else(|| user.profiles.clone());
        user.capacity = patch.capacity.unwrap_or(user.capacity);
        user.work_groups = patch
            .work_groups
            .unwrap_or_else(|| user.work_groups.clone());
        user.enabled = patch.enabled.unwrap_or(user.enabled);
        Ok(())
    }

    fn services(
        &self,
        tenant: TenantId,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<ServiceId>, Problem> {
        let names = names.iter();
        names.map(|name| self.service(tenant, name)).collect()
    }

    fn service(&self, tenant: TenantId, name: &str) -> Result<ServiceId, Problem> {
        self.directory.service(tenant, name).ok_or_else(|| {
            let message = format!("there is no service {name} in the user's tenant");
            Problem::new(Code::UnknownService, message)
        })
    }

    fn tenant(&self, name: Option<&str>) -> Result<TenantId, Problem> {
        let mut tenants = self.directory.tenant_ids().filter(|id| {
            let is_named = |name: &str| {
                let known = self.directory.tenant_name(*id);
                known.is_some_and(|known| known.as_ref() == name)
            };
            self.directory.tenant(*id).is_some() && name.is_none_or(is_named)
        });
        match (tenants.next(), tenants.next(), name) {
            (Some(tenant), None, _) => Ok(tenant),
            (_, _, Some(name)) => Err(invalid(format!("there is no tenant {name}"))),
            (_, _, None) => Err(invalid("there are several tenants: name the user's")),
        }
    }

    fn named(&self, name: &UserName) -> Result<Arc<Account>, Problem> {
        let id = self.people.names.get(name);
        let account = id.and_then(|id| self.people.account(*id));
        account
            .cloned()
            .ok_or_else(|| Problem::new(Code::NotFound, format!("there is no user {name}")))
    }

    fn account(&self, id: UserId) -> Result<Arc<Account>, Problem> {
        let account = self.people.account(id);
        account
            .cloned()
            .ok_or_else(|| Problem::new(Code::NotFound, "there is no such user"))
    }

    /// The next row of a user. Within one draft a user's version grows once only.
    fn put_changed(&mut self, before: &Account, mut user: User) {
        if !self.accounts.contains_key(&user.id) {
            user.version += 1;
        }
        self.put(Account {
            user,
            password: before.password.clone(),
        });
    }

    fn put(&mut self, account: Account) {
        let account = Arc::new(account);
        self.accounts.insert(account.user.id, account.clone());
        Arc::make_mut(&mut self.people).put(account);
    }

    fn end_sessions(&mut self, user: UserId, keep: Option<TokenDigest>) {
        let sessions = self.people.sessions_of(user);
        let ended = sessions.filter(|session| Some(session.digest) != keep);
        let ended: Vec<TokenDigest> = ended.map(|session| session.digest).collect();
        ended.into_iter().for_each(|digest| self.close(digest));
    }

    fn close(&mut self, digest: TokenDigest) {
        Arc::make_mut(&mut self.people).sessions.remove(&digest);
        self.sessions.push(SessionChange::Closed(digest));
    }

    fn end_tokens(&mut self, user: UserId) {
        let tokens = self.people.tokens_of(user);
        let ended: Vec<TokenDigest> = tokens.map(|token| token.digest).collect();
        ended.into_iter().for_each(|digest| self.end_token(digest));
    }

    fn end_token(&mut self, digest: TokenDigest) {
        Arc::make_mut(&mut self.people).tokens.remove(&digest);
        self.tokens.push(TokenChange::Revoked(digest));
    }

    fn act(&mut self, verb: &'static str, user: &User, data: Vec<(&'static str, String)>) {
        self.audit.push(Act {
            verb,
            tenant: user.tenant,
            object: user.name.clone(),
            data,
        });
    }
}

/// The names of the fields that differ, for the audit.
fn changed_fields(before: &User, after: &User) -> Vec<(&'static str, String)> {
    let fields = [
        ("displayName", before.display_name != after.display_name),
        ("roles", before.roles != after.roles),
        ("services", before.services != after.services),
        ("supervisorOf", before.supervisor_of != after.supervisor_of),
        ("skills", before.skills != after.skills),
        ("profiles", before.profiles != after.profiles),
        ("capacity", before.capacity != after.capacity),
        ("workGroups", before.work_groups != after.work_groups),
        ("enabled", before.enabled != after.enabled),
    ];
    let changed = fields.iter().filter(|(_, differs)| *differs);
    let names: Vec<&str> = changed.map(|(name, _)| *name).collect();
    vec![("fields", names.join(" "))]
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidField, message)
}

fn wrong(error: InvalidPerson) -> Problem {
    invalid(error.0)
}
