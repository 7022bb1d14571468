//! Which boxes stand at which height, and in which order beside each other.
//!
//! A stage that runs beside another stands with it: the two are one *cluster*. Clusters get layers
//! by the longest way from the first stage, ways back left out. Where arrows to a stage pass
//! through a layer, they do so together in one *lane*. The order in each layer is that of the
//! neighbours' middles, swept down and up; the one with the fewest crossings is kept.

use crate::workflow::graph::{Graph, NodeKind, Target};

/// How often the order is swept down and up.
const SWEEPS: usize = 8;

/// Something that takes room in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A cluster, by its index.
    Cluster(usize),
    /// The way of all arrows to the stage of that index that pass through the layer.
    Lane(usize),
}

/// A stage and those that run beside it, by their indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub host: usize,
    pub besides: Vec<usize>,
}

/// All layers from the top.
pub struct Layers {
    pub clusters: Vec<Cluster>,
    /// The cluster of each stage.
    pub cluster_of: Vec<usize>,
    /// The layer of each cluster.
    pub layer_of: Vec<usize>,
    /// From the left.
    pub slots: Vec<Vec<Slot>>,
}

/// A line between a slot of one layer and a slot of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub above: Slot,
    pub below: Slot,
}

impl Layers {
    /// The layers of a graph.
    pub fn new(graph: &Graph) -> Layers {
        let (clusters, cluster_of) = clusters(graph);
        let arrows = arrows(graph, &cluster_of);
        let layer_of = layering(clusters.len(), &arrows);
        let mut layers = Layers {
            clusters,
            cluster_of,
            slots: vec![Vec::new(); layer_of.iter().max().map_or(0, |last| last + 1)],
            layer_of,
        };
        for (cluster, layer) in layers.layer_of.iter().enumerate() {
            layers.slots[*layer].push(Slot::Cluster(cluster));
        }
        for target in 0..graph.nodes.len() {
            let last = layers.layer(target);
            if let Some(first) = layers.first_source(graph, target) {
                for layer in first + 1..last {
                    layers.slots[layer].push(Slot::Lane(target));
                }
            }
        }
        let links = layers.links(graph);
        layers.order(&links);
        layers
    }

    /// The layer of a stage.
    pub fn layer(&self, stage: usize) -> usize {
        self.layer_of[self.cluster_of[stage]]
    }

    /// Whether an arrow between two stages leads down.
    pub fn leads_down(&self, from: usize, to: usize) -> bool {
        self.layer(from) < self.layer(to)
    }

    /// The highest layer from which an arrow leads down to the stage.
    pub fn first_source(&self, graph: &Graph, target: usize) -> Option<usize> {
        let sources = stage_edges(graph).filter(|(_, _, to)| *to == target);
        let down = sources.filter(|(_, from, to)| self.leads_down(*from, *to));
        down.map(|(_, from, _)| self.layer(from)).min()
    }

    /// What carries the arrows to a stage in a layer.
    pub fn carrier(&self, target: usize, layer: usize) -> Slot {
        match layer == self.layer(target) {
            true => Slot::Cluster(self.cluster_of[target]),
            false => Slot::Lane(target),
        }
    }

    /// The lines between each layer and the next.
    pub fn links(&self, graph: &Graph) -> Vec<Vec<Link>> {
        let mut links = vec![Vec::new(); self.slots.len()];
        for (_, from, to) in stage_edges(graph) {
            if self.leads_down(from, to) {
                let layer = self.layer(from);
                links[layer].push(Link {
                    above: Slot::Cluster(self.cluster_of[from]),
                    below: self.carrier(to, layer + 1),
                });
            }
        }
        for (layer, slots) in self.slots.iter().enumerate() {
            for slot in slots {
                if let Slot::Lane(target) = *slot {
                    links[layer].push(Link {
                        above: *slot,
                        below: self.carrier(target, layer + 1),
                    });
                }
            }
        }
        for links in &mut links {
            links.sort_unstable();
            links.dedup();
        }
        links
    }

    fn order(&mut self, links: &[Vec<Link>]) {
        let mut best = (self.crossings(links), self.slots.clone());
        for _ in 0..SWEEPS {
            for layer in 1..self.slots.len() {
                let ends = links[layer - 1].iter().map(|link| (link.below, link.above));
                self.sort(layer, layer - 1, ends);
            }
            for layer in (0..self.slots.len().saturating_sub(1)).rev() {
                let ends = links[layer].iter().map(|link| (link.above, link.below));
                self.sort(layer, layer + 1, ends);
            }
            let crossings = self.crossings(links);
            if crossings < best.0 {
                best = (crossings, self.slots.clone());
            }
        }
        self.slots = best.1;
    }

    /// Sorts a layer by the mean place of what each slot is linked with in another; what is linked
    /// with nothing stays where it is.
    fn sort(&mut self, layer: usize, other: usize, ends: impl Iterator<Item = (Slot, Slot)>) {
        let mut sums = vec![(0_usize, 0_usize); self.slots[layer].len()];
        for (here, there) in ends {
            let here = self.slots[layer].iter().position(|slot| *slot == here);
            let there = self.slots[other].iter().position(|slot| *slot == there);
            if let (Some(here), Some(there)) = (here, there) {
                sums[here].0 += there;
                sums[here].1 += 1;
            }
        }
        let count = self.slots[other].len().max(1);
        let own = self.slots[layer].len().max(1);
        let mut keyed: Vec<(usize, usize, Slot)> = self.slots[layer]
            .iter()
            .enumerate()
            .map(|(index, slot)| {
                // Thousandths of the width of the other layer.
                let key = match sums[index] {
                    (_, 0) => (index * 2 + 1) * 1_000 / (2 * own),
                    (sum, links) => (sum * 2 + links) * 1_000 / (2 * links * count),
                };
                (key, index, *slot)
            })
            .collect();
        keyed.sort_unstable();
        self.slots[layer] = keyed.into_iter().map(|(_, _, slot)| slot).collect();
    }

