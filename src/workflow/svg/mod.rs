//! A picture of a workflow: its stages as boxes in layers from top to bottom, arrows from the line
//! of each exit to the stage it leads to, and beside a stage, dashed, what may happen there.
//!
//! Way through: `card` makes a box of each stage, `layers` says how high each stands and in which
//! order, `cluster` how much room a stage takes with those beside it, `across` where it stands from
//! left to right, `route` where the arrows run, `draw` writes it down. All whole numbers and all
//! orders come from the workflow alone: the same workflow gives the same picture.

mod across;
mod card;
mod cluster;
mod draw;
mod layers;
mod route;
#[cfg(test)]
pub(super) mod tests;
mod text;

use across::Places;
use card::Card;
use cluster::{LaneKey, Shape};
use layers::{Layers, Slot, stage_edges};
use route::{TRACK, Tracks};

use super::graph::{Graph, graph};
use crate::domain::workflow::Workflow;

/// Around everything.
const MARGIN: i32 = 24;
/// Room for the name of the workflow.
const TITLE: i32 = 40;
/// Between a layer and the first track below it.
const TRACK_TOP: i32 = 16;
/// Between the last track and the layer below it: an arrow's head.
const TRACK_BOTTOM: i32 = 20;

/// A picture of the workflow, SVG 1.1 without script, for light and dark screens. Can be a file,
/// stand in a page, or be shown by `<img>`.
///
/// Ensures: well-formed whatever the workflow's texts hold; the same for the same workflow.
pub fn svg(workflow: &Workflow) -> String {
    let graph = graph(workflow);
    let cards: Vec<Card> = graph
        .nodes
        .iter()
        .map(|node| Card::new(workflow, &graph, node))
        .collect();
    draw::draw(&graph, &picture(&graph, &cards), &cards)
}

/// A place in the picture, in pixels from its left top corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    x: i32,
    y: i32,
}

/// Where everything is.
struct Picture {
    width: i32,
    height: i32,
    /// Left top corner of every box.
    boxes: Vec<Point>,
    /// Index of the edge, and its corners.
    arrows: Vec<(usize, Vec<Point>)>,
    /// Corners of the dashed lines to stages that run beside.
    dashes: Vec<Vec<Point>>,
}

/// What is known once the boxes have their places from left to right.
struct Laid<'a> {
    layers: &'a Layers,
    shapes: &'a [Shape],
    cards: &'a [Card],
    places: Places,
    /// Of all layers.
    width: i32,
    /// Top of every layer.
    tops: Vec<i32>,
    /// Top of every channel.
    channels: Vec<i32>,
}

impl Laid<'_> {
    /// Left top corner of the cluster of a stage.
    fn cluster_at(&self, stage: usize) -> Point {
        let cluster = self.layers.cluster_of[stage];
        let layer = self.layers.layer_of[cluster];
        let x = self.places.get(&(layer, Slot::Cluster(cluster)));
        Point {
            x: x.copied().unwrap_or(0),
            y: self.tops.get(layer).copied().unwrap_or(0),
        }
    }

    fn shape(&self, stage: usize) -> &Shape {
        &self.shapes[self.layers.cluster_of[stage]]
    }

    /// Left top corner of the box of a stage.
    fn at(&self, stage: usize) -> Point {
        let cluster = self.cluster_at(stage);
        let (x, y) = self.shape(stage).at.get(&stage).copied().unwrap_or((0, 0));
        Point {
            x: cluster.x + x,
            y: cluster.y + y,
        }
    }

    /// Where arrows come in to a stage.
    fn entry(&self, stage: usize) -> Point {
        let at = self.at(stage);
        Point {
            x: at.x + self.cards[stage].entry_x(),
            y: at.y,
        }
    }

    /// Where the lane of an exit runs.
    fn lane_x(&self, lane: LaneKey) -> i32 {
        let x = self.shape(lane.0).lanes.get(&lane);
        self.cluster_at(lane.0).x + x.copied().unwrap_or(0)
    }

    /// Where arrows to a stage pass through a layer.
    fn through_x(&self, layer: usize, target: usize) -> i32 {
        let x = self.places.get(&(layer, Slot::Lane(target)));
        x.map_or(0, |x| x + across::LANE_WIDTH / 2)
    }

    fn track_y(&self, channel: usize, track: Option<i32>) -> i32 {
        let top = self.channels.get(channel).copied().unwrap_or(0);
        top + TRACK_TOP + track.unwrap_or(0) * TRACK
    }
}

