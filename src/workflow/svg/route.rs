//! The arrows: each leaves its box at the line of its exit, runs in a lane beside the box into the
//! channel between two layers, there on a track to the next lane, and comes in at the top of its
//! stage. All arrows to a stage share tracks and lanes. Ways back run at the side of the picture.

use std::collections::BTreeMap;

use super::card::Card;
use super::cluster::{LANE, Way};
use super::layers::{Layers, Slot, stage_edges};
use super::{Laid, Point};
use crate::workflow::graph::Graph;

/// Between two tracks.
pub const TRACK: i32 = 10;
/// How near two lines must not come.
const NEAR: i32 = 6;
/// How often the order of the tracks of a channel is gone through.
const PASSES: usize = 24;
/// How bad it is when two lines lie over each other, counted in crossings.
const OVERLAP: usize = 50;

/// What runs in one channel to one stage.
#[derive(Debug, Default, Clone)]
struct Run {
    /// Where lines come from above.
    up: Vec<i32>,
    /// Where lines go below, or come from there.
    down: Vec<i32>,
}

impl Run {
    fn ends(&self) -> (i32, i32) {
        let all = || self.up.iter().chain(&self.down).copied();
        (all().min().unwrap_or(0), all().max().unwrap_or(0))
    }
}

/// Where everything runs.
#[derive(Debug, Default)]
pub struct Tracks {
    /// Which track a stage's arrows take in a channel, from 0 at its top.
    track: BTreeMap<(usize, usize), i32>,
    /// How many tracks each channel has; channel *n* is above layer *n*.
    pub counts: Vec<i32>,
    /// Where ways back to a stage run.
    sides: BTreeMap<usize, i32>,
}

impl Tracks {
    /// Gives every arrow its tracks.
    pub fn new(graph: &Graph, laid: &Laid<'_>) -> Tracks {
        let sides = sides(graph, laid);
        let mut runs: BTreeMap<(usize, usize), Run> = BTreeMap::new();
        for (_, from, to) in stage_edges(graph) {
            if laid.layers.leads_down(from, to) {
                let channel = laid.layers.layer(from) + 1;
                let run = runs.entry((channel, to)).or_default();
                run.up.push(laid.lane_x((from, to, Way::Down)));
            } else {
                let own = laid.lane_x((from, to, Way::Up));
                let below = laid.layers.layer(from);
                let above = laid.layers.layer(to);
                runs.entry((below, to)).or_default().down.push(own);
                if let (Some(side), true) = (sides.get(&to), below > above) {
                    runs.entry((below, to)).or_default().up.push(*side);
                    runs.entry((above, to)).or_default().down.push(*side);
                }
                let entry = laid.entry(to).x;
                runs.entry((above, to)).or_default().down.push(entry);
            }
        }
        for (layer, slots) in laid.layers.slots.iter().enumerate() {
            for slot in slots {
                if let Slot::Lane(to) = *slot {
                    let x = laid.through_x(layer, to);
                    runs.entry((layer, to)).or_default().down.push(x);
                    runs.entry((layer + 1, to)).or_default().up.push(x);
                }
            }
        }
        for to in 0..graph.nodes.len() {
            if let Some(run) = runs.get_mut(&(laid.layers.layer(to), to)) {
                run.down.push(laid.entry(to).x);
            }
        }
        let mut tracks = Tracks {
            counts: vec![0; laid.layers.slots.len()],
            sides,
            ..Tracks::default()
        };
        for channel in 0..laid.layers.slots.len() {
            let range = (channel, 0)..(channel + 1, 0);
            let here = runs.range(range).map(|((_, to), run)| (*to, run.clone()));
            tracks.assign(channel, here.collect());
        }
        tracks
    }

    /// The leftmost and rightmost way back.
    pub fn side_ends(&self) -> Option<(i32, i32)> {
        let min = self.sides.values().min()?;
        let max = self.sides.values().max()?;
        Some((*min, *max))
    }

