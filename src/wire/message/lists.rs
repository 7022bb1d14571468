//! The lists of a `workItem` or `update`: preferred agents, skills, links, tags, contact data.

use crate::domain::content::{ContactDatum, Link, PreferredAgent, PreferredAgents};
use crate::domain::content::{Customer, SkillRequirement};
use crate::domain::rules::CONTACT_DATA_ITEMS_MAX;
use crate::wire::error::WireError;
use crate::wire::strict::StartTag;

use super::parts::Spot;
use super::value;
use super::walk::{Walk, ours, plain};

const PREFERRED_AGENTS_MAX: usize = 10;
const SKILLS_MAX: usize = 10;
const LINKS_MAX: usize = 10;
const TAGS_MAX: usize = 20;

/// Reads and leaves a list of elements called `name`; `read` reads and leaves one of them.
pub(super) fn list<'a>(
    walk: &mut Walk<'a>,
    name: &str,
    max: usize,
    mut read: impl FnMut(&mut Walk<'a>, StartTag<'a>, usize) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut count = 0;
    while let Some(tag) = walk.child()? {
        if ours(&tag) != Some(name) {
            walk.stray_element(&tag)?;
            continue;
        }
        count += 1;
        walk.number(count);
        if count <= max {
            read(walk, tag, count)?;
            continue;
        }
        // One fault says it all; what stands beyond the limit is not looked at.
        if count == max + 1 {
            walk.fault_here("", || {
                format!("At most {max} {name} elements may stand here.")
            });
        }
        walk.skip()?;
    }
    walk.leave();
    Ok(())
}

pub(super) fn customer<'a>(walk: &mut Walk<'a>, tag: &StartTag<'a>) -> Result<Customer, WireError> {
    let mut customer = Customer::default();
    for attribute in &tag.attributes {
        match plain(attribute) {
            Some("id") => customer.id = walk.attribute(attribute, value::reference),
            _ => walk.stray_attribute(attribute),
        }
    }
    let mut seen = [false; 4];
    while let Some(child) = walk.child()? {
        let field = match ours(&child) {
            Some("name") => 0,
            Some("company") => 1,
            Some("phone") => 2,
            Some("email") => 3,
            _ => {
                walk.stray_element(&child)?;
                continue;
            }
        };
        if std::mem::replace(&mut seen[field], true) {
            walk.repeated_element()?;
            continue;
        }
        match field {
            0 => customer.name = walk.leaf(&child, value::customer_name)?,
            1 => customer.company = walk.leaf(&child, value::customer_name)?,
            2 => customer.phone = walk.leaf(&child, value::phone)?,
            _ => customer.email = walk.leaf(&child, value::email)?,
        }
    }
    walk.leave();
    Ok(customer)
}

pub(super) fn preferred_agents<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
    spots: &mut Vec<Spot>,
) -> Result<PreferredAgents, WireError> {
    let mut preferred = PreferredAgents::default();
    for attribute in &tag.attributes {
        match plain(attribute) {
            Some("required") => {
                preferred.required = walk
                    .attribute(attribute, value::boolean)
                    .unwrap_or_default();
            }
            _ => walk.stray_attribute(attribute),
        }
    }
    list(walk, "agent", PREFERRED_AGENTS_MAX, |walk, tag, number| {
        let mut rank = 1;
        for attribute in &tag.attributes {
            match plain(attribute) {
                Some("rank") => rank = walk.attribute(attribute, value::rank).unwrap_or(rank),
                _ => walk.stray_attribute(attribute),
            }
        }
        if let Some(name) = walk.rest(value::label)? {
            spots.push(Spot {
                number,
                offset: tag.offset,
            });
            preferred.agents.push(PreferredAgent { name, rank });
        }
        Ok(())
    })?;
    Ok(preferred)
}

pub(super) fn skills<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
) -> Result<Vec<SkillRequirement>, WireError> {
    let mut skills = Vec::new();
    walk.no_attributes(tag);
    list(walk, "skill", SKILLS_MAX, |walk, tag, _| {
        let (mut level, mut optional) = (1, false);
        for attribute in &tag.attributes {
            match plain(attribute) {
                Some("level") => level = walk.attribute(attribute, value::level).unwrap_or(level),
                Some("optional") => {
                    optional = walk
                        .attribute(attribute, value::boolean)
                        .unwrap_or(optional);
                }
                _ => walk.stray_attribute(attribute),
            }
        }
        if let Some(name) = walk.rest(value::label)? {
            skills.push(SkillRequirement {
                name,
                level,
                optional,
            });
        }
        Ok(())
    })?;
    Ok(skills)
}

pub(super) fn links<'a>(walk: &mut Walk<'a>, tag: &StartTag<'a>) -> Result<Vec<Link>, WireError> {
    let mut links = Vec::new();
    walk.no_attributes(tag);
    list(walk, "link", LINKS_MAX, |walk, tag, _| {
        let (mut name, mut href) = (None, None);
        let (mut has_name, mut has_href) = (false, false);
        for attribute in &tag.attributes {
            match plain(attribute) {
                Some("name") => {
                    has_name = true;
                    name = walk.attribute(attribute, value::link_name);
                }
                Some("href") => {
                    has_href = true;
                    href = walk.attribute(attribute, value::href);
                }
                _ => walk.stray_attribute(attribute),
            }
        }
        for (written, missing) in [(has_name, "name"), (has_href, "href")] {
            if !written {
                walk.missing_attribute(missing);
            }
        }
        walk.rest(value::nothing)?;
        links.extend(name.zip(href).map(|(name, href)| Link { name, href }));
        Ok(())
    })?;
    Ok(links)
}

pub(super) fn tags<'a>(walk: &mut Walk<'a>, tag: &StartTag<'a>) -> Result<Vec<String>, WireError> {
    let mut tags = Vec::new();
    walk.no_attributes(tag);
    list(walk, "tag", TAGS_MAX, |walk, tag, _| {
        tags.extend(walk.leaf(&tag, value::label)?);
        Ok(())
    })?;
    Ok(tags)
}

pub(super) fn contact_data<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
    spots: &mut Vec<Spot>,
) -> Result<Vec<ContactDatum>, WireError> {
    let mut data: Vec<ContactDatum> = Vec::new();
    walk.no_attributes(tag);
    list(walk, "item", CONTACT_DATA_ITEMS_MAX, |walk, tag, number| {
        let (mut key, mut has_key) = (None, false);
        for attribute in &tag.attributes {
            match plain(attribute) {
                Some("key") => {
                    has_key = true;
                    key = walk.attribute(attribute, value::key);
                }
                _ => walk.stray_attribute(attribute),
            }
        }
        if !has_key {
            walk.missing_attribute("key");
        }
        if let Some(key) = &key
            && data.iter().any(|datum| datum.key == *key)
        {
            walk.fault_here("/@key", || {
                format!("Remove one: the key {key} stands here already.")
            });
        }
        let value = walk.text()?;
        if let Err(shape) = value::contact_data_value(&value) {
            walk.misshapen(shape);
        }
        walk.leave();
        if let Some(key) = key {
            // A faulty value counts as given too, so that the rules do not call its key missing.
            spots.push(Spot {
                number,
                offset: tag.offset,
            });
            data.push(ContactDatum {
                key,
                value: value.into_owned(),
            });
        }
        Ok(())
    })?;
    Ok(data)
}
