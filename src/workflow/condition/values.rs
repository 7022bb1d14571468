//! The facts as conditions see them: texts that are absent are absent here too, so that `has()`
//! tells; times are seconds since 1970.

use std::collections::HashMap;

use cel::Value;

use crate::domain::content::Customer;
use crate::domain::facts::{Facts, LocalTime, ServiceFacts};
use crate::domain::time::Timestamp;

use super::map;
use super::names::Variable;

/// The value of a variable.
pub(super) fn of(variable: Variable, facts: &Facts) -> Value {
    match variable {
        Variable::Item => item(facts),
        Variable::Data => data(facts),
        Variable::Service => service(&facts.service),
        Variable::Time => time(facts.local),
        Variable::Position => count(facts.position.unwrap_or(0)),
        Variable::Waited => Value::Int(facts.waited_ms / 1_000),
        Variable::Attempts => Value::Int(i64::from(facts.attempts)),
        Variable::OpenAlerts => Value::Int(i64::from(facts.open_alerts)),
        Variable::Woken => Value::from(facts.woken),
        Variable::Now => seconds(facts.now),
    }
}

fn item(facts: &Facts) -> Value {
    let texts = &facts.texts;
    map([
        ("reference", Some(Value::from(texts.reference.as_str()))),
        ("title", text(&texts.title)),
        ("taskType", text(&texts.task_type)),
        ("origin", text(&texts.origin)),
        ("tags", Some(Value::from(texts.tags.clone()))),
        ("priority", Some(Value::Int(i64::from(facts.priority)))),
        ("chargeable", Some(Value::Bool(facts.chargeable))),
        ("state", Some(Value::from(facts.state))),
        ("result", text(&facts.result)),
        ("receivedAt", Some(seconds(facts.received_at))),
        ("dueBy", facts.due_by.map(seconds)),
        ("customer", Some(customer(&texts.customer))),
    ])
}

fn customer(customer: &Customer) -> Value {
    map([
        ("id", text(&customer.id)),
        ("name", text(&customer.name)),
        ("company", text(&customer.company)),
        ("phone", text(&customer.phone)),
        ("email", text(&customer.email)),
    ])
}

fn data(facts: &Facts) -> Value {
    let data = facts.texts.contact_data.iter();
    let pairs = data.map(|datum| (datum.key.as_str(), Value::from(datum.value.as_str())));
    Value::from(pairs.collect::<HashMap<&str, Value>>())
}

fn service(service: &ServiceFacts) -> Value {
    map([
        ("name", Some(Value::from(service.name.as_str()))),
        ("open", Some(Value::Bool(service.open))),
        ("queued", Some(count(service.queued))),
        ("buffered", Some(count(service.buffered))),
        ("available", Some(count(service.available))),
        ("signedIn", Some(count(service.signed_in))),
    ])
}

fn time(local: LocalTime) -> Value {
    let small = |value: u8| Some(Value::Int(i64::from(value)));
    let LocalTime {
        year,
        month,
        day,
        hour,
        minute,
        weekday,
    } = local;
    map([
        ("hour", small(hour)),
        ("minute", small(minute)),
        ("weekday", small(weekday)),
        ("day", small(day)),
        ("month", small(month)),
        ("year", Some(Value::Int(i64::from(year)))),
        ("text", Some(Value::from(format!("{hour:02}:{minute:02}")))),
        (
            "date",
            Some(Value::from(format!("{year:04}-{month:02}-{day:02}"))),
        ),
    ])
}

fn text(text: &Option<String>) -> Option<Value> {
    text.as_deref().map(Value::from)
}

fn count(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn seconds(instant: Timestamp) -> Value {
    Value::Int(instant.0.div_euclid(1_000))
}
