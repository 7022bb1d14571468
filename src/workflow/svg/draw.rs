//! Writes the picture down. Every look stands twice: as attributes, for light screens and where no
//! style may be, and as style, for dark ones.

use std::collections::BTreeSet;

use super::card::{BADGE, Card, INSET, LETTERS, LineStyle, SMALL_LETTERS};
use super::{MARGIN, Picture, Point};
use crate::wire::answer::writer::Writer;
use crate::workflow::graph::{End, Graph, NodeKind, Target};

/// How round the corners of arrows are.
const ROUND: i32 = 7;
/// Half the width of an arrow's head, and a third of its length.
const HEAD_HALF: i32 = 4;

/// What dark screens see in place of the attributes.
const DARK: &str = "@media (prefers-color-scheme: dark) {\
.paper{fill:#12171d}.card{fill:#1b232c;stroke:#66788d}\
.outside{fill:#211d30;stroke:#a48fe0}.beside{fill:#262015;stroke:#d3a452}\
.badge{fill:#66788d}.badge-outside{fill:#8f7ad0}.badge-beside{fill:#b98a35}\
.number{fill:#0d1116}.words{fill:#e4eaf1}.small{fill:#9eacbc}.exit{fill:#8fbaf5}\
.finish{fill:#5fcf93}.cancel{fill:#ff938d}.stands{fill:#d3a452}\
.arrow{stroke:#8fa6c0}.head{fill:#8fa6c0}.dash{stroke:#d3a452}}";

/// A class with the attributes that say the same for light screens.
type Look = (&'static str, &'static [(&'static str, &'static str)]);

const PAPER: Look = ("paper", &[("fill", "#ffffff")]);
const CARD: Look = ("card", &[("fill", "#f5f8fb"), ("stroke", "#8796a8")]);
const OUTSIDE: Look = ("outside", &[("fill", "#f6f3fd"), ("stroke", "#7a62b8")]);
const BESIDE: Look = (
    "beside",
    &[
        ("fill", "#fdf7ea"),
        ("stroke", "#a8762a"),
        ("stroke-dasharray", "5 4"),
    ],
);
const BADGE_LED: Look = ("badge", &[("fill", "#4b5f78")]);
const BADGE_OUTSIDE: Look = ("badge-outside", &[("fill", "#6b52ab")]);
const BADGE_BESIDE: Look = ("badge-beside", &[("fill", "#93641c")]);
const NUMBER: Look = ("number", &[("fill", "#ffffff")]);
const WORDS: Look = ("words", &[("fill", "#1b2631")]);
const SMALL: Look = ("small", &[("fill", "#586779")]);
const EXIT: Look = ("exit", &[("fill", "#1f559f")]);
const FINISH: Look = ("finish", &[("fill", "#17703f")]);
const CANCEL: Look = ("cancel", &[("fill", "#ad2e2e")]);
const STANDS: Look = ("stands", &[("fill", "#8a5f1b")]);
const ARROW: Look = ("arrow", &[("stroke", "#56697f")]);
const ARROW_HEAD: Look = ("head", &[("fill", "#56697f")]);
const DASH: Look = ("dash", &[("stroke", "#a8762a")]);

/// Where a text begins.
#[derive(Debug, Clone, Copy)]
enum Align {
    Start,
    Middle,
    End,
}

/// The picture as SVG.
pub fn draw(graph: &Graph, picture: &Picture, cards: &[Card]) -> String {
    let mut out = Vec::new();
    let mut pen = Pen {
        writer: Writer::fragment(&mut out),
    };
    pen.open(graph, picture);
    pen.arrows(graph, picture);
    pen.dashes(picture);
    for (card, at) in cards.iter().zip(&picture.boxes) {
        pen.card(card, *at);
    }
    pen.writer.end("svg");
    let text = String::from_utf8(out).expect("the writer writes UTF-8");
    text.trim_start().to_owned()
}

struct Pen<'o> {
    writer: Writer<'o>,
}

