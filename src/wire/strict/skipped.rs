//! What is checked and then skipped: comments and processing instructions.
//!
//! Source: XML 1.0 (5th ed.), 2.5 and 2.6; Namespaces in XML 1.0 (3rd ed.), 7 (targets have no
//! colon).

use super::character::is_space;
use super::fault::Fault;
use super::name::ncname_end;

/// Checks the comment from `<!--` at byte `start` to the byte `end` after its `-->`.
///
/// # Errors
/// A malformed fault at the `--` that does not end it.
pub(super) fn check_comment(text: &str, start: usize, end: usize) -> Result<(), Fault> {
    let first = start + "<!--".len();
    let content = &text.as_bytes()[first..end - "-->".len()];
    let double = content.windows(2).position(|pair| pair == b"--");
    let before_end = || (content.last() == Some(&b'-')).then(|| content.len() - 1);
    match double.or_else(before_end) {
        Some(at) => {
            let message = "Write a single - in the comment: -- may only end it.";
            Err(Fault::malformed(first + at, message))
        }
        None => Ok(()),
    }
}

/// Checks the processing instruction from `<?` at byte `start` to the byte `end` after its `?>`.
///
/// # Errors
/// A malformed fault at `start` for a target that is no name, has a colon, or is called xml.
pub(super) fn check_instruction(text: &str, start: usize, end: usize) -> Result<(), Fault> {
    let content_end = end - "?>".len();
    let target_end = ncname_end(text, start + "<?".len());
    let target = &text[start + "<?".len()..target_end];
    let is_parted = target_end == content_end || is_space(text.as_bytes()[target_end]);
    if target.is_empty() || !is_parted {
        let message = "Give the processing instruction a name without colons, then a space.";
        return Err(Fault::malformed(start, message));
    }
    if target.eq_ignore_ascii_case("xml") {
        let message = "Remove the processing instruction: none may be called xml, in any case.";
        return Err(Fault::malformed(start, message));
    }
    Ok(())
}