    fn assign(&mut self, channel: usize, mut runs: Vec<(usize, Run)>) {
        runs.sort_by_key(|(to, run)| (run.ends(), *to));
        for _ in 0..PASSES {
            let mut changed = false;
            for index in 1..runs.len() {
                let (first, second) = (&runs[index - 1].1, &runs[index].1);
                if cost(second, first) < cost(first, second) {
                    runs.swap(index - 1, index);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let mut taken: Vec<((i32, i32), i32)> = Vec::new();
        for (to, run) in runs {
            let ends = run.ends();
            let over = |other: &(i32, i32)| other.0 - NEAR <= ends.1 && ends.0 - NEAR <= other.1;
            let above = taken.iter().filter(|(other, _)| over(other));
            let track = above.map(|(_, track)| track + 1).max().unwrap_or(0);
            taken.push((ends, track));
            self.track.insert((channel, to), track);
            self.counts[channel] = self.counts[channel].max(track + 1);
        }
    }

    /// The corners of an arrow, from the border of its box to the top of the stage.
    pub fn corners(
        &self,
        laid: &Laid<'_>,
        cards: &[Card],
        (edge, from, to): (usize, usize, usize),
    ) -> Vec<Point> {
        let layers: &Layers = laid.layers;
        let at = laid.at(from);
        let start = Point {
            x: at.x + cards[from].width,
            y: at.y + cards[from].port_y(edge),
        };
        let down = layers.leads_down(from, to);
        let way = if down { Way::Down } else { Way::Up };
        let mut x = laid.lane_x((from, to, way));
        let mut corners = vec![start, Point { x, y: start.y }];
        let mut turn = |channel: usize, next: i32| {
            let y = laid.track_y(channel, self.track.get(&(channel, to)).copied());
            corners.push(Point { x, y });
            corners.push(Point { x: next, y });
            x = next;
        };
        let last = layers.layer(to);
        if down {
            for channel in layers.layer(from) + 1..last {
                turn(channel, laid.through_x(channel, to));
            }
        } else if let (Some(side), true) = (self.sides.get(&to), layers.layer(from) > last) {
            turn(layers.layer(from), *side);
        }
        let entry = laid.entry(to);
        turn(last, entry.x);
        corners.push(entry);
        straightened(corners)
    }
}

/// How bad it is to have the one above the other.
fn cost(above: &Run, below: &Run) -> usize {
    let crosses = |xs: &[i32], (left, right): (i32, i32)| {
        let inside = xs.iter().filter(|x| left < **x && **x < right);
        inside.count()
    };
    let near = |x: &&i32| below.up.iter().any(|other| (*x - other).abs() < NEAR);
    let overlaps = above.down.iter().filter(near).count();
    crosses(&above.down, below.ends()) + crosses(&below.up, above.ends()) + OVERLAP * overlaps
}

/// Where ways back run: at the nearer side, the shorter ones nearer to the boxes.
fn sides(graph: &Graph, laid: &Laid<'_>) -> BTreeMap<usize, i32> {
    let mut spans: BTreeMap<usize, (usize, i32, i32)> = BTreeMap::new();
    for (_, from, to) in stage_edges(graph) {
        let (below, above) = (laid.layers.layer(from), laid.layers.layer(to));
        if below > above {
            let span = spans.entry(to).or_insert((0, 0, 0));
            span.0 = span.0.max(below - above);
            span.1 += laid.lane_x((from, to, Way::Up)) + laid.entry(to).x;
            span.2 += 2;
        }
    }
    let mut order: Vec<(usize, usize)> = spans.iter().map(|(to, span)| (span.0, *to)).collect();
    order.sort_unstable();
    let (mut left, mut right) = (-2 * LANE, laid.width + LANE);
    let mut sides = BTreeMap::new();
    for (_, to) in order {
        let (_, sum, count) = spans[&to];
        if 2 * sum < laid.width * count {
            sides.insert(to, left);
            left -= LANE;
        } else {
            sides.insert(to, right);
            right += LANE;
        }
    }
    sides
}

/// Without corners that are none.
pub fn straightened(corners: Vec<Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for corner in corners {
        if kept.last() == Some(&corner) {
            continue;
        }
        while let [.., before, last] = kept.as_slice() {
            let on_line = (before.x == last.x && last.x == corner.x)
                || (before.y == last.y && last.y == corner.y);
            if !on_line {
                break;
            }
            kept.pop();
        }
        kept.push(corner);
    }
    kept
}
