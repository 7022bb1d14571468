//! What was validated: how the items of a service find their agents. Each value is judged where it
//! stands, and all of them together by the domain ([`DistributionPolicy::check`]).

use std::collections::BTreeSet;

use super::kind::{Kind, List, OneOf};
use super::number::Duration;
use super::problem::ConfigError;
use super::section::{Found, Section};
use super::source::Place;
use super::tenants::{LIST_MAX, SERVICE_NAME};
use crate::domain::agent::{Presence, SelectableBy, Selection};
use crate::domain::distribution::{
    DISTRIBUTION_TIME_MAX_MS, DistributionFault, DistributionLevel, DistributionPolicy, LEVELS_MAX,
    Mode, OFFER_TIMEOUT_MAX_MS, OFFER_TIMEOUT_MIN_MS, SkillsAsked,
};

/// Wrap-up, waits and levels.
pub const DISTRIBUTION_TIME: Duration = Duration {
    min_ms: 0,
    max_ms: DISTRIBUTION_TIME_MAX_MS,
};

const OFFER_TIMEOUT: Duration = Duration {
    min_ms: OFFER_TIMEOUT_MIN_MS,
    max_ms: OFFER_TIMEOUT_MAX_MS,
};

const LEVELS: &str = "levels";

const MODES: OneOf<Mode> = OneOf {
    words: &[
        (Mode::Direct.name(), Mode::Direct),
        (Mode::Broadcast.name(), Mode::Broadcast),
        (Mode::Pickup.name(), Mode::Pickup),
    ],
};

const SKILLS: OneOf<SkillsAsked> = OneOf {
    words: &[
        (SkillsAsked::All.name(), SkillsAsked::All),
        (SkillsAsked::Required.name(), SkillsAsked::Required),
    ],
};

const SELECTABLE_BY: OneOf<SelectableBy> = OneOf {
    words: &[
        (SelectableBy::Active.name(), SelectableBy::Active),
        (SelectableBy::Duty.name(), SelectableBy::Duty),
    ],
};

/// Offline is not among them: nobody is there to hear it ring.
const OFFER_WHEN: OneOf<Presence> = OneOf {
    words: &[
        (Presence::Online.name(), Presence::Online),
        (Presence::Busy.name(), Presence::Busy),
        (Presence::Away.name(), Presence::Away),
    ],
};

/// Reads the keys of the service `name` that say who gets its items; `services` are the names of
/// all services of its tenant.
pub fn read_distribution(
    section: &mut Section<'_, '_>,
    name: &str,
    services: &BTreeSet<String>,
) -> DistributionPolicy {
    let default = DistributionPolicy::default();
    let time = DISTRIBUTION_TIME;
    let mode = section.or("mode", &MODES, default.mode).value;
    let (levels, places) = read_levels(section, name, services);
    let selectable_by = section.or(
        "selectable_by",
        &SELECTABLE_BY,
        default.selection.selectable_by,
    );
    let selection = Selection {
        selectable_by: selectable_by.value,
        offer_when: read_offer_when(section, default.selection.offer_when),
    };
    let policy = DistributionPolicy {
        mode,
        levels,
        selection,
        offer_timeout_ms: section
            .or("offer_timeout", &OFFER_TIMEOUT, default.offer_timeout_ms)
            .value,
        preferred_wait_ms: section
            .or("preferred_wait", &time, default.preferred_wait_ms)
            .value,
        wrap_up_ms: section.or("wrap_up", &time, default.wrap_up_ms).value,
        wrap_up_extension_ms: section
            .optional("wrap_up_extension", &time)
            .map(|found| found.value),
        no_answer_reset_ms: section
            .optional("no_answer_reset", &time)
            .map(|found| found.value),
    };
    if let Err(fault) = policy.check() {
        let (key, place) = match &fault {
            DistributionFault::LevelOrder(number) => (
                format!("{LEVELS}[{number}].after"),
                places[number - 1].clone(),
            ),
            DistributionFault::Levels => written(section, LEVELS),
            DistributionFault::OfferTimeout => written(section, "offer_timeout"),
            DistributionFault::NoPresence => written(section, "offer_when"),
            DistributionFault::Time(key) => written(section, key),
        };
        section.refuse(&key, place, ConfigError::Invalid(fault.to_string()));
    }
    policy
}