impl Pen<'_> {
    fn open(&mut self, graph: &Graph, picture: &Picture) {
        // A short workflow with a long name: the name must fit too.
        let name = super::text::shortened(&graph.workflow, 15, 480);
        let count = match graph.nodes.len() {
            1 => "1 stage".to_owned(),
            count => format!("{count} stages"),
        };
        let beside = MARGIN + super::text::width(&name, 16) + 14;
        let width = picture.width.max(beside + 100);
        let (wide, high) = (width.to_string(), picture.height.to_string());
        self.writer.start("svg");
        self.set(&[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", &format!("0 0 {wide} {high}")),
            ("width", &wide),
            ("height", &high),
            ("role", "img"),
            ("aria-label", &format!("workflow {}", graph.workflow)),
            (
                "font-family",
                "system-ui, 'Segoe UI', 'Liberation Sans', sans-serif",
            ),
        ]);
        self.writer
            .leaf("title", &format!("workflow {}", graph.workflow));
        self.writer.leaf("desc", &description(graph));
        self.writer.leaf("style", DARK);
        self.writer.start("rect");
        self.set(&[("width", &wide), ("height", &high), ("rx", "12")]);
        self.look(PAPER);
        self.writer.end("rect");
        let y = MARGIN + 12;
        self.text(WORDS, &name, Point { x: MARGIN, y }, (15, Align::Start));
        self.text(
            SMALL,
            &count,
            Point { x: beside, y },
            (SMALL_LETTERS, Align::Start),
        );
    }

    fn arrows(&mut self, graph: &Graph, picture: &Picture) {
        self.writer.start("g");
        self.look(ARROW);
        self.set(&[("fill", "none"), ("stroke-width", "1.6")]);
        let mut drawn = BTreeSet::new();
        for (edge, corners) in &picture.arrows {
            self.writer.start("path");
            self.set(&[("d", &path(&not_yet(corners, &mut drawn)))]);
            if let Some(edge) = graph.edges.get(*edge) {
                self.writer.leaf("title", &sentence(graph, edge));
            }
            self.writer.end("path");
        }
        self.writer.end("g");
        self.writer.start("g");
        self.look(ARROW_HEAD);
        let mut tips: Vec<Point> = picture
            .arrows
            .iter()
            .filter_map(|(_, corners)| corners.last().copied())
            .collect();
        tips.sort_unstable_by_key(|tip| (tip.y, tip.x));
        tips.dedup();
        for Point { x, y } in tips {
            let (left, right, top) = (x - HEAD_HALF, x + HEAD_HALF, y - 2 * HEAD_HALF);
            self.writer.start("path");
            self.set(&[("d", &format!("M{left} {top}H{right}L{x} {y}Z"))]);
            self.writer.end("path");
        }
        self.writer.end("g");
    }

    fn dashes(&mut self, picture: &Picture) {
        self.writer.start("g");
        self.look(DASH);
        self.set(&[
            ("fill", "none"),
            ("stroke-width", "1.4"),
            ("stroke-dasharray", "5 4"),
        ]);
        for corners in &picture.dashes {
            self.writer.start("path");
            self.set(&[("d", &path(corners))]);
            self.writer.end("path");
        }
        self.writer.end("g");
    }

    fn card(&mut self, card: &Card, at: Point) {
        let (look, badge) = match card.kind {
            NodeKind::Led => (CARD, BADGE_LED),
            NodeKind::Outside => (OUTSIDE, BADGE_OUTSIDE),
            NodeKind::Beside { .. } => (BESIDE, BADGE_BESIDE),
        };
        self.writer.start("g");
        self.rect(look, at, (card.width, card.height), "9");
        let corner = Point {
            x: at.x + INSET - 2,
            y: at.y + 10,
        };
        self.rect(badge, corner, (BADGE - 4, 20), "6");
        let inside = |x, y| Point {
            x: at.x + x,
            y: at.y + y,
        };
        let number = inside(INSET - 2 + (BADGE - 4) / 2, 24);
        self.text(NUMBER, &card.number, number, (SMALL_LETTERS, Align::Middle));
        let title = inside(INSET + BADGE, 19);
        self.text(WORDS, &card.title, title, (LETTERS + 1, Align::Start));
        let event = inside(INSET + BADGE, 34);
        self.text(SMALL, &card.event, event, (SMALL_LETTERS, Align::Start));
        for (index, line) in card.lines.iter().enumerate() {
            let y = at.y + card.line_y(index);
            self.line(line, at.x, card.width, y);
        }
        self.writer.end("g");
    }

    fn line(&mut self, line: &super::card::Line, left: i32, width: i32, y: i32) {
        let right = left + width;
        let (look, mark) = match line.style {
            LineStyle::Action => (WORDS, EXIT),
            LineStyle::Exit => (EXIT, EXIT),
            LineStyle::End(End::Finished) => (FINISH, FINISH),
            LineStyle::End(End::Cancelled) => (CANCEL, CANCEL),
            LineStyle::End(End::Stands) => (STANDS, STANDS),
        };
        let middle = y + 4;
        match line.style {
            LineStyle::Exit => {
                let end = Point {
                    x: right - INSET,
                    y: middle,
                };
                self.text(look, &line.text, end, (LETTERS, Align::End));
            }
            LineStyle::Action | LineStyle::End(_) => {
                let start = Point {
                    x: left + INSET,
                    y: middle,
                };
                self.text(look, &line.text, start, (LETTERS, Align::Start));
            }
        }
        if line.edge.is_none() {
            return;
        }
        match line.style {
            LineStyle::Action | LineStyle::Exit => {
                self.writer.start("circle");
                let (x, y) = (right.to_string(), y.to_string());
                self.set(&[("cx", &x), ("cy", &y), ("r", "3")]);
                self.look(mark);
                self.writer.end("circle");
            }
            LineStyle::End(_) => {
                let corner = Point {
                    x: right - INSET - 8,
                    y: y - 4,
                };
                self.rect(mark, corner, (8, 8), "2");
            }
        }
    }

    fn rect(&mut self, look: Look, at: Point, (width, height): (i32, i32), round: &str) {
        self.writer.start("rect");
        self.set(&[
            ("x", &at.x.to_string()),
            ("y", &at.y.to_string()),
            ("width", &width.to_string()),
            ("height", &height.to_string()),
            ("rx", round),
        ]);
        self.look(look);
        self.writer.end("rect");
    }

    fn text(&mut self, look: Look, text: &str, at: Point, (size, align): (i32, Align)) {
        self.writer.start("text");
        self.set(&[
            ("x", &at.x.to_string()),
            ("y", &at.y.to_string()),
            ("font-size", &size.to_string()),
        ]);
        match align {
            Align::Start => {}
            Align::Middle => self.set(&[("text-anchor", "middle")]),
            Align::End => self.set(&[("text-anchor", "end")]),
        }
        if size > LETTERS || matches!(align, Align::Middle) {
            self.set(&[("font-weight", "600")]);
        }
        self.look(look);
        self.writer.text(text);
        self.writer.end("text");
    }

    fn look(&mut self, (class, attributes): Look) {
        self.set(&[("class", class)]);
        self.set(attributes);
    }

    fn set(&mut self, attributes: &[(&'static str, &str)]) {
        for (name, value) in attributes {
            self.writer.attribute(name, value);
        }
    }
}

/// What the picture shows, for whoever does not see it.
fn description(graph: &Graph) -> String {
    let stages = graph.nodes.iter().map(|node| {
        let edges = graph.edges.iter().filter(|edge| edge.from == node.number);
        let ways: Vec<String> = edges
            .map(|edge| match edge.to {
                Target::Stage(to) => format!("{} to stage {to}", edge.label()),
                Target::End(end) => end.words().to_owned(),
            })
            .collect();
        match ways.is_empty() {
            true => format!("Stage {}, {}.", node.number, node.event),
            false => format!(
                "Stage {}, {}: {}.",
                node.number,
                node.event,
                ways.join("; ")
            ),
        }
    });
    stages.collect::<Vec<_>>().join(" ")
}

fn sentence(graph: &Graph, edge: &crate::workflow::graph::Edge) -> String {
    let to = graph.words(edge.to);
    format!("{} to {to}, {}", edge.from, edge.label())
}

/// A line through the corners, each a little rounded.
fn path(corners: &[Point]) -> String {
    let mut path = String::new();
    for (index, corner) in corners.iter().enumerate() {
        let Point { x, y } = *corner;
        let before = index.checked_sub(1).and_then(|index| corners.get(index));
        let after = corners.get(index + 1);
        match (before, after) {
            (None, _) => path.push_str(&format!("M{x} {y}")),
            (Some(_), None) => path.push_str(&format!("L{x} {y}")),
            (Some(before), Some(after)) => {
                let (from, to) = (towards(*corner, *before), towards(*corner, *after));
                path.push_str(&format!("L{} {}Q{x} {y} {} {}", from.x, from.y, to.x, to.y));
            }
        }
    }
    path
}

/// As much of an arrow as others to the same stage have not drawn before it: up to where it joins
/// them.
fn not_yet(corners: &[Point], drawn: &mut BTreeSet<(Point, Point)>) -> Vec<Point> {
    for index in 1..corners.len() {
        let (from, to) = (corners[index - 1], corners[index]);
        if !drawn.insert((from, to)) {
            let mut kept = corners[..index].to_vec();
            kept.push(towards(from, to));
            return kept;
        }
    }
    corners.to_vec()
}

/// A little way from a corner to another, at most half of it.
fn towards(from: Point, to: Point) -> Point {
    let step = |from: i32, to: i32| {
        let way = to - from;
        way.signum() * ROUND.min(way.abs() / 2)
    };
    Point {
        x: from.x + step(from.x, to.x),
        y: from.y + step(from.y, to.y),
    }
}
