//! Counters of what passes the doors, for Prometheus. Counting is an atomic addition; what the
//! engine knows is taken from its picture when somebody asks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::answer::{EntryAnswer, Receipt};
use crate::domain::code::Code;

use super::state::Shared;

/// Names and values of labels.
type Labels = Vec<(&'static str, String)>;
/// A gauge with a fraction.
type Fraction = Gauge<f64, AtomicU64>;

/// Upper ends of the buckets of request durations, in seconds.
const DURATION_BUCKETS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 1.0, 5.0,
    30.0,
];

/// What is counted at the doors.
pub struct Metrics {
    registry: Registry,
    /// In the order of [`Code::ALL`].
    refused: Vec<Counter>,
    entries_refused: Vec<Counter>,
    answered: Counter,
    created: Counter,
    replayed: Counter,
    durations: Histogram,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("anteroom");
        let answers = Family::<Labels, Counter>::default();
        let entries = Family::<Labels, Counter>::default();
        let receipts = Family::<Labels, Counter>::default();
        let durations = Histogram::new(DURATION_BUCKETS);
        registry.register("answers", "Answers to messages, by code", answers.clone());
        registry.register(
            "entries_refused",
            "Entries of batches that were refused, by code",
            entries.clone(),
        );
        registry.register(
            "receipts",
            "Receipts for work items: created, or replayed for a known reference",
            receipts.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From the head of a message to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        let of_code = |family: &Family<Labels, Counter>, code: Code| {
            family.get_or_create_owned(&vec![("code", code.name().to_owned())])
        };
        let of_kind = |kind: &str| receipts.get_or_create_owned(&vec![("kind", kind.to_owned())]);
        Metrics {
            refused: Code::ALL.map(|code| of_code(&answers, code)).into(),
            entries_refused: Code::ALL.map(|code| of_code(&entries, code)).into(),
            answered: answers.get_or_create_owned(&vec![("code", "ok".to_owned())]),
            created: of_kind("created"),
            replayed: of_kind("replayed"),
            durations,
            registry,
        }
    }
}

impl Metrics {
    /// A message was answered, `None`: as it wished.
    pub fn answered(&self, refused: Option<Code>, after: Duration) {
        match refused {
            None => self.answered.inc(),
            Some(code) => self.refused[code as usize].inc(),
        };
        self.durations.observe(after.as_secs_f64());
    }

    /// A `workItem` got its receipt.
    pub fn submitted(&self, receipt: &Receipt) {
        match (receipt.dry_run, receipt.duplicate) {
            (true, _) => 0,
            (false, true) => self.replayed.inc(),
            (false, false) => self.created.inc(),
        };
    }

    /// A batch was answered.
    pub fn entries(&self, entries: &[EntryAnswer]) {
        for entry in entries {
            match &entry.result {
                Ok(receipt) => self.submitted(receipt),
                Err(refusal) => {
                    self.entries_refused[refusal.code() as usize].inc();
                }
            }
        }
    }
}

/// Everything as OpenMetrics text.
///
/// # Errors
/// Never in practice: text is written to memory.
pub fn exposition(shared: &Shared) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode_registry(&mut text, &shared.metrics.registry)?;
    encode_registry(&mut text, &picture(shared))?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// What stands in the engine's picture and in the daemon at this instant.
fn picture(shared: &Shared) -> Registry {
    let mut registry = Registry::with_prefix("anteroom");
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "Of the program", Info::new(version));
    let uptime = Fraction::default();
    uptime.set(shared.started.elapsed().as_secs_f64());
    registry.register_with_unit("uptime", "Since the daemon serves", Unit::Seconds, uptime);
    let turns = Counter::<u64>::default();
    turns.inc_by(shared.progress.load(Ordering::Relaxed));
    registry.register("engine_turns", "Turns of the engine's loop", turns);
    let used = Gauge::<i64>::default();
    used.set(narrow(shared.budget.bytes_used() as u64));
    registry.register_with_unit(
        "bodies_in_flight",
        "What bodies hold of their budget",
        Unit::Bytes,
        used,
    );
    let budget = Gauge::<i64>::default();
    budget.set(narrow(shared.budget.bytes_max() as u64));
    registry.register_with_unit(
        "bodies_in_flight_max",
        "The budget of bodies",
        Unit::Bytes,
        budget,
    );
    notifications(shared, &mut registry);
    agents(shared, &mut registry);
    services(shared, &mut registry);
    registry
}

