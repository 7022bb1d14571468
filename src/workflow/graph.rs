//! The graph of a workflow as data and as text: its stages, and where every exit of every action
//! leads.

use super::words;
use crate::domain::workflow::{Action, Event, Exit, Queue, Stage, StageNumber, Workflow};

/// A workflow as nodes and edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The workflow's name.
    pub workflow: String,
    /// Its stages, in their order.
    pub nodes: Vec<Node>,
    /// Every exit that leads somewhere, stage by stage, action by action.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// A target in words: `2 work`, `the workflow ends`.
    pub fn words(&self, target: Target) -> String {
        match target {
            Target::Stage(number) => {
                let node = self.nodes.get(number.index());
                format!("{number} {}", node.map_or("", |node| node.title.as_str()))
            }
            Target::End(end) => end.words().to_owned(),
        }
    }
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: StageNumber,
    /// Its name for people.
    pub title: String,
    /// What begins it, in words.
    pub event: String,
    /// How it is reached.
    pub kind: NodeKind,
    /// What it does, in words, action by action.
    pub actions: Vec<String>,
}

/// How a stage is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// It is the first, or other stages lead to it.
    Led,
    /// Something happens outside.
    Outside,
    /// A button or elapsed time: it runs beside what is outstanding.
    Beside {
        /// The stage that shows the button, or in which the time is counted; `None`: any.
        host: Option<StageNumber>,
        /// Index of the action that shows the button.
        action: Option<usize>,
    },
}

/// Where an exit of an action leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The stage of the action.
    pub from: StageNumber,
    /// Index of the action in its stage; one past the last where a stage simply ends.
    pub action: usize,
    /// The word of the action.
    pub word: &'static str,
    /// The word of the exit; empty for an action that has but one.
    pub exit: &'static str,
    /// Where to.
    pub to: Target,
}

impl Edge {
    /// Which exit of which action: `checkOpeningHours: open`.
    pub fn label(&self) -> String {
        match self.exit {
            "" => self.word.to_owned(),
            exit => format!("{}: {exit}", self.word),
        }
    }
}

/// What an exit leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A stage.
    Stage(StageNumber),
    /// An end.
    End(End),
}

/// How a leg of a workflow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The workflow has finished.
    Finished,
    /// The item is cancelled.
    Cancelled,
    /// The stage ran beside another, where the workflow still stands.
    Stands,
}

impl End {
    /// The end in words.
    pub fn words(self) -> &'static str {
        match self {
            End::Finished => "the workflow ends",
            End::Cancelled => "the item is cancelled",
            End::Stands => "stands where it stood",
        }
    }
}

/// One exit of an action: its word, and where it leads (`None`: to the next action).
type Way = (&'static str, Option<Target>);

/// The graph of a workflow.
pub fn graph(workflow: &Workflow) -> Graph {
    let nodes = workflow.numbered().map(|(number, stage)| Node {
        number,
        title: stage.event.title().to_owned(),
        event: words::event(&stage.event),
        kind: kind(workflow, stage),
        actions: stage
            .actions
            .iter()
            .map(|action| words::action(action, workflow))
            .collect(),
    });
    let edges = workflow
        .numbered()
        .flat_map(|(number, stage)| edges(number, stage));
    Graph {
        workflow: workflow.name.clone(),
        nodes: nodes.collect(),
        edges: edges.collect(),
    }
}

fn kind(workflow: &Workflow, stage: &Stage) -> NodeKind {
    match &stage.event {
        Event::Received | Event::Goto { .. } => NodeKind::Led,
        Event::Button { name } => {
            let shown = workflow.numbered().find_map(|(number, stage)| {
                let shows =
                    |it: &Action| matches!(it, Action::Button { name: it, .. } if it == name);
                let action = stage.actions.iter().position(shows)?;
                Some((number, action))
            });
            NodeKind::Beside {
                host: shown.map(|(number, _)| number),
                action: shown.map(|(_, action)| action),
            }
        }
        Event::Elapsed { within, .. } => NodeKind::Beside {
            host: *within,
            action: None,
        },
        Event::Updated
        | Event::Accepted
        | Event::Ended { .. }
        | Event::Cancelled
        | Event::Expired
        | Event::AgentLost => NodeKind::Outside,
    }
}

fn edges(from: StageNumber, stage: &Stage) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut goes_on = true;
    for (index, action) in stage.actions.iter().enumerate() {
        let ways = ways(action);
        goes_on = ways.is_empty() || ways.iter().any(|(_, to)| to.is_none());
        edges.extend(ways.into_iter().filter_map(|(exit, to)| {
            Some(Edge {
                from,
                action: index,
                word: words::action_word(action),
                exit,
                to: to?,
            })
        }));
    }
    if goes_on && stage.event.runs_beside() {
        edges.push(Edge {
            from,
            action: stage.actions.len(),
            word: "",
            exit: "",
            to: Target::End(End::Stands),
        });
    }
    edges
}

