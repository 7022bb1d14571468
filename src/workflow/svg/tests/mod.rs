//! What must hold for every picture.

pub(in crate::workflow) mod samples;

use proptest::prelude::*;

use super::*;
use crate::domain::workflow::{Action, Audience, Elapsed, Event, Queue};
use crate::wire::strict::{StrictReader, XmlEvent, XmlLimits};

/// From left top to right bottom, both inside.
type Area = (Point, Point);

fn pictured(workflow: &Workflow) -> (Graph, Vec<Card>, Picture) {
    let graph = graph(workflow);
    let cards: Vec<Card> = graph
        .nodes
        .iter()
        .map(|node| Card::new(workflow, &graph, node))
        .collect();
    let picture = picture(&graph, &cards);
    (graph, cards, picture)
}

fn areas(cards: &[Card], picture: &Picture) -> Vec<Area> {
    let boxes = picture.boxes.iter().zip(cards);
    boxes
        .map(|(at, card)| {
            let end = Point {
                x: at.x + card.width,
                y: at.y + card.height,
            };
            (*at, end)
        })
        .collect()
}

/// Whether two areas have more in common than a border.
fn overlap(one: &Area, other: &Area) -> bool {
    one.0.x < other.1.x && other.0.x < one.1.x && one.0.y < other.1.y && other.0.y < one.1.y
}

/// A line between two corners as an area of no width, that overlaps what it runs through.
fn line(from: Point, to: Point) -> Area {
    let min = Point {
        x: from.x.min(to.x),
        y: from.y.min(to.y),
    };
    let max = Point {
        x: from.x.max(to.x),
        y: from.y.max(to.y),
    };
    (min, max)
}

fn assert_sound(workflow: &Workflow) {
    let (graph, cards, picture) = pictured(workflow);
    let areas = areas(&cards, &picture);
    for (index, area) in areas.iter().enumerate() {
        assert!(area.0.x > 0 && area.1.x < picture.width, "{index} is in it");
        assert!(
            area.0.y > 0 && area.1.y < picture.height,
            "{index} is in it"
        );
        for (other, later) in areas.iter().enumerate().skip(index + 1) {
            assert!(!overlap(area, later), "boxes {index} and {other} overlap");
        }
    }
    let stages = stage_edges(&graph).count();
    assert_eq!(picture.arrows.len(), stages, "every edge has its arrow");
    for ((edge, from, to), (drawn, corners)) in stage_edges(&graph).zip(&picture.arrows) {
        assert_eq!(edge, *drawn);
        let (first, last) = (corners[0], corners[corners.len() - 1]);
        assert_eq!(first.x, areas[from].1.x, "it begins at the side of its box");
        assert!((areas[from].0.y..areas[from].1.y).contains(&first.y));
        assert_eq!(last.y, areas[to].0.y, "it ends at the top of its box");
        assert!((areas[to].0.x..areas[to].1.x).contains(&last.x));
        assert!(corners[corners.len() - 2].y < last.y, "it comes from above");
    }
    let lines = picture.arrows.iter().map(|(_, corners)| corners);
    for corners in lines.chain(&picture.dashes) {
        for pair in corners.windows(2) {
            assert!(
                pair[0].x == pair[1].x || pair[0].y == pair[1].y,
                "lines are level or upright"
            );
            let line = line(pair[0], pair[1]);
            assert!(line.0.x > 0 && line.1.x < picture.width);
            for (index, area) in areas.iter().enumerate() {
                assert!(!through(&line, area), "a line runs through box {index}");
            }
        }
    }
}

/// Whether a level or upright line has a point inside an area.
fn through(line: &Area, area: &Area) -> bool {
    line.0.x < area.1.x && area.0.x < line.1.x && line.0.y < area.1.y && area.0.y < line.1.y
        || line.0.x == line.1.x
            && (area.0.x + 1..area.1.x).contains(&line.0.x)
            && line.0.y < area.1.y
            && area.0.y < line.1.y
        || line.0.y == line.1.y
            && (area.0.y + 1..area.1.y).contains(&line.0.y)
            && line.0.x < area.1.x
            && area.0.x < line.1.x
}

/// Reads it with the reader that messages are read with. Returns the names of its elements.
fn elements(svg: &str) -> Vec<String> {
    let limits = XmlLimits {
        elements_max: usize::MAX,
        ..XmlLimits::default()
    };
    let mut reader = StrictReader::new(svg, limits);
    let mut names = Vec::new();
    loop {
        match reader.next().expect("it is well-formed") {
            XmlEvent::Start(tag) => names.push(tag.local.to_owned()),
            XmlEvent::Text(_) | XmlEvent::End { .. } => {}
            XmlEvent::Eof => return names,
        }
    }
}

