//! A stage with those that run beside it: how much room they take together, and the lanes in which
//! their exits leave, right of the boxes, so that no arrow ever runs through one.

use std::collections::BTreeMap;

use super::card::Card;
use super::layers::{Cluster, Layers, stage_edges};
use crate::workflow::graph::{Graph, NodeKind};

/// Between two lines that run beside each other.
pub const LANE: i32 = 9;
/// Between a box and the first line beside it.
const CLEAR: i32 = 13;
/// Between a box and those that run beside it, at least.
const BESIDE_GAP: i32 = 30;
/// Between two boxes that run beside the same one.
const STACK_GAP: i32 = 14;

/// Whether a lane leads down or back up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Down,
    Up,
}

/// A lane: from that stage, to that stage, that way.
pub type LaneKey = (usize, usize, Way);

/// All of it measured from the left top corner of the first box.
#[derive(Debug, Default)]
pub struct Shape {
    pub width: i32,
    pub height: i32,
    /// Left top corner of the box of each stage.
    pub at: BTreeMap<usize, (i32, i32)>,
    /// Where each lane runs.
    pub lanes: BTreeMap<LaneKey, i32>,
    /// Where the dashed line runs that leads to a stage beside.
    pub dashes: BTreeMap<usize, i32>,
}

impl Shape {
    /// The room that a cluster takes.
    pub fn new(graph: &Graph, layers: &Layers, cards: &[Card], cluster: &Cluster) -> Shape {
        let host = &cards[cluster.host];
        let mut shape = Shape {
            height: host.height,
            ..Shape::default()
        };
        shape.at.insert(cluster.host, (0, 0));
        let mut right = shape.add_lanes(graph, layers, &[cluster.host], host.width);
        if !cluster.besides.is_empty() {
            right = shape.add_dashes(graph, cluster, host.width, right);
            right = shape.add_besides(graph, layers, cards, (cluster, right));
        }
        shape.width = right;
        shape
    }

    /// Lanes for all exits of the stages whose boxes end at `edge`. Returns where the room for
    /// them ends.
    fn add_lanes(&mut self, graph: &Graph, layers: &Layers, from: &[usize], edge: i32) -> i32 {
        let mut down: Vec<LaneKey> = Vec::new();
        let mut up: Vec<LaneKey> = Vec::new();
        for stage in from {
            for (_, _, to) in stage_edges(graph).filter(|(_, from, _)| from == stage) {
                let (lanes, way) = match layers.leads_down(*stage, to) {
                    true => (&mut down, Way::Down),
                    false => (&mut up, Way::Up),
                };
                let key = (*stage, to, way);
                if !lanes.contains(&key) {
                    lanes.push(key);
                }
            }
        }
        // The lowest leaves nearest to the box, so that lanes down do not cross each other.
        down.reverse();
        let mut x = edge + CLEAR - LANE;
        for key in down.into_iter().chain(up) {
            x += LANE;
            self.lanes.insert(key, x);
        }
        x.max(edge)
    }

    /// Dashed lines to the stages beside; those that are counted from the head share one.
    fn add_dashes(&mut self, graph: &Graph, cluster: &Cluster, edge: i32, right: i32) -> i32 {
        let mut x = right.max(edge + CLEAR - LANE);
        let mut shared = None;
        for stage in &cluster.besides {
            let NodeKind::Beside { host, action } = graph.nodes[*stage].kind else {
                continue;
            };
            if host.map(|number| number.index()) != Some(cluster.host) {
                continue;
            }
            let own = match (action, shared) {
                (None, Some(x)) => x,
                _ => {
                    x += LANE;
                    x
                }
            };
            if action.is_none() {
                shared = Some(own);
            }
            self.dashes.insert(*stage, own);
        }
        (x + CLEAR).max(edge + BESIDE_GAP)
    }

    fn add_besides(
        &mut self,
        graph: &Graph,
        layers: &Layers,
        cards: &[Card],
        (cluster, left): (&Cluster, i32),
    ) -> i32 {
        let mut top = 0;
        let mut edge = left;
        for stage in &cluster.besides {
            self.at.insert(*stage, (left, top));
            edge = edge.max(left + cards[*stage].width);
            top += cards[*stage].height + STACK_GAP;
        }
        self.height = self.height.max(top - STACK_GAP);
        self.add_lanes(graph, layers, &cluster.besides, edge)
    }
}
