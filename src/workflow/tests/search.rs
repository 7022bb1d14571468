//! The checker against a search that knows nothing of it: every way through a generated workflow
//! is walked, and what is found must be what the checker says, stage by stage.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::generator::{BESIDE, GOTO, Plan, Step, goes_on, plans};
use super::{Known, Rule, load};

/// Where a step can lead: to the beginning of a stage, or on.
struct Ways {
    stages: Vec<usize>,
    on: bool,
    pauses: bool,
}

fn ways(step: &Step) -> Ways {
    let (stages, pauses) = match step {
        Step::Plain(_) | Step::End(_) => (Vec::new(), false),
        Step::Pause(_) => (Vec::new(), true),
        Step::Goto(to) => (vec![GOTO + to], false),
        Step::Choice(choice) => {
            let exits = choice.exits.iter().filter_map(|(_, to)| *to);
            let all = exits.chain(choice.aside.map(|(_, to)| to));
            (all.map(|to| GOTO + to).collect(), choice.pauses)
        }
    };
    Ways {
        stages,
        on: goes_on(step),
        pauses,
    }
}

/// Everything that can be walked from the places in `open`.
fn walk(
    plan: &Plan,
    mut open: Vec<(usize, usize)>,
    through_pauses: bool,
) -> BTreeSet<(usize, usize)> {
    let mut seen = BTreeSet::new();
    while let Some((stage, index)) = open.pop() {
        if !seen.insert((stage, index)) {
            continue;
        }
        let Some(step) = plan.stages[stage].get(index) else {
            continue;
        };
        let ways = ways(step);
        if ways.pauses && !through_pauses {
            continue;
        }
        open.extend(ways.stages.into_iter().map(|to| (to, 0)));
        if ways.on {
            open.push((stage, index + 1));
        }
    }
    seen
}

/// The stages that really have the fault.
fn found(plan: &Plan, rule: Rule) -> BTreeSet<usize> {
    let all = 0..plan.stages.len();
    // One stage alone: where its own legs come to.
    let own = |stage: usize| {
        let seen = walk(plan, vec![(stage, 0)], true);
        let indices = seen.into_iter().filter(move |(at, _)| *at == stage);
        indices.map(|(_, index)| index).max().unwrap_or(0)
    };
    let length = |stage: usize| plan.stages[stage].len();
    match rule {
        Rule::UnlinkedEnd => all
            .filter(|stage| *stage != BESIDE && own(*stage) == length(*stage))
            .collect(),
        Rule::AfterLeaving => all
            .filter(|stage| own(*stage) + 1 < length(*stage))
            .collect(),
        Rule::Unreachable => {
            let seen = walk(plan, (0..GOTO).map(|stage| (stage, 0)).collect(), true);
            all.filter(|stage| !seen.contains(&(*stage, 0))).collect()
        }
        Rule::CycleWithoutPause => all
            .filter(|stage| {
                let next = plan.stages[*stage].iter();
                // One step further, so that the beginning counts only when it is come back to.
                let mut after = Vec::new();
                for step in next {
                    let ways = ways(step);
                    if ways.pauses {
                        break;
                    }
                    after.extend(ways.stages.into_iter().map(|to| (to, 0)));
                    if !ways.on {
                        break;
                    }
                }
                walk(plan, after, false).contains(&(*stage, 0))
            })
            .collect(),
        _ => unreachable!("no other rule is searched for"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_checker_says_what_a_search_finds(plan in plans()) {
        let source = plan.source();
        let faults = load(&source, &Known::anything()).err().unwrap_or_default();
        let searched = [
            Rule::UnlinkedEnd,
            Rule::AfterLeaving,
            Rule::Unreachable,
            Rule::CycleWithoutPause,
        ];
        for rule in searched {
            let of_rule = faults.iter().filter(|fault| fault.rule == rule);
            let said: BTreeSet<usize> = of_rule.map(|fault| fault.line as usize - 2).collect();
            let found = found(&plan, rule);
            if rule == Rule::CycleWithoutPause {
                // Each cycle is said once, not at each of its stages.
                prop_assert!(said.is_subset(&found), "{source}\n{faults:?}");
                prop_assert_eq!(said.is_empty(), found.is_empty(), "{}\n{:?}", source, faults);
            } else {
                prop_assert_eq!(&said, &found, "{}: {}\n{:?}", rule.word(), source, faults);
            }
        }
        prop_assert!(faults.iter().all(|fault| searched.contains(&fault.rule)), "{:?}", faults);
    }
}