#[test]
fn the_picture_of_the_specifications_example_is_as_kept() {
    let text = svg(&samples::car_loan());
    samples::as_kept("docs/pictures/car-loan.svg", &text);
}

#[test]
fn small_and_large_pictures_are_sound() {
    assert_sound(&samples::car_loan());
    assert_sound(&samples::large());
    let alone = samples::stage(Event::Received, vec![Action::Finish]);
    assert_sound(&samples::workflow("alone", vec![alone]));
}

#[test]
fn the_densest_picture_there_may_be_is_sound() {
    let stages = (0..100_u8).map(|stage| {
        let event = match stage {
            0 => Event::Received,
            _ => samples::goto(&format!("stage-{stage}")),
        };
        let checks = (0..49_u8).map(|action| {
            let to = |factor: u8| 2 + stage.wrapping_mul(factor).wrapping_add(action * 2) % 99;
            samples::check("attempts > 1", to(7), Some(to(13)))
        });
        samples::stage(event, checks.chain([Action::Finish]).collect())
    });
    assert_sound(&samples::workflow("densest", stages.collect()));
}

#[test]
fn the_same_workflow_gives_the_same_picture() {
    assert_eq!(svg(&samples::large()), svg(&samples::large()));
}

#[test]
fn texts_cannot_become_elements() {
    let hostile = "</text><script>alert(1)</script>\"'&\u{1}";
    let stage = samples::stage(
        Event::Received,
        vec![
            samples::alert(Audience::Group(hostile.to_owned()), hostile),
            Action::Finish,
        ],
    );
    let text = svg(&samples::workflow(hostile, vec![stage]));
    assert!(!text.contains("<script"));
    assert!(text.contains("&lt;script&gt;"));
    let known = [
        "svg", "title", "desc", "style", "rect", "text", "g", "path", "circle",
    ];
    for name in elements(&text) {
        assert!(known.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn pictures_say_to_readers_what_they_show() {
    let text = svg(&samples::car_loan());
    let document = roxmltree::Document::parse(&text).expect("it is XML");
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let child = |name: &str| {
        let found = root.children().find(|node| node.has_tag_name((SVG, name)));
        found.and_then(|node| node.text()).unwrap_or_default()
    };
    const SVG: &str = "http://www.w3.org/2000/svg";
    assert_eq!(child("title"), "workflow car-loan");
    assert!(
        child("desc")
            .contains("Stage 2, goto “work”: queue: ended to stage 9; queue: expired to stage 6.")
    );
    assert!(child("style").contains("prefers-color-scheme: dark"));
}

/// Anything but the first, and stages that others lead to.
fn any_event(gotos: u8) -> impl Strategy<Value = Event> {
    prop_oneof![
        (1..gotos + 2).prop_map(|within| Event::Elapsed {
            when: Elapsed::After { ms: 1_000 },
            within: Some(samples::number(within)),
        }),
        Just(Event::Updated),
        (0_u8..3).prop_map(|name| Event::Button {
            name: format!("button-{name}"),
        }),
    ]
}

/// Exits lead to goto stages, which here stand behind the first.
fn any_action(gotos: u8) -> impl Strategy<Value = Action> {
    let to = || 2..gotos + 2;
    prop_oneof![
        to().prop_map(|to| Action::Goto(samples::number(to))),
        (to(), to()).prop_map(|(one, other)| samples::check("attempts > 1", one, Some(other))),
        (to(), to(), to()).prop_map(|(ended, expired, declined)| Action::Queue(Queue {
            declined: Some(samples::number(declined)),
            ..samples::queue(Some(1_000), ended, Some(expired))
        })),
        (0_u8..3).prop_map(|name| Action::Button {
            name: format!("button-{name}"),
            label: "Go".to_owned(),
            to: Audience::Group("backoffice".to_owned()),
        }),
        Just(Action::RelaxSkills),
    ]
}

fn any_workflow() -> impl Strategy<Value = Workflow> {
    (1_u8..16).prop_flat_map(|gotos| {
        let actions = move || prop::collection::vec(any_action(gotos), 0..5);
        let led = prop::collection::vec(actions(), usize::from(gotos) + 1);
        let others = prop::collection::vec((any_event(gotos), actions()), 0..8);
        (led, others).prop_map(|(led, others)| {
            let led = led.into_iter().enumerate().map(|(index, actions)| {
                let event = match index {
                    0 => Event::Received,
                    _ => samples::goto(&format!("stage-{index}")),
                };
                samples::stage(event, actions)
            });
            let others = others.into_iter();
            let others = others.map(|(event, actions)| samples::stage(event, actions));
            samples::workflow("any", led.chain(others).collect())
        })
    })
}

proptest! {
    #[test]
    fn whatever_leads_where_the_picture_is_sound_and_well_formed(workflow in any_workflow()) {
        assert_sound(&workflow);
        elements(&svg(&workflow));
    }
}
