//! The known word nearest to a mistyped one.

/// Characters of a word beyond which it is no slip of anything.
const WORD_CHARS_MAX: usize = 64;

/// Most edits between a word and the one it was meant to be: a third of its length, rounded.
fn edits_max(word: &str) -> usize {
    (word.chars().count() + 1) / 3
}

/// The candidate with the fewest edits from `word`, if it is near enough to be a slip; the first
/// among equals.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.chars().count() > WORD_CHARS_MAX {
        return None;
    }
    let wanted = word.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| {
            let folded = candidate.to_lowercase().replace('-', "_");
            (edits(&wanted, &folded), candidate)
        })
        .filter(|(distance, _)| *distance <= edits_max(word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, &left) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &right) in to.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0
                && column > 0
                && left == to[column - 1]
                && from[row - 1] == right
                && left != right;
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_word_that_was_meant() {
        let known = ["hours", "priority", "queue_items_max", "buffer_items_max"];
        assert_eq!(nearest("hour", known), Some("hours"));
        assert_eq!(nearest("prioirty", known), Some("priority"));
        assert_eq!(nearest("queue-items-max", known), Some("queue_items_max"));
        assert_eq!(nearest("Hours", known), Some("hours"));
        assert_eq!(nearest("lones", ["claims", "loans"]), Some("loans"));
    }

    #[test]
    fn strange_words_find_nothing() {
        assert_eq!(nearest("x", ["a"]), None);
        assert_eq!(nearest("colour", ["hours", "priority"]), None);
        assert_eq!(nearest("x", ["data"]), None);
        assert_eq!(nearest("hours", []), None);
    }

    #[test]
    fn very_long_words_are_not_compared() {
        let known = "n".repeat(WORD_CHARS_MAX + 1);
        assert_eq!(nearest(&known[1..], [known.as_str()]), Some(known.as_str()));
        assert_eq!(nearest(&known, [known.as_str()]), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        assert_eq!(edits("ab", "ba"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("title", "title"), 0);
    }
}
