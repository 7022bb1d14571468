//! Where faults stand: paths while a message is read, lines and columns once something is wrong.

use crate::domain::code::Code;
use crate::domain::refusal::{PROBLEMS_MAX, Place, Problem};
use crate::wire::strict::fault::shown;

/// An element that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// As written, with its prefix only if it is in a foreign namespace.
    pub(super) name: &'a str,
    /// From 1 for an element of a list; 0: it does not repeat.
    pub(super) number: usize,
    /// Byte of the `<` of its start tag.
    pub(super) offset: usize,
    /// Text between its children was reported already.
    pub(super) text_reported: bool,
}

/// `/workItem/contactData/item[3]` and `suffix`.
pub(super) fn path(steps: &[Step<'_>], suffix: &str) -> String {
    let mut path = String::new();
    for step in steps {
        path.push('/');
        path.push_str(&shown(step.name));
        if step.number > 0 {
            path.push_str(&format!("[{}]", step.number));
        }
    }
    path.push_str(suffix);
    path
}

/// One thing that is wrong, before its line and column are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) path: String,
}

/// The first faults of a message or of one entry, in document order.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// By offset, then as found; no more than an answer lists, so that a message full of faults
    /// costs no more memory than one with a few.
    sorted: Vec<Fault>,
}

impl Faults {
    /// Whether a fault at `offset` would be listed.
    pub(super) fn has_room_at(&self, offset: usize) -> bool {
        self.sorted.len() <= PROBLEMS_MAX
            || self.sorted.last().is_some_and(|last| offset < last.offset)
    }

    pub(super) fn add(&mut self, fault: Fault) {
        let at = self
            .sorted
            .partition_point(|earlier| earlier.offset <= fault.offset);
        self.sorted.insert(at, fault);
        self.sorted.truncate(PROBLEMS_MAX + 1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The faults with their lines and columns.
    pub(super) fn into_problems(self, lines: &mut Lines<'_>) -> Vec<Problem> {
        let locate = |fault: Fault| {
            let (line, column) = lines.locate(fault.offset);
            let path = Some(fault.path);
            Problem {
                place: Some(Place { line, column, path }),
                ..Problem::new(fault.code, fault.message)
            }
        };
        self.sorted.into_iter().map(locate).collect()
    }
}

/// Counts lines and columns forward through the text, so that all the faults of a batch cost one
/// walk. Counts as [`crate::wire::error::position`] does.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Lines<'a> {
        Lines {
            text,
            at: 0,
            line: 1,
            column: 1,
        }
    }

    /// Line and column, from 1, of the byte `offset`, which begins a character.
    pub(super) fn locate(&mut self, offset: usize) -> (u32, u32) {
        if offset < self.at {
            *self = Lines::new(self.text);
        }
        let bytes = self.text.as_bytes();
        for (at, &byte) in bytes.iter().enumerate().take(offset).skip(self.at) {
            let ends_line = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            let begins_character = byte & 0xC0 != 0x80;
            if ends_line {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else if begins_character {
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = offset;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::error::position;
    use proptest::prelude::*;

    fn fault(offset: usize) -> Fault {
        Fault {
            offset,
            code: Code::SchemaInvalid,
            message: String::new(),
            path: String::new(),
        }
    }

    #[test]
    fn faults_found_late_are_listed_where_they_stand() {
        let mut faults = Faults::default();
        for offset in (0..100).rev() {
            if faults.has_room_at(offset) {
                faults.add(fault(offset));
            }
        }
        assert!(!faults.has_room_at(PROBLEMS_MAX + 1));
        assert!(faults.has_room_at(PROBLEMS_MAX - 1));
        let offsets: Vec<usize> = faults.sorted.iter().map(|fault| fault.offset).collect();
        assert_eq!(offsets, (0..=PROBLEMS_MAX).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn lines_are_counted_as_the_reader_counts_them(
            text in "[ab\r\nåé😀]{0,30}",
            jumps in prop::collection::vec(0..31_usize, 1..6),
        ) {
            let mut lines = Lines::new(&text);
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            for jump in jumps.iter().filter(|&&jump| jump < starts.len()) {
                let wanted = position(&text, starts[*jump]);
                prop_assert_eq!(lines.locate(starts[*jump]), (wanted.line, wanted.column));
            }
        }
    }
}