/// The exits of an action; none: it always goes on.
fn ways(action: &Action) -> Vec<Way> {
    let way = |word, exit: Exit| (word, exit.map(Target::Stage));
    match action {
        Action::CheckOpeningHours { open, closed, .. } => {
            vec![way("open", *open), way("closed", *closed)]
        }
        Action::CheckAvailability {
            available,
            busy,
            nobody_signed_in,
            ..
        } => vec![
            way("available", *available),
            way("busy", *busy),
            way("nobodySignedIn", *nobody_signed_in),
        ],
        Action::Check {
            then, otherwise, ..
        } => vec![way("then", *then), way("otherwise", *otherwise)],
        Action::Queue(queue) | Action::QueueToAgent { queue, .. } => ways_of_queue(queue),
        Action::Transfer { ok, failed, .. } => vec![way("ok", *ok), way("failed", *failed)],
        Action::Goto(number) => vec![("", Some(Target::Stage(*number)))],
        Action::Finish => vec![("", Some(Target::End(End::Finished)))],
        Action::Cancel { .. } => vec![("", Some(Target::End(End::Cancelled)))],
        Action::Wait { .. }
        | Action::SetPriority { .. }
        | Action::RaisePriority { .. }
        | Action::SetContactData { .. }
        | Action::ForceQueue
        | Action::RelaxSkills
        | Action::Alert { .. }
        | Action::Button { .. }
        | Action::Notify { .. }
        | Action::StartWorkflow { .. } => Vec::new(),
    }
}

fn ways_of_queue(queue: &Queue) -> Vec<Way> {
    let mut ways = vec![("ended", queue.ended.map(Target::Stage))];
    if queue.max_wait_ms.is_some() {
        ways.push(("expired", queue.expired.map(Target::Stage)));
    }
    if let Some(stage) = queue.declined {
        ways.push(("declined", Some(Target::Stage(stage))));
    }
    ways
}

/// The graph as text: each stage with its actions, and under each action where its exits lead.
pub fn graph_text(workflow: &Workflow) -> String {
    let graph = graph(workflow);
    let mut text = format!(
        "workflow {}, {}\n",
        graph.workflow,
        match graph.nodes.len() {
            1 => "1 stage".to_owned(),
            count => format!("{count} stages"),
        }
    );
    for node in &graph.nodes {
        text.push_str(&format!("\n{} {}\n", node.number, heading(node)));
        for (index, action) in node.actions.iter().enumerate() {
            text.push_str(&format!("    {action}\n"));
            leads(&graph, node.number, index, &mut text);
        }
        leads(&graph, node.number, node.actions.len(), &mut text);
    }
    text
}

fn heading(node: &Node) -> String {
    let beside = match node.kind {
        NodeKind::Led | NodeKind::Outside => String::new(),
        NodeKind::Beside {
            host: Some(host), ..
        } => format!("  (beside stage {host})"),
        NodeKind::Beside { host: None, .. } => "  (beside any stage)".to_owned(),
    };
    format!("{}{beside}", node.event)
}

fn leads(graph: &Graph, from: StageNumber, action: usize, text: &mut String) {
    let here = |edge: &&Edge| edge.from == from && edge.action == action;
    for edge in graph.edges.iter().filter(here) {
        let to = graph.words(edge.to);
        match edge.exit {
            "" => text.push_str(&format!("      → {to}\n")),
            exit => text.push_str(&format!("      {exit} → {to}\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::svg::tests::samples;

    #[test]
    fn the_text_of_the_specifications_example_is_as_kept() {
        samples::as_kept(
            "fixtures/workflows/car-loan/graph.txt",
            &graph_text(&samples::car_loan()),
        );
    }

    #[test]
    fn an_edge_names_its_action_and_its_exit() {
        let graph = graph(&samples::car_loan());
        let labels: Vec<String> = graph.edges.iter().map(Edge::label).collect();
        assert_eq!(
            labels[..2],
            ["checkOpeningHours: open", "checkOpeningHours: closed"]
        );
        assert_eq!(graph.edges[0].to, Target::Stage(StageNumber(2)));
        assert!(labels.contains(&"finish".to_owned()));
    }

    #[test]
    fn an_exit_left_out_leads_nowhere_and_a_stage_beside_may_stand() {
        let stages = vec![
            samples::stage(
                Event::Received,
                vec![samples::check("attempts > 1", 1, None), Action::Finish],
            ),
            samples::stage(
                Event::Button {
                    name: "go".to_owned(),
                },
                vec![samples::check("attempts > 1", 1, Some(1))],
            ),
            samples::stage(
                Event::Button {
                    name: "stay".to_owned(),
                },
                vec![samples::check("attempts > 1", 1, None)],
            ),
        ];
        let graph = graph(&samples::workflow("ends", stages));
        let ways: Vec<(u8, &str, Target)> = graph
            .edges
            .iter()
            .map(|edge| (edge.from.0, edge.exit, edge.to))
            .collect();
        let first = Target::Stage(StageNumber(1));
        assert_eq!(
            ways,
            [
                (1, "then", first),
                (1, "", Target::End(End::Finished)),
                (2, "then", first),
                (2, "otherwise", first),
                (3, "then", first),
                (3, "", Target::End(End::Stands)),
            ]
        );
    }

    #[test]
    fn a_button_stage_stands_beside_the_stage_that_shows_it() {
        let graph = graph(&samples::car_loan());
        assert_eq!(
            graph.nodes[3].kind,
            NodeKind::Beside {
                host: Some(StageNumber(3)),
                action: Some(1)
            }
        );
        assert_eq!(
            graph.nodes[4].kind,
            NodeKind::Beside {
                host: Some(StageNumber(2)),
                action: None
            }
        );
    }
}
