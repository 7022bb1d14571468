//! Where the slots of each layer stand from left to right: as near below and above what they are
//! linked with as the others let them, never over each other.

use std::collections::BTreeMap;

use super::card::Card;
use super::cluster::Shape;
use super::layers::{Layers, Link, Slot};

/// Between two clusters.
const GAP: i32 = 34;
/// Between a lane and what is beside it.
const LANE_GAP: i32 = 12;
/// A lane that would step aside by less than this stays straight, where there is room.
const STEP_MIN: i32 = 40;
/// Width of a lane.
pub const LANE_WIDTH: i32 = 12;
/// How often all layers are drawn to their neighbours.
const PULLS: usize = 12;
/// How much more a line through several layers pulls: it should be straight.
const STRAIGHT: f64 = 8.0;

/// Left side of every slot of every layer.
pub type Places = BTreeMap<(usize, Slot), i32>;

/// What is known of one slot while the places are looked for.
struct Seat {
    slot: Slot,
    width: f64,
    /// Where arrows meet it, from its left.
    anchor: f64,
    left: f64,
}

/// Finds the places.
pub fn places(layers: &Layers, links: &[Vec<Link>], shapes: &[Shape], cards: &[Card]) -> Places {
    let seat = |slot: &Slot| {
        let (width, anchor) = match *slot {
            Slot::Cluster(cluster) => {
                let host = layers.clusters[cluster].host;
                (shapes[cluster].width, cards[host].entry_x())
            }
            Slot::Lane(_) => (LANE_WIDTH, LANE_WIDTH / 2),
        };
        Seat {
            slot: *slot,
            width: f64::from(width),
            anchor: f64::from(anchor),
            left: 0.0,
        }
    };
    let mut seats: Vec<Vec<Seat>> = layers
        .slots
        .iter()
        .map(|slots| slots.iter().map(seat).collect())
        .collect();
    for layer in &mut seats {
        pack(layer);
    }
    for pull in 0..PULLS {
        let last = seats.len();
        for layer in 1..last {
            draw(&mut seats, links, layer, pull > 0);
        }
        for layer in (0..last.saturating_sub(1)).rev() {
            draw(&mut seats, links, layer, true);
        }
    }
    let mut places = rounded(&seats);
    straighten(&mut places, &seats);
    places
}

fn pack(layer: &mut [Seat]) {
    let mut left = 0.0;
    for seat in layer {
        seat.left = left;
        left += seat.width + f64::from(GAP);
    }
}

/// How far apart two neighbours stand.
fn gap(one: Slot, other: Slot) -> i32 {
    match (one, other) {
        (Slot::Cluster(_), Slot::Cluster(_)) => GAP,
        (Slot::Lane(_), _) | (_, Slot::Lane(_)) => LANE_GAP,
    }
}

/// How far each seat stands from the first when all stand as near as they may.
fn offsets(seats: &[Seat]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::new();
    for (index, seat) in seats.iter().enumerate() {
        offsets.push(offset);
        let next = seats.get(index + 1);
        offset += seat.width + next.map_or(0.0, |next| f64::from(gap(seat.slot, next.slot)));
    }
    offsets
}

/// Moves a layer to where its neighbours draw it; `both`: also those below.
fn draw(seats: &mut [Vec<Seat>], links: &[Vec<Link>], layer: usize, both: bool) {
    let wanted: Vec<(f64, f64)> = seats[layer]
        .iter()
        .map(|seat| {
            let mut sum = 0.0;
            let mut weight = 0.0;
            let above = layer.checked_sub(1).into_iter().flat_map(|above| {
                let links = links[above].iter().filter(|link| link.below == seat.slot);
                links.map(move |link| (above, link.above))
            });
            let below = links[layer].iter().filter(|link| link.above == seat.slot);
            let below = below.map(|link| (layer + 1, link.below));
            for (other, slot) in above.chain(below.filter(|_| both)) {
                let found = seats[other].iter().find(|it| it.slot == slot);
                if let Some(found) = found {
                    let pull = pull_of(seat.slot, slot);
                    sum += pull * (found.left + found.anchor - seat.anchor);
                    weight += pull;
                }
            }
            match weight > 0.0 {
                true => (sum / weight, weight),
                false => (seat.left, 0.1),
            }
        })
        .collect();
    let offsets = offsets(&seats[layer]);
    let lefts = nondecreasing(wanted.iter().zip(&offsets).map(|((x, w), o)| (x - o, *w)));
    for ((seat, left), offset) in seats[layer].iter_mut().zip(lefts).zip(offsets) {
        seat.left = left + offset;
    }
}