fn picture(graph: &Graph, cards: &[Card]) -> Picture {
    let layers = Layers::new(graph);
    let shapes: Vec<Shape> = layers
        .clusters
        .iter()
        .map(|cluster| Shape::new(graph, &layers, cards, cluster))
        .collect();
    let links = layers.links(graph);
    let places = across::places(&layers, &links, &shapes, cards);
    let mut laid = Laid {
        width: width(&places, &shapes),
        layers: &layers,
        shapes: &shapes,
        cards,
        places,
        tops: Vec::new(),
        channels: Vec::new(),
    };
    let tracks = Tracks::new(graph, &laid);
    let bottom = stack(&mut laid, &tracks);
    let arrows = stage_edges(graph)
        .map(|edge| (edge.0, tracks.corners(&laid, cards, edge)))
        .collect();
    let (left, right) = tracks.side_ends().unwrap_or((0, laid.width));
    let mut picture = Picture {
        width: right.max(laid.width) - left.min(0) + 2 * MARGIN,
        height: bottom + MARGIN,
        boxes: (0..cards.len()).map(|stage| laid.at(stage)).collect(),
        arrows,
        dashes: dashes(graph, &laid),
    };
    picture.shift(MARGIN - left.min(0));
    picture
}

impl Picture {
    fn shift(&mut self, x: i32) {
        let arrows = self.arrows.iter_mut().flat_map(|(_, corners)| corners);
        let dashes = self.dashes.iter_mut().flatten();
        for point in self.boxes.iter_mut().chain(arrows).chain(dashes) {
            point.x += x;
        }
    }
}

fn width(places: &Places, shapes: &[Shape]) -> i32 {
    let ends = places.iter().map(|((_, slot), x)| match slot {
        Slot::Cluster(cluster) => x + shapes[*cluster].width,
        Slot::Lane(_) => x + across::LANE_WIDTH,
    });
    ends.max().unwrap_or(0)
}

/// Puts the layers below each other, as far apart as their tracks need. Returns where they end.
fn stack(laid: &mut Laid<'_>, tracks: &Tracks) -> i32 {
    let mut y = MARGIN + TITLE;
    for (layer, slots) in laid.layers.slots.iter().enumerate() {
        let tracks = tracks.counts.get(layer).copied().unwrap_or(0);
        laid.channels.push(y);
        y += match (layer, tracks) {
            (0, 0) => 0,
            _ => TRACK_TOP + (tracks - 1).max(0) * TRACK + TRACK_BOTTOM,
        };
        laid.tops.push(y);
        let heights = slots.iter().map(|slot| match slot {
            Slot::Cluster(cluster) => laid.shapes[*cluster].height,
            Slot::Lane(_) => 0,
        });
        y += heights.max().unwrap_or(0);
    }
    y
}

fn dashes(graph: &Graph, laid: &Laid<'_>) -> Vec<Vec<Point>> {
    let mut dashes = Vec::new();
    for cluster in &laid.layers.clusters {
        let host = laid.at(cluster.host);
        let card = &laid.cards[cluster.host];
        for stage in &cluster.besides {
            let Some(x) = laid.shape(*stage).dashes.get(stage) else {
                continue;
            };
            let action = match graph.nodes[*stage].kind {
                super::graph::NodeKind::Beside { action, .. } => action,
                super::graph::NodeKind::Led | super::graph::NodeKind::Outside => None,
            };
            let from = host.y + card.action_y(action);
            let to = laid.at(*stage);
            let end = to.y + card::HEAD / 2;
            let corner = |x, y| Point { x, y };
            dashes.push(route::straightened(vec![
                corner(host.x + card.width, from),
                corner(host.x + x, from),
                corner(host.x + x, end),
                corner(to.x, end),
            ]));
        }
    }
    dashes
}
