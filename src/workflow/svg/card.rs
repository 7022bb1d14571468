//! The box of one stage: its lines, how large it is, and where its exits leave it.

use super::text;
use crate::domain::workflow::{Event, Workflow};
use crate::workflow::graph::{Edge, End, Graph, Node, NodeKind, Target};

/// Size of the letters, in pixels.
pub const LETTERS: i32 = 12;
/// Size of the letters of the small lines.
pub const SMALL_LETTERS: i32 = 11;
/// Height of a line.
const LINE: i32 = 18;
/// Height of the part with number, title and event.
pub const HEAD: i32 = 46;
/// Between the border and what is inside.
pub const INSET: i32 = 12;
/// Room for the number in front of the title.
pub const BADGE: i32 = 26;
/// Room at the right of a line that has a port or an end.
const PORT_ROOM: i32 = 12;
const WIDTH_MIN: i32 = 150;
const WIDTH_MAX: i32 = 290;

/// The box of a stage.
pub struct Card {
    pub kind: NodeKind,
    pub number: String,
    pub title: String,
    /// What begins it.
    pub event: String,
    pub lines: Vec<Line>,
    pub width: i32,
    pub height: i32,
}

/// One line in it.
pub struct Line {
    pub text: String,
    pub style: LineStyle,
    /// Index of the edge that leaves here.
    pub edge: Option<usize>,
    /// Index of the action it shows, where it shows one.
    pub action: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStyle {
    Action,
    Exit,
    End(End),
}

impl Card {
    /// The box of a stage of that graph.
    pub fn new(workflow: &Workflow, graph: &Graph, node: &Node) -> Card {
        let event = workflow.stage(node.number).map(|stage| &stage.event);
        let lines = lines(graph, node);
        let event = event.map_or_else(String::new, |event| began_by(event, node));
        let text_max = WIDTH_MAX - 2 * INSET;
        let title = text::shortened(&node.title, LETTERS + 1, text_max - BADGE - INSET);
        let event = text::shortened(&event, SMALL_LETTERS, text_max - BADGE);
        let widths = lines.iter().map(|line| line.width());
        let widest = widths
            // The arrows come in at the right of the title.
            .chain([BADGE + text::width(&title, LETTERS + 1) + INSET])
            .chain([BADGE + text::width(&event, SMALL_LETTERS)])
            .max();
        let count = i32::try_from(lines.len()).unwrap_or(i32::MAX / LINE);
        Card {
            kind: node.kind,
            number: node.number.to_string(),
            title,
            event,
            width: (widest.unwrap_or(0) + 2 * INSET).clamp(WIDTH_MIN, WIDTH_MAX),
            height: HEAD + count * LINE + 8,
            lines,
        }
    }

    /// The middle of a line, from the top of the box.
    pub fn line_y(&self, index: usize) -> i32 {
        HEAD + i32::try_from(index).unwrap_or(0) * LINE + LINE / 2
    }

    /// Where an edge leaves, from the top of the box.
    pub fn port_y(&self, edge: usize) -> i32 {
        let line = self.lines.iter().position(|line| line.edge == Some(edge));
        self.line_y(line.unwrap_or(0))
    }

    /// The line of an action, from the top of the box; without one, the middle of the head.
    pub fn action_y(&self, action: Option<usize>) -> i32 {
        let line = self
            .lines
            .iter()
            .position(|line| action.is_some() && line.action == action);
        line.map_or(HEAD / 2, |line| self.line_y(line))
    }

    /// Where arrows come in, from its left.
    pub fn entry_x(&self) -> i32 {
        self.width - 28
    }
}

impl Line {
    fn new(style: LineStyle, text: &str, edge: Option<usize>, action: Option<usize>) -> Line {
        let room = if edge.is_some() { PORT_ROOM } else { 0 };
        Line {
            text: text::shortened(text, LETTERS, WIDTH_MAX - 2 * INSET - room),
            style,
            edge,
            action,
        }
    }

    fn width(&self) -> i32 {
        let room = if self.edge.is_some() { PORT_ROOM } else { 0 };
        text::width(&self.text, LETTERS) + room
    }
}

fn began_by(event: &Event, node: &Node) -> String {
    match event {
        Event::Received => "when the item comes".to_owned(),
        Event::Goto { .. } => "goto".to_owned(),
        Event::Button { .. } => "when the button is pushed".to_owned(),
        Event::Elapsed { .. }
        | Event::Updated
        | Event::Accepted
        | Event::Ended { .. }
        | Event::Cancelled
        | Event::Expired
        | Event::AgentLost => node.event.clone(),
    }
}

fn lines(graph: &Graph, node: &Node) -> Vec<Line> {
    let mut lines = Vec::new();
    let leaving = |action: usize| {
        let edges = graph.edges.iter().enumerate();
        edges.filter(move |(_, edge)| edge.from == node.number && edge.action == action)
    };
    for (index, text) in node.actions.iter().enumerate() {
        let only = leaving(index).find(|(_, edge)| edge.exit.is_empty());
        let style = match only {
            Some((_, edge)) => style_of(edge, LineStyle::Action),
            None => LineStyle::Action,
        };
        let edge = only.map(|(edge, _)| edge);
        lines.push(Line::new(style, text, edge, Some(index)));
        for (at, edge) in leaving(index).filter(|(_, edge)| !edge.exit.is_empty()) {
            let text = match edge.to {
                Target::Stage(number) => format!("{} → {number}", edge.exit),
                Target::End(end) => format!("{}: {}", edge.exit, end.words()),
            };
            lines.push(Line::new(
                style_of(edge, LineStyle::Exit),
                &text,
                Some(at),
                None,
            ));
        }
    }
    for (at, edge) in leaving(node.actions.len()) {
        if let Target::End(end) = edge.to {
            lines.push(Line::new(LineStyle::End(end), end.words(), Some(at), None));
        }
    }
    lines
}

fn style_of(edge: &Edge, otherwise: LineStyle) -> LineStyle {
    match edge.to {
        Target::Stage(_) => otherwise,
        Target::End(end) => LineStyle::End(end),
    }
}
