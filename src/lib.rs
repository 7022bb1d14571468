//! Anteroom, an XML work-item gateway daemon: *the room in front of the people who do the work*.
//!
//! # The house
//! ```text
//!    cli ── config ── calendar
//!     └── daemon ─────────────┐ start order, signals, drain; the only room that knows them all
//!           │                 │
//! people ─ http ── wire ─ notify    async shell (tokio, hyper, axum): bytes ⇄ messages ⇄ answers
//!           │                 │
//!         engine ◄────────────┘     one OS thread: commands → core → one transaction → release
//!      ┌─────┼─────┐
//! workflow routing store            decisions without I/O │ rows without decisions
//!         └──┬──┘
//!          domain                   nouns, states, transitions; no I/O, no clock
//! ```
//! | room | what it is for |
//! |---|---|
//! | [`domain`] | the nouns, the item's state machine, the closed list of codes |
//! | [`routing`] | who waits where, in which order, behind which entrance, until when; who gets it |
//! | [`store`] | rows: a SQLite file, and its twin in memory for the simulator |
//! | [`engine`] | the one loop; the only writer |
//! | [`people`] | signing in, passwords, tokens, users from files |
//! | [`notify`] | telling senders what becomes of their items: signed, in order, at least once |
//! | [`wire`] | encodings, strict XML, the contract's verbs and answers |
//! | [`calendar`] | opening hours as a pure function of time |
//! | [`workflow`] | the language of workflows, its checker, pictures and interpreter |
//! | [`config`] | TOML in layers, checked as a whole |
//! | [`http`] | listeners, senders, limits, the intake, the control API, metrics |
//! | [`daemon`] | start order, signals, drain, systemd; rehearsals of workflows |
//! | [`cli`] | the commands |
//!
//! # One item's way
//! Bytes come to [`http`], which knows the sender and lends the body a share of the budget; [`wire`]
//! makes a [`domain::message::Message`] of them; [`engine`] decides it by [`routing`], lets the
//! workflow of its service take its first steps ([`workflow::run`], [`engine::flows`]) and commits
//! it through [`store`]; the receipt goes back through [`wire`] and [`http`]. In the same turn
//! [`routing`] offers it ([`engine::agents`] makes rows of that); an agent hears of it by
//! [`engine::live`], accepts and ends it through [`http`]; [`notify`] tells its sender.
//!
//! # Invariants
//! 1. A receipt leaves only after the transaction that stored its item is synced
//!    ([`engine::Engine::turn`]).
//! 2. The current row is the truth. The journal is appended in the same transaction and never
//!    replayed.
//! 3. A row changes only together with its version, by exactly one, and only from the version that
//!    was read ([`store::Store::commit`]).
//! 4. The state that follows an event is said in one place ([`domain::item::transition`]); what an
//!    agent is doing in another ([`domain::agent::state`]).
//! 5. Where an item stands in its workflow is part of its row: it hears of a change in the turn that
//!    makes it, and its steps are written with it ([`workflow::run::advance`]).
//! 6. Indexes, timers and counters of the core change in one place ([`routing::core::Core::apply`]),
//!    and can always be made anew from the rows: the start, a failed commit and a new
//!    configuration take the same path.
//! 7. Order is `priority desc, sequence asc`; a sequence is issued at first receipt and never
//!    reused. Times are shown, never sorted by.
//! 8. `domain`, `routing`, `calendar`, `wire` and `workflow` read no clock and throw no dice; `now` is
//!    an argument.
//! 9. Everything has a limit: queues, batches, depths, lists, waits.
//! 10. What cannot be kept is refused with a code; nothing is dropped in silence.
//!
//! `tests/tidy` keeps the imports as drawn.

pub mod calendar;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod engine;
pub mod http;
pub mod notify;
pub mod people;
pub mod routing;
pub mod store;
pub mod wire;
pub mod workflow;
