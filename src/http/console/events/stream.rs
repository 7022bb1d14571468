//! One stream: what it sends, and when it ends.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::stream::{Stream, unfold};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::domain::ids::{Sequence, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::live::{EventId, Numbered};
use crate::engine::run::clock;
use crate::engine::view::View;
use crate::http::agents;
use crate::http::attendance::OpenStream;
use crate::http::json::ServiceJson;
use crate::http::server::{Shutdown, stopping};
use crate::http::state::Shared;
use crate::people::sign_in::SignedIn;

use super::concern::{concerns, sees_agent, services, watches};
use super::shown::{Agents, EventJson, Facts, SnapshotJson, agent_of, facts, offers_of, row_of};

/// Events that a stream takes at once.
const EVENTS_AT_ONCE: usize = 64;
/// How often services are looked at, and whether whoever listens may still.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a client should wait before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// See the module.
pub struct Feed {
    shared: Arc<Shared>,
    signed_in: SignedIn,
    slot: OpenStream,
    shutdown: Shutdown,
    bell: watch::Receiver<EventId>,
    look: Interval,
    /// The newest event that was sent, or concerns others.
    last: Option<EventId>,
    /// What the services looked like that were sent last.
    services: Option<u64>,
    /// To be sent, at most those of one look.
    ready: VecDeque<Event>,
}

/// What a look at the events has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// All there is.
    All,
    /// As many as are taken at once; there may be more.
    Some,
}

impl Feed {
    /// A stream for somebody who has seen everything up to `last`.
    pub fn new(
        shared: Arc<Shared>,
        signed_in: SignedIn,
        slot: OpenStream,
        shutdown: Shutdown,
        last: Option<EventId>,
    ) -> Feed {
        let bell = shared.engine.live().bell();
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Feed {
            shared,
            signed_in,
            slot,
            shutdown,
            bell,
            look,
            last,
            services: None,
            ready: [Event::default().retry(RETRY)].into(),
        }
    }

    /// The events as they come, to the end of the stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    /// The next event; `None`: the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            self.bell.borrow_and_update();
            self.signed_in = self.shared.sign_ins.still(&self.signed_in, clock())?;
            let found = match self.catch_up().await {
                Ok(found) => found,
                // The cause is logged. Whoever comes back misses nothing.
                Err(_) => return None,
            };
            if self.ready.is_empty() && found == Found::All {
                self.wait().await?;
            }
        }
    }

    /// Until something may have happened; `None`: the stream is over.
    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            () = stopping(&mut self.shutdown) => None,
            () = self.slot.outdone() => None,
            // Before the bell, which may never rest in a busy house.
            _ = self.look.tick() => {
                self.look_at_services();
                Some(())
            }
            rung = self.bell.changed() => rung.ok(),
        }
    }

    /// Makes ready what came since the last event.
    async fn catch_up(&mut self) -> Result<Found, Refusal> {
        let live = self.shared.engine.live();
        let since = self
            .last
            .and_then(|last| live.next_since(last, EVENTS_AT_ONCE));
        let Some(numbered) = since else {
            // What came up to this number is in any picture that is taken after it.
            let newest = live.newest();
            self.last = Some(newest);
            let snapshot = self.snapshot().await?;
            let snapshot = EventJson::Snapshot(Box::new(snapshot));
            self.push(Some(newest), &snapshot);
            return Ok(Found::All);
        };
        let Some(newest) = numbered.last() else {
            return Ok(Found::All);
        };
        self.last = Some(newest.id);
        let found = match numbered.len() < EVENTS_AT_ONCE {
            true => Found::All,
            false => Found::Some,
        };
        let view = self.shared.engine.view();
        let user = self.signed_in.user();
        let own: Vec<Arc<Numbered>> = numbered
            .into_iter()
            .filter(|numbered| concerns(user, &view, &numbered.event))
            .collect();
        let rows = own.iter().filter_map(|numbered| row_of(&numbered.event));
        let facts = self.facts(rows.collect()).await?;
        let agents = own.iter().filter_map(|numbered| agent_of(&numbered.event));
        let mut agents = self.agents(&view, agents.collect()).await?;
        for numbered in own {
            let event = EventJson::of(&numbered.event, &view, &facts, &mut agents);
            if let Some(event) = event {
                self.push(Some(numbered.id), &event);
            }
        }
        Ok(found)
    }

    /// How everything stands.
    async fn snapshot(&self) -> Result<SnapshotJson, Refusal> {
        let view = self.shared.engine.view();
        let user = self.signed_in.user();
        let own = view.agents.get(&user.id);
        let ringing = own.into_iter().flat_map(|agent| &agent.offers);
        let facts = self
            .facts(ringing.map(|offer| offer.sequence).collect())
            .await?;
        let agent = user.id;
        let held = self
            .shared
            .read(move |reader| reader.held_by(agent))
            .await?;
        let seen = view
            .agents
            .values()
            .filter(|agent| agent.id == user.id || sees_agent(user, &view, agent.tenant, agent.id));
        let seen = seen.map(|agent| agent.id).collect();
        let mut agents = self.agents(&view, seen).await?;
        let items = held.iter().map(|listed| listed.item.id.to_string());
        Ok(SnapshotJson {
            state: agents.remove(&user.id),
            offers: own.map_or_else(Vec::new, |agent| offers_of(agent, &view, &facts)),
            items: items.collect(),
            agents: agents.into_values().collect(),
        })
    }

    /// Those of the agents who are still there, as they are now.
    async fn agents(&self, view: &View, wanted: BTreeSet<UserId>) -> Result<Agents, Refusal> {
        let there: Vec<_> = wanted
            .iter()
            .filter_map(|agent| view.agents.get(agent).cloned())
            .collect();
        let shown = agents::show(&self.shared, view, &there).await?;
        let ids = there.iter().map(|agent| agent.id);
        Ok(ids.zip(shown).collect())
    }

    async fn facts(&self, rows: BTreeSet<Sequence>) -> Result<Facts, Refusal> {
        match rows.is_empty() {
            true => Ok(Facts::new()),
            false => self.shared.read(move |reader| facts(reader, &rows)).await,
        }
    }

    /// For those who watch services: what they look like, when that has changed.
    fn look_at_services(&mut self) {
        let user = self.signed_in.user();
        if !watches(user) {
            return;
        }
        let view = self.shared.engine.view();
        let shown = |now| -> Vec<ServiceJson> {
            let seen = services(user, &view);
            seen.map(|service| ServiceJson::of(&view, service, now))
                .collect()
        };
        // Ages grow by themselves, which is no change.
        let look = fingerprint(&shown(Timestamp(0)), user, &view);
        if self.services == Some(look) {
            return;
        }
        let event = EventJson::Services(shown(clock()));
        self.services = Some(look);
        self.push(None, &event);
    }

    fn push(&mut self, id: Option<EventId>, event: &EventJson) {
        let text = serde_json::to_string(event).expect("names and texts become JSON");
        let sent = Event::default().event(event.name()).data(text);
        self.ready.push_back(match id {
            Some(id) => sent.id(id.0.to_string()),
            None => sent,
        });
    }
}

fn fingerprint(shown: &[ServiceJson], user: &crate::domain::people::User, view: &View) -> u64 {
    let mut hasher = DefaultHasher::new();
    let text = serde_json::to_string(shown).expect("names and numbers become JSON");
    text.hash(&mut hasher);
    for service in services(user, view) {
        service.oldest_received_at.hash(&mut hasher);
    }
    hasher.finish()
}
