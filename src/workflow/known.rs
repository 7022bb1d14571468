//! What a workflow may name outside itself.

use std::collections::BTreeSet;

/// The names around a workflow. `None`: not known here, so any name goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Services of the tenant.
    pub services: Option<BTreeSet<String>>,
    /// Keys of the contact data that the service declares; `None` too where it declares none.
    pub keys: Option<BTreeSet<String>>,
    /// Users who are agents.
    pub agents: Option<BTreeSet<String>>,
    /// Work groups.
    pub groups: Option<BTreeSet<String>>,
    /// Workflows of the tenant, this one included.
    pub workflows: Option<BTreeSet<String>>,
}

impl Known {
    /// Nothing is known: only what stands in the file itself is judged.
    pub fn anything() -> Known {
        Known::default()
    }
}

/// Whether `name` is among `names`, or they are not known.
pub(super) fn has(names: Option<&BTreeSet<String>>, name: &str) -> bool {
    names.is_none_or(|names| names.contains(name))
}
