//! Which agents are there. Whoever has neither an open event stream nor a request for a minute is
//! lost to the engine; presence comes back with the connection. Whoever gives no input for as long
//! as the tenant says is away, and is asked for a reason on return.
//!
//! [`roll`] decides, [`streams`] counts; here the engine is told.

pub mod roll;
pub mod streams;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::domain::agent::{Presence, Unit};
use crate::domain::code::Code;
use crate::domain::ids::UserId;
use crate::domain::journal::Actor;
use crate::domain::refusal::{Problem, Refusal};
use crate::domain::time::Timestamp;
use crate::engine::agents::command::{By, SetState};
use crate::engine::agents::view::AgentView;
use crate::engine::handle::EngineHandle;
use crate::engine::run::clock;
use crate::engine::view::View;

use super::state::Shared;
use roll::{Fallen, Hands, Roll, Seen, Sign};
use streams::Streams;

/// How often silence is looked at.
const TICK: Duration = Duration::from_secs(5);
/// Seconds after which it may be worth opening a stream again.
const STREAMS_RETRY_AFTER_S: u32 = 10;

/// See the module.
pub struct Attendance {
    began: Instant,
    roll: Mutex<Roll>,
    streams: Mutex<Streams>,
}

impl Default for Attendance {
    fn default() -> Attendance {
        Attendance {
            began: Instant::now(),
            roll: Mutex::default(),
            streams: Mutex::default(),
        }
    }
}

impl Attendance {
    /// Notes a request, and brings back the presence of an agent who was lost.
    pub async fn requested(&self, engine: &EngineHandle, user: UserId, sign: Sign) {
        let mut back = self.roll().requested(user, sign, self.now());
        if back.is_none() && is_missed(&engine.view(), user) {
            back = self.roll().found(user);
        }
        self.bring_back(engine, user, back).await;
    }

    /// Opens an event stream, of `max` in all: an agent is there for as long as it is held.
    ///
    /// # Errors
    /// `overloaded`.
    pub async fn open(
        self: &Arc<Self>,
        engine: &EngineHandle,
        user: UserId,
        max: usize,
    ) -> Result<OpenStream, Refusal> {
        let opened = self.streams().open(user, max);
        let (number, close) = opened.map_err(|full| {
            Problem::new(Code::Overloaded, format!("{full}: try again."))
                .retry_after(STREAMS_RETRY_AFTER_S)
        })?;
        let presence = presence(&engine.view(), user);
        let to_set = self.roll().opened(user, presence, self.now());
        let stream = OpenStream {
            attendance: self.clone(),
            user,
            number,
            close,
        };
        self.bring_back(engine, user, to_set).await;
        Ok(stream)
    }

    /// Sets an agent's state by somebody's word: whether it is there is by that word from here on.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn set_state(&self, engine: &EngineHandle, request: SetState) -> Result<(), Refusal> {
        let (user, presence) = (request.user, request.presence);
        let gives_reason = request.reason.is_some();
        engine.set_state(request).await?;
        let now = self.now();
        self.roll().told(user, presence, gives_reason, now);
        Ok(())
    }

    /// Whether the agent was made away for want of input and has not said why.
    pub fn asks_reason(&self, user: UserId) -> bool {
        self.roll().asks_reason(user)
    }

    async fn bring_back(&self, engine: &EngineHandle, user: UserId, presence: Option<Presence>) {
        let Some(presence) = presence else {
            return;
        };
        if let Err(refusal) = set_presence(engine, user, presence).await {
            let reason = refusal.first.message;
            tracing::warn!(reason, "a presence did not come back yet");
            self.roll().not_set(user, presence);
        }
    }

    /// Looks at silence once, as of `now` after the start.
    async fn look(&self, shared: &Shared, now: Duration) {
        let agents = agents(shared);
        let fallen = self.roll().fallen(&agents, now);
        let engine = &shared.engine;
        for fallen in fallen {
            let (user, told) = match fallen {
                Fallen::Lost(user) => (user, engine.lose_agent(user).await),
                Fallen::Idle(user) => {
                    let told = set_presence(engine, user, Presence::Away).await;
                    (user, told)
                }
            };
            if let Err(refusal) = told {
                let reason = refusal.first.message;
                tracing::warn!(reason, "an agent's absence is noted later");
                continue;
            }
            let back = self.roll().lost(user);
            self.bring_back(engine, user, back).await;
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn roll(&self) -> MutexGuard<'_, Roll> {
        // Records are whole after every step, so a panic elsewhere has not spoilt them.
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at silence until it is stopped from outside.
pub async fn watch(shared: Arc<Shared>) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let attendance = &shared.attendance;
        attendance.look(&shared, attendance.now()).await;
    }
}

/// An event stream that is open; closed when it is dropped.
pub struct OpenStream {
    attendance: Arc<Attendance>,
    user: UserId,
    number: u64,
    close: Arc<Notify>,
}

impl OpenStream {
    /// Returns when the stream is to end, because its user has opened too many.
    pub async fn outdone(&self) {
        self.close.notified().await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let now = self.attendance.now();
        self.attendance.streams().close(self.user, self.number);
        self.attendance.roll().closed(self.user, now);
    }
}

fn presence(view: &View, user: UserId) -> Option<Presence> {
    view.agents.get(&user).map(|agent| agent.factors.presence)
}

/// Whether the engine waits for an agent who is offline with an item in hand.
fn is_missed(view: &View, user: UserId) -> bool {
    let agent = view.agents.get(&user);
    let agent = agent.filter(|agent| agent.factors.presence == Presence::Offline);
    agent.is_some_and(|agent| {
        let mut units = agent.factors.units.iter();
        units.any(|(_, unit)| *unit == Unit::Connected)
    })
}

/// In the agent's own name: it is its connection that says so.
async fn set_presence(
    engine: &EngineHandle,
    user: UserId,
    presence: Presence,
) -> Result<(), Refusal> {
    let by = By {
        actor: Actor::User(user),
        user: Some(user),
        from: None,
    };
    let request = SetState {
        presence: Some(presence),
        ..SetState::of(by, user)
    };
    engine.set_state(request).await
}

fn agents(shared: &Shared) -> Vec<Seen> {
    let view = shared.engine.view();
    let policy = shared.policy();
    let idle_after = |agent: &AgentView| {
        let tenant = view.tenants.get(&agent.tenant)?;
        let tenant = policy.tenants.get(tenant.name.as_ref())?;
        let ms = tenant.agents.idle_after_ms?;
        Some(Duration::from_millis(ms.unsigned_abs()))
    };
    let at = clock();
    let agents = view.agents.values();
    agents
        .map(|agent| Seen {
            user: agent.id,
            presence: agent.factors.presence,
            hands: hands(agent, at),
            idle_after: idle_after(agent),
        })
        .collect()
}

fn hands(agent: &AgentView, now: Timestamp) -> Hands {
    let units = agent.factors.units.iter();
    let held: Vec<Unit> = units
        .map(|(_, unit)| *unit)
        .filter(|unit| unit.holds_at(now))
        .collect();
    match held.iter().any(|unit| *unit != Unit::Ringing) {
        true => Hands::Busy,
        false if held.is_empty() => Hands::Empty,
        false => Hands::Ringing,
    }
}
