//! The stages of a workflow as rows of a table.

use super::graph::{Edge, Graph, Node, Target, graph};
use crate::domain::workflow::{StageNumber, Workflow};

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub number: StageNumber,
    /// What begins it, in words.
    pub event: String,
    /// What it does, in words, action by action.
    pub actions: Vec<String>,
    /// Where its exits lead, each once: `2 work (open)`, `the workflow ends`.
    pub leads: Vec<String>,
}

/// The rows of a workflow, in the order of its stages.
pub fn table(workflow: &Workflow) -> Vec<Row> {
    let graph = graph(workflow);
    let rows = graph.nodes.iter().map(|node| Row {
        number: node.number,
        event: node.event.clone(),
        actions: node.actions.clone(),
        leads: leads(&graph, node),
    });
    rows.collect()
}

/// One line for each target, with the exits that lead there.
fn leads(graph: &Graph, node: &Node) -> Vec<String> {
    let own: Vec<&Edge> = graph
        .edges
        .iter()
        .filter(|edge| edge.from == node.number)
        .collect();
    let mut targets: Vec<Target> = Vec::new();
    for edge in &own {
        if !targets.contains(&edge.to) {
            targets.push(edge.to);
        }
    }
    let line = |target: Target| {
        let mut exits: Vec<&str> = Vec::new();
        for edge in own.iter().filter(|edge| edge.to == target) {
            if !edge.exit.is_empty() && !exits.contains(&edge.exit) {
                exits.push(edge.exit);
            }
        }
        match exits.is_empty() {
            true => graph.words(target),
            false => format!("{} ({})", graph.words(target), exits.join(", ")),
        }
    };
    targets.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::{Action, Event};
    use crate::workflow::svg::tests::samples;

    #[test]
    fn every_stage_is_a_row_that_says_what_it_does_and_where_it_leads() {
        let rows = table(&samples::car_loan());
        assert_eq!(rows.len(), 9);
        assert_eq!(
            rows[1],
            Row {
                number: StageNumber(2),
                event: "goto “work”".to_owned(),
                actions: vec![
                    "set priority to 7".to_owned(),
                    "queue, at most 4 h".to_owned()
                ],
                leads: vec![
                    "9 done (ended)".to_owned(),
                    "6 too-late (expired)".to_owned()
                ],
            }
        );
        assert_eq!(rows[3].leads, ["stands where it stood"]);
        assert_eq!(rows[7].leads, ["the item is cancelled"]);
        assert_eq!(rows[8].leads, ["the workflow ends"]);
    }

    #[test]
    fn exits_to_the_same_stage_share_a_line() {
        let actions = vec![
            samples::check("attempts > 1", 1, None),
            samples::check("attempts > 2", 1, None),
            Action::Queue(samples::queue(Some(1), 1, Some(1))),
        ];
        let workflow = samples::workflow("loop", vec![samples::stage(Event::Received, actions)]);
        assert_eq!(
            table(&workflow)[0].leads,
            ["1 received (then, ended, expired)"]
        );
    }
}
