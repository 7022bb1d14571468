//! The lines of an iCalendar file, unfolded, each knowing where it stood on disk.
//!
//! Source: RFC 5545, section 3.1. The parser's own unfolding forgets the numbers of lines.

use super::CalendarError;

/// `VCALENDAR` holds `VTIMEZONE` holds `STANDARD`; nothing in a file of holidays is deeper. The
/// parser recurses, so the depth is bounded before it starts.
pub(super) const DEPTH_MAX: usize = 4;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The file with folded lines joined and blank lines left out, knowing where each line was.
pub(super) struct Lines {
    /// Lines end in CR LF throughout: at a lone LF the parser would search to the end of the file
    /// for a CR LF, and where both occur it would swallow lines.
    text: String,
    /// Bytes of `text` before each of its lines, with that line's number in the file.
    starts: Vec<(usize, usize)>,
}

impl Lines {
    /// Reads the lines of `file`.
    ///
    /// # Errors
    /// With the line that is not UTF-8, not text, or too deeply nested.
    pub(super) fn unfold(file: &[u8]) -> Result<Lines, CalendarError> {
        let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
        let mut lines = Lines {
            text: String::with_capacity(file.len() + 2),
            starts: Vec::new(),
        };
        for (index, bytes) in file.split(|byte| *byte == b'\n').enumerate() {
            let refuse = |reason| {
                Err(CalendarError::Holidays {
                    line: index + 1,
                    reason,
                })
            };
            let Ok(line) = std::str::from_utf8(bytes.strip_suffix(b"\r").unwrap_or(bytes)) else {
                return refuse("not UTF-8: save the file as UTF-8");
            };
            if line.contains(|found: char| found.is_control() && found != '\t') {
                return refuse("a control character: save the file as plain text");
            }
            if let Some(more) = line.strip_prefix([' ', '\t']) {
                lines.join(more);
                continue;
            }
            if line.is_empty() {
                continue;
            }
            lines.starts.push((lines.text.len(), index + 1));
            lines.text.push_str(line);
            lines.text.push_str("\r\n");
        }
        lines.check_depth()?;
        Ok(lines)
    }

    /// Looks at unfolded lines, so that a folded `BEGIN` counts too.
    fn check_depth(&self) -> Result<(), CalendarError> {
        let mut depth = 0_usize;
        for line in self.text.lines() {
            depth = match line.split_once(':') {
                Some((name, _)) if is_named(name, "BEGIN") => depth + 1,
                Some((name, _)) if is_named(name, "END") => depth.saturating_sub(1),
                Some(_) | None => depth,
            };
            if depth > DEPTH_MAX {
                return self.refuse(
                    line,
                    "too deeply nested: a calendar of holidays holds events only",
                );
            }
        }
        Ok(())
    }

    /// The unfolded text, which the slices given to `line_of` and `refuse` are parts of.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Continues the last line, as a line that begins with a blank does.
    fn join(&mut self, more: &str) {
        if self.starts.is_empty() {
            return;
        }
        self.text.truncate(self.text.len() - 2);
        self.text.push_str(more);
        self.text.push_str("\r\n");
    }

    /// The line in the file of `part`, a slice of `text` as the parser hands them out.
    pub(super) fn line_of(&self, part: &str) -> usize {
        let offset = part
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        let after = self.starts.partition_point(|(start, _)| *start <= offset);
        after
            .checked_sub(1)
            .and_then(|at| self.starts.get(at))
            .map_or(1, |(_, line)| *line)
    }

    /// A refusal at the line of `part`.
    ///
    /// # Errors
    /// Always: it is written to be returned.
    pub(super) fn refuse<T>(&self, part: &str, reason: &'static str) -> Result<T, CalendarError> {
        Err(CalendarError::Holidays {
            line: self.line_of(part),
            reason,
        })
    }
}

/// Whether a name of iCalendar is `wanted`: their case is free.
pub(super) fn is_named(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}
