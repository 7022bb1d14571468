//! The verbs without a content of their own: `cancel`, `query`, `queryServices`, `queryLimits`,
//! `ping`; and the address that `update`, `cancel` and `query` share.

use crate::domain::message::{Address, Cancel, Query};
use crate::wire::error::WireError;
use crate::wire::strict::{Attribute, StartTag};

use super::value;
use super::walk::{Walk, ours, plain};

/// `@id` or `@reference` as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Addressing {
    /// How many of the two are written.
    written: u8,
    address: Option<Address>,
}

impl Addressing {
    /// Takes an attribute that belongs to the address; false if it does not.
    pub(super) fn take<'a>(&mut self, walk: &mut Walk<'a>, attribute: &Attribute<'a>) -> bool {
        let address = match plain(attribute) {
            Some("id") => walk.attribute(attribute, value::item_id).map(Address::Id),
            Some("reference") => walk
                .attribute(attribute, value::reference)
                .map(Address::Reference),
            _ => return false,
        };
        self.written += 1;
        self.address = address.or(self.address.take());
        true
    }

    /// Rule 0: exactly one of the two.
    pub(super) fn required(self, walk: &mut Walk<'_>) -> Option<Address> {
        if self.written != 1 {
            walk.fault_here("", || "Say which item: give either id or reference.".into());
        }
        self.address
    }
}

pub(super) fn cancel<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
) -> Result<Option<Cancel>, WireError> {
    let mut addressing = Addressing::default();
    for attribute in &tag.attributes {
        if !addressing.take(walk, attribute) {
            walk.stray_attribute(attribute);
        }
    }
    let address = addressing.required(walk);
    let (mut reason, mut has_reason) = (None, false);
    while let Some(child) = walk.child()? {
        if ours(&child) != Some("reason") {
            walk.stray_element(&child)?;
        } else if std::mem::replace(&mut has_reason, true) {
            walk.repeated_element()?;
        } else {
            reason = walk.leaf(&child, value::reason)?;
        }
    }
    walk.leave();
    Ok(address.map(|address| Cancel { address, reason }))
}

pub(super) fn query<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
) -> Result<Option<Query>, WireError> {
    let mut addressing = Addressing::default();
    let (mut since, mut state, mut lists) = (None, None, false);
    for attribute in &tag.attributes {
        match plain(attribute) {
            Some("since") => {
                lists = true;
                since = walk.attribute(attribute, value::cursor);
            }
            Some("state") => {
                lists = true;
                state = walk.attribute(attribute, value::item_state);
            }
            _ if addressing.take(walk, attribute) => {}
            _ => walk.stray_attribute(attribute),
        }
    }
    let query = match addressing.written {
        0 => Some(Query::List { since, state }),
        _ => {
            if lists {
                walk.fault_here("", || {
                    "Ask for one item by id or reference, or for the list by since and state, \
                     not both."
                        .into()
                });
            }
            addressing.required(walk).map(Query::One)
        }
    };
    walk.rest(value::nothing)?;
    Ok(query)
}

pub(super) fn query_services<'a>(
    walk: &mut Walk<'a>,
    tag: &StartTag<'a>,
) -> Result<Option<String>, WireError> {
    let mut service = None;
    for attribute in &tag.attributes {
        match plain(attribute) {
            Some("service") => service = walk.attribute(attribute, value::service_name),
            _ => walk.stray_attribute(attribute),
        }
    }
    walk.rest(value::nothing)?;
    Ok(service)
}

/// An element without attributes and content.
pub(super) fn bare<'a>(walk: &mut Walk<'a>, tag: &StartTag<'a>) -> Result<(), WireError> {
    walk.leaf(tag, value::nothing)?;
    Ok(())
}
