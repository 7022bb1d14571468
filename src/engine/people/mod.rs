//! The people as the engine keeps and shows them. `change` says what can be asked, `draft` decides.
//!
//! The picture is part of the [`super::view::View`]: readers take it whole, and whoever has an
//! answer of the engine finds its change in there.

pub mod change;
mod draft;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::access::{ApiToken, Session, TokenDigest};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::people::UserName;
use crate::store::people::{Account, PeopleRows};
use crate::store::{Store, StoreError};

use super::Engine;
use super::agents::gets_items;
use super::command::{Command, Pending, Reply};
use super::submit::Decision;
use super::turn::Turn;
use change::{ChangePeople, PeopleReply};
use draft::Draft;

/// A picture of all people.
#[derive(Debug, Clone, Default)]
pub struct People {
    accounts: BTreeMap<UserId, Arc<Account>>,
    names: HashMap<UserName, UserId>,
    sessions: HashMap<TokenDigest, Session>,
    tokens: HashMap<TokenDigest, Arc<ApiToken>>,
    /// How many have a skill, those that are deactivated not counted.
    skills: HashMap<TenantId, HashMap<String, u32>>,
}

impl People {
    /// The picture of what the store holds.
    pub fn of(rows: PeopleRows) -> People {
        let mut people = People::default();
        for account in rows.accounts {
            people.put(Arc::new(account));
        }
        let sessions = rows.sessions.into_iter();
        people.sessions = sessions.map(|session| (session.digest, session)).collect();
        let tokens = rows.tokens.into_iter();
        people.tokens = tokens
            .map(|token| (token.digest, Arc::new(token)))
            .collect();
        people
    }

    /// The user of that number.
    pub fn account(&self, id: UserId) -> Option<&Arc<Account>> {
        self.accounts.get(&id)
    }

    /// The user of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<Account>> {
        let name: UserName = name.parse().ok()?;
        self.accounts.get(self.names.get(&name)?)
    }

    /// Everybody, by number.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// The session known by that digest, whether it still holds or not.
    pub fn session(&self, digest: &TokenDigest) -> Option<&Session> {
        self.sessions.get(digest)
    }

    /// The API token known by that digest, whether it still holds or not.
    pub fn token(&self, digest: &TokenDigest) -> Option<&Arc<ApiToken>> {
        self.tokens.get(digest)
    }

    /// The sessions of a user.
    pub fn sessions_of(&self, user: UserId) -> impl Iterator<Item = &Session> {
        let sessions = self.sessions.values();
        sessions.filter(move |session| session.user == user)
    }

    /// The API tokens of a user.
    pub fn tokens_of(&self, user: UserId) -> impl Iterator<Item = &Arc<ApiToken>> {
        self.tokens.values().filter(move |token| token.user == user)
    }

    /// Whether somebody in the tenant has the skill.
    pub fn has_skill(&self, tenant: TenantId, skill: &str) -> bool {
        let skills = self.skills.get(&tenant);
        skills.is_some_and(|skills| skills.contains_key(skill))
    }

    /// Whether an item of the tenant can come to somebody of that name.
    pub fn has_agent(&self, tenant: TenantId, name: &str) -> bool {
        let user = self.named(name).map(|account| &account.user);
        user.is_some_and(|user| user.tenant == tenant && gets_items(user))
    }

    fn put(&mut self, account: Arc<Account>) {
        let user = &account.user;
        self.names.insert(user.name.clone(), user.id);
        if user.enabled {
            let skills = self.skills.entry(user.tenant).or_default();
            for skill in user.skills.keys() {
                *skills.entry(skill.clone()).or_default() += 1;
            }
        }
        let before = self.accounts.insert(user.id, account);
        if let Some(before) = before.filter(|before| before.user.enabled) {
            let skills = self.skills.entry(before.user.tenant).or_default();
            for skill in before.user.skills.keys() {
                let count = skills.get_mut(skill).expect("counted when it came");
                *count -= 1;
                if *count == 0 {
                    skills.remove(skill);
                }
            }
        }
    }
}

impl<S: Store> Engine<S> {
    /// Changes people, all that is asked or nothing. A user changes at most once in a turn: a
    /// second command about the same one waits for the next.
    pub(super) fn change_people(
        &mut self,
        turn: &mut Turn,
        request: Box<ChangePeople>,
        reply: Reply<PeopleReply>,
    ) -> Result<(), StoreError> {
        let mut about = request
            .edits
            .iter()
            .filter_map(|edit| edit.about(&self.people));
        if about.any(|user| turn.has_touched_user(user)) {
            turn.defer(
                reply,
                |reply| Command::People(request, reply),
                Pending::People,
            );
            return Ok(());
        }
        match self.decide_people(turn, *request) {
            Ok(result) => turn.pending.push(Pending::People(reply, result)),
            Err(error) => return turn.fail(error, reply, Pending::People),
        }
        Ok(())
    }

    pub(super) fn decide_people(
        &mut self,
        turn: &mut Turn,
        request: ChangePeople,
    ) -> Decision<PeopleReply> {
        // One edit is whole or nothing by itself, so it needs no copy to be thrown away.
        let in_place = request.edits.len() == 1 && !request.dry_run;
        let people = match in_place {
            true => std::mem::take(&mut self.people),
            false => self.people.clone(),
        };
        let mut draft = Draft::new(people, &self.directory, turn.now);
        let edited = draft.edit_all(request.edits);
        let done = draft.done();
        if in_place || (edited.is_ok() && !request.dry_run) {
            self.people = done.people;
        }
        if let Err(refusal) = edited {
            return Ok(Err(refusal));
        }
        if !request.dry_run {
            self.people_changed(turn, &done.changes.accounts)?;
            turn.touch_users(done.changes.accounts.iter().map(|account| account.user.id));
            let batch = &mut turn.batch;
            batch.people.accounts.extend(done.changes.accounts);
            batch.people.sessions.extend(done.changes.sessions);
            batch.people.tokens.extend(done.changes.tokens);
            let audited = done.audit.into_iter();
            batch
                .audit
                .extend(audited.map(|act| act.entry(&request.actor, &request.from, turn.now)));
        }
        Ok(Ok(PeopleReply {
            accounts: done.shown,
        }))
    }
}
