//! The semantic rules about contact data, as pure functions: `wire` adds the places in the message,
//! the engine applies them to what an update leaves.

use super::code::Code;
use super::content::ContactDatum;
use super::policy::{CONTACT_DATA_BYTES_MAX, ServicePolicy};
use super::refusal::Problem;

/// Keys in the contact data of one item.
pub const CONTACT_DATA_ITEMS_MAX: usize = 50;

/// A rule that contact data breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFault {
    /// Which of the data, from 0; `None`: the contact data as a whole.
    pub index: Option<usize>,
    /// What is wrong. Names keys and limits, never values.
    pub problem: Problem,
}

impl ContactFault {
    fn new(index: Option<usize>, code: Code, message: String) -> ContactFault {
        ContactFault {
            index,
            problem: Problem::new(code, message),
        }
    }
}

/// Rule 2: the work item key has a value with a character that is not white space.
pub fn is_work_item(data: &[ContactDatum], work_item_key: &str) -> bool {
    data.iter().any(|datum| {
        datum.key == work_item_key && datum.value.chars().any(|char| !char.is_whitespace())
    })
}

/// Rules 3 (declared keys) and 8 (size), for contact data as a whole: `whole` is false for the
/// data of an update by itself, in which nothing need be there.
pub fn check_contact_data(
    data: &[ContactDatum],
    service: &ServicePolicy,
    work_item_key: &str,
    whole: bool,
) -> Vec<ContactFault> {
    let mut faults = Vec::new();
    for (index, datum) in data.iter().enumerate() {
        faults.extend(key_fault(index, datum, service, work_item_key));
    }
    let missing = service.contact_data.iter().filter(|declared| {
        whole && declared.required && !data.iter().any(|datum| datum.key == declared.key)
    });
    for declared in missing {
        let message = format!(
            "Service {} needs the contact data key {}: add an item with that key.",
            service.name, declared.key
        );
        faults.push(ContactFault::new(None, Code::MissingKey, message));
    }
    faults.extend(size_fault(data));
    faults
}

fn key_fault(
    index: usize,
    datum: &ContactDatum,
    service: &ServicePolicy,
    work_item_key: &str,
) -> Option<ContactFault> {
    let declared = service
        .contact_data
        .iter()
        .find(|declared| declared.key == datum.key);
    match declared {
        None if service.contact_data.is_empty() || datum.key == work_item_key => None,
        None => {
            let message = format!(
                "Service {} does not know the contact data key {}: use one that it declares.",
                service.name, datum.key
            );
            Some(ContactFault::new(Some(index), Code::UnknownKey, message))
        }
        Some(declared) if declared.values.is_empty() || declared.values.contains(&datum.value) => {
            None
        }
        Some(declared) => {
            let message = format!(
                "The value of contact data key {} is not one of: {}.",
                datum.key,
                declared.values.join(", ")
            );
            Some(ContactFault::new(Some(index), Code::ValueNotInSet, message))
        }
    }
}

/// Rule 8: keys and values in UTF-8 are at most 32,768 bytes.
pub fn size_fault(data: &[ContactDatum]) -> Option<ContactFault> {
    let bytes: u64 = data
        .iter()
        .map(|datum| (datum.key.len() + datum.value.len()) as u64)
        .sum();
    (bytes > CONTACT_DATA_BYTES_MAX).then(|| {
        let message = format!(
            "The contact data has {bytes} bytes of keys and values, {CONTACT_DATA_BYTES_MAX} are \
             allowed: move long texts to the description or an attachment."
        );
        ContactFault::new(None, Code::ContactDataTooLarge, message)
    })
}