fn pull_of(one: Slot, other: Slot) -> f64 {
    match (one, other) {
        (Slot::Lane(_), Slot::Lane(_)) => STRAIGHT,
        (Slot::Lane(_), Slot::Cluster(_)) | (Slot::Cluster(_), Slot::Lane(_)) => 1.5,
        (Slot::Cluster(_), Slot::Cluster(_)) => 1.0,
    }
}

/// The numbers nearest to the given ones (with their weights) that never fall: pool adjacent
/// violators.
fn nondecreasing(wanted: impl Iterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (value, weight) in wanted {
        let mut pool = (value, weight, 1);
        while let Some(before) = pools.pop() {
            if before.0 <= pool.0 {
                pools.push(before);
                break;
            }
            let weight = before.1 + pool.1;
            let mean = (before.0 * before.1 + pool.0 * pool.1) / weight;
            pool = (mean, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    let each = pools.into_iter();
    each.flat_map(|(value, _, count)| std::iter::repeat_n(value, count))
        .collect()
}

/// Whole pixels, the leftmost at 0, nothing nearer to each other than it may be.
fn rounded(seats: &[Vec<Seat>]) -> Places {
    let lefts = seats.iter().flatten().map(|seat| seat.left);
    let leftmost = lefts.fold(f64::INFINITY, f64::min);
    let mut places = Places::new();
    for (layer, seats) in seats.iter().enumerate() {
        let mut before: Option<(i32, Slot)> = None;
        for seat in seats {
            let free = before.map_or(0, |(right, slot)| right + gap(slot, seat.slot));
            let left = ((seat.left - leftmost).round() as i32).max(free);
            before = Some((left + seat.width as i32, seat.slot));
            places.insert((layer, seat.slot), left);
        }
    }
    places
}

/// Puts each lane right below the one it comes from, where that is near and there is room.
fn straighten(places: &mut Places, seats: &[Vec<Seat>]) {
    for layer in 1..seats.len() {
        let here = &seats[layer];
        for (index, seat) in here.iter().enumerate() {
            let (Slot::Lane(_), Some(above), Some(left)) = (
                seat.slot,
                places.get(&(layer - 1, seat.slot)).copied(),
                places.get(&(layer, seat.slot)).copied(),
            ) else {
                continue;
            };
            let before = index.checked_sub(1).map(|index| &here[index]);
            let free_from = before.map_or(0, |it| {
                places[&(layer, it.slot)] + it.width as i32 + gap(it.slot, seat.slot)
            });
            let free_to = here.get(index + 1).map_or(i32::MAX, |it| {
                places[&(layer, it.slot)] - LANE_WIDTH - gap(seat.slot, it.slot)
            });
            if (above - left).abs() < STEP_MIN && (free_from..=free_to).contains(&above) {
                places.insert((layer, seat.slot), above);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_fall_are_pooled_by_weight_and_others_stay() {
        let pooled = |wanted: &[(f64, f64)]| nondecreasing(wanted.iter().copied());
        assert_eq!(pooled(&[(1.0, 1.0), (2.0, 1.0)]), [1.0, 2.0]);
        assert_eq!(pooled(&[(4.0, 1.0), (2.0, 1.0)]), [3.0, 3.0]);
        assert_eq!(
            pooled(&[(4.0, 3.0), (0.0, 1.0), (9.0, 1.0)]),
            [3.0, 3.0, 9.0]
        );
        assert_eq!(pooled(&[]), [0.0; 0]);
    }
}