    fn crossings(&self, links: &[Vec<Link>]) -> usize {
        let mut crossings = 0;
        for (layer, links) in links.iter().enumerate() {
            let Some(below) = self.slots.get(layer + 1) else {
                continue;
            };
            let place = |slots: &[Slot], slot| slots.iter().position(|it| *it == slot);
            let mut ends: Vec<(Option<usize>, Option<usize>)> = links
                .iter()
                .map(|link| {
                    (
                        place(&self.slots[layer], link.above),
                        place(below, link.below),
                    )
                })
                .collect();
            ends.sort_unstable();
            for (index, first) in ends.iter().enumerate() {
                let later = &ends[index + 1..];
                crossings += later
                    .iter()
                    .filter(|second| second.0 > first.0 && second.1 < first.1)
                    .count();
            }
        }
        crossings
    }
}

/// The edges that lead to stages: index of the edge, of its stage, of its target.
pub fn stage_edges(graph: &Graph) -> impl Iterator<Item = (usize, usize, usize)> {
    let edges = graph.edges.iter().enumerate();
    edges.filter_map(|(index, edge)| match edge.to {
        Target::Stage(to) if to.index() < graph.nodes.len() => {
            Some((index, edge.from.index(), to.index()))
        }
        Target::Stage(_) | Target::End(_) => None,
    })
}

/// Clusters in the order of their hosts, and the cluster of each stage.
fn clusters(graph: &Graph) -> (Vec<Cluster>, Vec<usize>) {
    let mut clusters = Vec::new();
    let mut cluster_of = vec![0; graph.nodes.len()];
    let hosts: Vec<usize> = (0..graph.nodes.len())
        .map(|stage| host(graph, stage))
        .collect();
    for (stage, host) in hosts.iter().enumerate() {
        if *host == stage {
            cluster_of[stage] = clusters.len();
            clusters.push(Cluster {
                host: stage,
                besides: Vec::new(),
            });
        }
    }
    for (stage, host) in hosts.iter().enumerate() {
        if *host != stage {
            cluster_of[stage] = cluster_of[*host];
            clusters[cluster_of[stage]].besides.push(stage);
        }
    }
    (clusters, cluster_of)
}

/// The stage that a stage stands beside; itself where there is none. One that runs beside any
/// stage stands beside the first.
fn host(graph: &Graph, stage: usize) -> usize {
    let mut host = stage;
    // A button may be shown by a stage that stands beside another; a ring of those has no host.
    for _ in 0..graph.nodes.len() {
        match graph.nodes[host].kind {
            NodeKind::Led | NodeKind::Outside => return host,
            NodeKind::Beside { host: next, .. } => {
                let next = next.map_or(0, |number| number.index());
                if next == host || next >= graph.nodes.len() {
                    return stage;
                }
                host = next;
            }
        }
    }
    stage
}

/// From cluster to cluster.
fn arrows(graph: &Graph, cluster_of: &[usize]) -> Vec<Vec<usize>> {
    let count = cluster_of.iter().max().map_or(0, |last| last + 1);
    let mut arrows = vec![Vec::new(); count];
    for (_, from, to) in stage_edges(graph) {
        let (from, to) = (cluster_of[from], cluster_of[to]);
        if from != to && !arrows[from].contains(&to) {
            arrows[from].push(to);
        }
    }
    arrows
}

/// The layer of each cluster: that of the longest way to it, ways back left out. What nothing
/// leads to stands right above what it leads to.
fn layering(count: usize, arrows: &[Vec<usize>]) -> Vec<usize> {
    let mut walk = Walk {
        arrows,
        seen: vec![Seen::Not; count],
        down: Vec::new(),
        finished: Vec::new(),
    };
    for cluster in 0..count {
        walk.visit(cluster);
    }
    let mut layer_of = vec![0; count];
    for from in walk.finished.iter().rev() {
        for (_, to) in walk.down.iter().filter(|(above, _)| above == from) {
            layer_of[*to] = layer_of[*to].max(layer_of[*from] + 1);
        }
    }
    for root in 1..count {
        let is_root = !walk.down.iter().any(|(_, to)| *to == root);
        let targets = walk.down.iter().filter(|(from, _)| *from == root);
        let highest = targets.map(|(_, to)| layer_of[*to]).min();
        if let (true, Some(highest)) = (is_root, highest) {
            layer_of[root] = highest - 1;
        }
    }
    layer_of
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    /// On the way to where the walk is now.
    Open,
    Done,
}

/// A walk through all clusters, depth first.
struct Walk<'a> {
    arrows: &'a [Vec<usize>],
    seen: Vec<Seen>,
    /// All arrows but those that lead back.
    down: Vec<(usize, usize)>,
    /// Each after all that it leads to.
    finished: Vec<usize>,
}

impl Walk<'_> {
    /// At most as deep as there are stages.
    fn visit(&mut self, cluster: usize) {
        if self.seen[cluster] != Seen::Not {
            return;
        }
        self.seen[cluster] = Seen::Open;
        for to in &self.arrows[cluster] {
            if self.seen[*to] != Seen::Open {
                self.down.push((cluster, *to));
                self.visit(*to);
            }
        }
        self.seen[cluster] = Seen::Done;
        self.finished.push(cluster);
    }
}