fn agents(shared: &Shared, registry: &mut Registry) {
    let states = Family::<Labels, Gauge>::default();
    let view = shared.engine.view();
    for agent in view.agents.values() {
        let tenant = view.tenants.get(&agent.tenant);
        let tenant = tenant.map(|tenant| tenant.name.to_string());
        let labels = vec![
            ("tenant", tenant.unwrap_or_default()),
            ("state", agent.state.name().to_owned()),
        ];
        states.get_or_create(&labels).inc();
    }
    registry.register("agents", "Agents, by state", states);
    let counted = shared.engine.live().offers();
    let offers = Family::<Labels, Counter>::default();
    for (result, count) in [
        ("accepted", counted.accepted),
        ("declined", counted.declined),
        ("noAnswer", counted.no_answer),
        ("rescinded", counted.rescinded),
    ] {
        let labels = vec![("result", result.to_owned())];
        offers.get_or_create(&labels).inc_by(count);
    }
    registry.register(
        "offers",
        "Offers that have ended, by how, one for each agent they rang at",
        offers,
    );
}

fn notifications(shared: &Shared, registry: &mut Registry) {
    let counted = (shared.notifications)();
    let results = Family::<Labels, Counter>::default();
    for (result, count) in [
        ("delivered", counted.delivered),
        ("failed", counted.failed),
        ("parked", counted.parked),
    ] {
        let labels = vec![("result", result.to_owned())];
        results.get_or_create(&labels).inc_by(count);
    }
    registry.register(
        "notifications",
        "Attempts to tell senders by result; the last one of a parked notification is failed too",
        results,
    );
    let in_flight = Gauge::<i64>::default();
    in_flight.set(narrow(counted.in_flight));
    registry.register(
        "notifications_in_flight",
        "Attempts to tell senders under way",
        in_flight,
    );
}

fn services(shared: &Shared, registry: &mut Registry) {
    let items = Family::<Labels, Gauge>::default();
    let open = Family::<Labels, Gauge>::default();
    let oldest = Family::<Labels, Fraction>::default();
    let fair_use = Family::<Labels, Gauge>::default();
    let view = shared.engine.view();
    for tenant in view.tenants.values() {
        let labels = vec![("tenant", tenant.name.to_string())];
        fair_use
            .get_or_create(&labels)
            .set(narrow(tenant.fair_use_taken));
    }
    let now = crate::engine::run::clock();
    for service in view.services.values() {
        let tenant = view.tenants.get(&service.tenant);
        let tenant = tenant.map(|tenant| tenant.name.to_string());
        let labels: Labels = vec![
            ("tenant", tenant.unwrap_or_default()),
            ("service", service.name.to_string()),
        ];
        let states = [
            ("queued", service.queued),
            ("buffered", service.buffered),
            ("scheduled", service.scheduled),
            ("inHand", service.in_hand),
        ];
        for (state, count) in states {
            let mut labels = labels.clone();
            labels.push(("state", state.to_owned()));
            items.get_or_create(&labels).set(narrow(count));
        }
        let is_open = service.entrance.reasons.is_empty();
        open.get_or_create(&labels).set(i64::from(is_open));
        let age_ms = service
            .oldest_received_at
            .map_or(0, |at| now.since_ms(at).max(0));
        oldest
            .get_or_create(&labels)
            .set(Duration::from_millis(age_ms.unsigned_abs()).as_secs_f64());
    }
    registry.register(
        "items",
        "Unfinished items, by state; those that agents have or have parked are in hand",
        items,
    );
    registry.register("entrance_open", "1: open, 0: closed", open);
    registry.register(
        "fair_use_items",
        "Open items past the buffer, by tenant",
        fair_use,
    );
    registry.register_with_unit(
        "oldest_item_age",
        "Age of the oldest waiting item",
        Unit::Seconds,
        oldest,
    );
}

fn narrow(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