fn written(section: &Section<'_, '_>, key: &str) -> (String, Option<Place>) {
    (key.to_owned(), section.place_of(key))
}

fn read_offer_when(
    section: &mut Section<'_, '_>,
    default: BTreeSet<Presence>,
) -> BTreeSet<Presence> {
    const KEY: &str = "offer_when";
    let kind = List {
        of: OFFER_WHEN,
        min: 1,
        max: OFFER_WHEN.words.len(),
        bare: false,
    };
    let found = section.read(KEY, &kind);
    let place = found.as_ref().and_then(|found| found.place.clone());
    let presences: BTreeSet<Presence> = match found {
        Some(found) => found.value.into_iter().map(|(value, _)| value).collect(),
        None => default,
    };
    let shown = presences.iter().map(|presence| text(presence.name()));
    section.record(KEY, toml::Value::Array(shown.collect()), place.as_ref());
    presences
}

/// The levels and where each begins; the default ones where none are written or one is faulty.
fn read_levels(
    section: &mut Section<'_, '_>,
    name: &str,
    services: &BTreeSet<String>,
) -> (Vec<DistributionLevel>, Vec<Option<Place>>) {
    let tables = section.elements(LEVELS, 1..=LEVELS_MAX);
    let mut levels = Vec::new();
    let mut places = Vec::new();
    let mut asked = SkillsAsked::default();
    for (index, table) in tables.iter().enumerate() {
        let mut element = section.element(LEVELS, index, table);
        let after = element.required("after", &DISTRIBUTION_TIME);
        asked = read_skills(&mut element, asked);
        let services_too = read_services_too(&mut element, name, services);
        element.finish();
        if let Some(Found { value, place }) = after {
            places.push(place);
            levels.push(DistributionLevel {
                after_ms: value,
                skills: asked,
                services_too,
            });
        }
    }
    if levels.is_empty() || levels.len() < tables.len() {
        levels = DistributionPolicy::default().levels;
        places = vec![None; levels.len()];
    }
    let shown = levels.iter().map(show_level).collect();
    let place = section.place_of(LEVELS);
    section.record(LEVELS, toml::Value::Array(shown), place.as_ref());
    (levels, places)
}

/// Which skills the level asks for. Levels only widen: one that says nothing asks what the one
/// before it asked.
fn read_skills(element: &mut Section<'_, '_>, before: SkillsAsked) -> SkillsAsked {
    let found = element.or("skills", &SKILLS, before);
    if (before, found.value) == (SkillsAsked::Required, SkillsAsked::All) {
        let text = "levels only widen: one before it asks for the required skills alone, and so \
                    does this one";
        element.warn("skills", found.place, text.to_owned());
        return before;
    }
    found.value
}

fn read_services_too(
    element: &mut Section<'_, '_>,
    own: &str,
    services: &BTreeSet<String>,
) -> Vec<String> {
    const KEY: &str = "services_too";
    let kind = List {
        of: SERVICE_NAME,
        min: 1,
        max: LIST_MAX,
        bare: false,
    };
    let mut too = Vec::new();
    for (name, place) in element.listed(KEY, &kind).unwrap_or_default() {
        if name == own {
            let what = format!("`{name}` is the service itself: name others of its tenant");
            element.refuse(KEY, Some(place), ConfigError::Invalid(what));
            continue;
        }
        let others = services.iter().map(String::as_str).filter(|it| *it != own);
        element.refuse_unknown(KEY, ("service", &name), Some(place), others);
        too.push(name);
    }
    too
}

fn show_level(level: &DistributionLevel) -> toml::Value {
    let mut table = toml::Table::from_iter([
        ("after".to_owned(), DISTRIBUTION_TIME.show(&level.after_ms)),
        ("skills".to_owned(), SKILLS.show(&level.skills)),
    ]);
    if !level.services_too.is_empty() {
        let names = level.services_too.iter().map(|name| text(name)).collect();
        table.insert("services_too".to_owned(), toml::Value::Array(names));
    }
    toml::Value::Table(table)
}

fn text(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}
