//! Conditions: what they say about items, what they may not say, and that none of them breaks the
//! program that evaluates it.

use std::collections::BTreeSet;
use std::thread;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::content::{ContactDatum, Customer};
use crate::domain::facts::{LocalTime, ServiceFacts, Texts};
use crate::domain::time::Timestamp;

fn facts() -> Facts {
    Facts {
        now: Timestamp(1_795_183_391_999),
        state: "queued",
        priority: 7,
        chargeable: true,
        received_at: Timestamp(1_795_183_000_000),
        due_by: None,
        waited_ms: 61_999,
        attempts: 2,
        result: None,
        texts: Texts {
            reference: "L-1".to_owned(),
            title: Some("Secret".to_owned()),
            task_type: None,
            origin: Some("web".to_owned()),
            tags: vec!["vip".to_owned(), "car".to_owned()],
            customer: Customer {
                id: Some("K-77".to_owned()),
                ..Customer::default()
            },
            contact_data: vec![ContactDatum {
                key: "amount".to_owned(),
                value: "12000".to_owned(),
            }],
        },
        position: Some(3),
        service: ServiceFacts {
            name: "loans".to_owned(),
            open: true,
            queued: 4,
            buffered: 5,
            available: 0,
            signed_in: 2,
        },
        local: LocalTime {
            year: 2026,
            month: 11,
            day: 20,
            hour: 9,
            minute: 5,
            weekday: 5,
        },
        open_alerts: 1,
        woken: "updated",
    }
}

fn compiled(source: &str) -> Arc<dyn Condition> {
    match compile(source, &Known::anything()) {
        Ok(condition) => condition,
        Err(faults) => panic!("{source}: {faults:?}"),
    }
}

#[rstest]
#[case("item.reference == 'L-1' && item['title'] == \"Secret\"")]
#[case("!has(item.taskType) && has(item.origin) && item.origin.startsWith('w')")]
#[case("'vip' in item.tags && item.tags[1] == 'car' && size(item.tags) == 2")]
#[case("item.priority in [6, 7] && item.chargeable && item.state == 'queued'")]
#[case("!has(item.result) && !has(item.dueBy) && now - item.receivedAt == 391")]
#[case("item.customer.id.endsWith('77') && !has(item.customer.name)")]
#[case("int(data.amount) > 10000 && 'amount' in data && !('x' in data)")]
#[case("data['amount'].contains('200') && data.amount.size() == 5")]
#[case("service.name == 'loans' && service.open && service.queued + service.buffered == 9")]
#[case("service.available == 0 ? service.signedIn == 2 : false")]
#[case("position == 3 && waited == 61 && attempts == 2 && openAlerts == 1")]
#[case("time.hour == 9 && time.minute == 5 && time.weekday == 5 && time.year == 2026")]
#[case("time.text >= '08:00' && time.text < '17:00' && time.date == '2026-11-20'")]
#[case("time.day == 20 && time.month == 11 && woken == 'updated' && now == 1795183391")]
#[case("string(item.priority) == '7' && double(item.priority) > 6.5 && bool('true')")]
#[case("true")]
fn conditions_see_what_holds(#[case] source: &str) {
    let condition = compiled(source);
    assert_eq!(condition.source(), source);
    assert_eq!(condition.holds(&facts()), Ok(true), "{source}");
    let opposite = compiled(&format!("!({source})"));
    assert_eq!(opposite.holds(&facts()), Ok(false), "{source}");
}

#[rstest]
#[case("item.title == 'Secret' && item.taskType == 'x'", "not there")]
#[case("data.x == '1'", "not there")]
#[case("item[item.title] == '1'", "not there")]
#[case("int(item.title) > 1", "does not say")]
#[case("item.title > 1", "does not fit")]
#[case("item.title + 1 == 'a'", "does not fit")]
#[case("item.priority / 0 == 1", "zero")]
#[case("item.priority % (7 - item.priority) == 1", "zero")]
#[case("9223372036854775807 + item.priority > 1", "too large")]
#[case("-9223372036854775807 - item.priority > 1", "too large")]
#[case("9223372036854775807 * item.priority > 1", "too large")]
#[case("(-9223372036854775807 - 1) / -1 > 1", "too large")]
#[case("(-9223372036854775807 - 1) % -1 > 1", "too large")]
#[case("-(-9223372036854775807 - 1) > 1", "too large")]
#[case("uint(1) - uint(2) > uint(1)", "too large")]
#[case("item.tags[9] == 'x'", "shorter")]
#[case("item.title", "neither")]
#[case("item.title.size()", "neither")]
#[case("item.title && true", "fit")]
fn what_fails_says_why_without_values(#[case] source: &str, #[case] expected: &str) {
    let why = compiled(source).holds(&facts()).expect_err(source);
    assert!(why.contains(expected), "{source}: {why}");
    for value in ["Secret", "K-77", "12000", "L-1", "vip"] {
        assert!(!why.contains(value), "{why}");
    }
}

#[rstest]
#[case("true", &[])]
#[case("item.priority > 1 && has(item.dueBy) && item['result'] == 'x'", &[])]
#[case("waited > 1 && attempts > 1 && openAlerts > 1 && woken == '' && now > 1", &[])]
#[case("item.title == 'x'", &[Fact::Texts])]
#[case("has(item.customer.id)", &[Fact::Texts])]
#[case("item.tags == []", &[Fact::Texts])]
#[case("size(item) > 1", &[Fact::Texts])]
#[case("data.x == '1'", &[Fact::Texts])]
#[case("'x' in data", &[Fact::Texts])]
#[case("position > 1", &[Fact::Position])]
#[case("service.open", &[Fact::Service])]
#[case("time.hour > 1", &[Fact::LocalTime])]
#[case("[position, time.hour] == [1] || 'x' in [data.x, service.name]",
    &[Fact::Texts, Fact::Position, Fact::Service, Fact::LocalTime])]
fn conditions_say_what_they_look_at(#[case] source: &str, #[case] reads: &[Fact]) {
    assert_eq!(compiled(source).reads(), reads);
}

#[rstest]
#[case::empty("", Rule::Condition)]
#[case::half("1 +", Rule::Condition)]
#[case::characters("a § b", Rule::Condition)]
#[case::two("true true", Rule::Condition)]
#[case::all("item.tags.all(t, t == 'x')", Rule::Condition)]
#[case::exists("item.tags.exists(t, t == 'x')", Rule::Condition)]
#[case::exists_one("item.tags.exists_one(t, t == 'x')", Rule::Condition)]
#[case::map("item.tags.map(t, t) == []", Rule::Condition)]
#[case::filter("item.tags.filter(t, true) == []", Rule::Condition)]
#[case::one_within("true || [1].map(x, [1].map(y, 1)) == []", Rule::Condition)]
#[case::map_literal("{'a': 1} == {'a': 1}", Rule::Condition)]
#[case::message("Item{a: 1} == 1", Rule::Condition)]
#[case::optional("item.?title == 1", Rule::Condition)]
#[case::variable("agent == 'x'", Rule::UnknownName)]
#[case::member("item.colour == 'x'", Rule::UnknownName)]
#[case::member_by_index("item['colour'] == 'x'", Rule::UnknownName)]
#[case::member_asked_for("has(item.colour)", Rule::UnknownName)]
#[case::member_of_text("item.title.x == 1", Rule::UnknownName)]
#[case::member_of_customer("item.customer.x == 1", Rule::UnknownName)]
#[case::member_of_service("service.closed", Rule::UnknownName)]
#[case::member_of_time("time.second == 1", Rule::UnknownName)]
#[case::member_of_number("position.x == 1", Rule::UnknownName)]
#[case::type_name("type(item.title) == string", Rule::UnknownName)]
#[case::function("item.title.matches('(a+)+')", Rule::UnknownName)]
#[case::instants("timestamp('2026-11-20T00:00:00Z') == 1", Rule::UnknownName)]
#[case::arguments("size(item.tags, 1) == 1", Rule::UnknownName)]
#[case::dotted(".item.title == ''", Rule::UnknownName)]
fn what_a_condition_may_not_say_is_refused(#[case] source: &str, #[case] rule: Rule) {
    let faults = compile(source, &Known::anything()).expect_err(source);
    assert_eq!(faults[0].0, rule, "{faults:?}");
    assert!(
        faults
            .iter()
            .all(|(_, message)| message.ends_with('.') && !message.contains('\n'))
    );
}

#[test]
fn keys_are_those_that_the_service_declares() {
    let keys = BTreeSet::from(["amount".to_owned(), "work-item".to_owned()]);
    let known = Known {
        keys: Some(keys),
        ..Known::anything()
    };
    for good in [
        "data.amount == ''",
        "data['work-item'] == ''",
        "'amount' in data",
        "has(data.amount)",
    ] {
        assert!(compile(good, &known).is_ok(), "{good}");
    }
    for bad in [
        "data.x == ''",
        "data['x'] == ''",
        "'x' in data",
        "has(data.x)",
    ] {
        let faults = compile(bad, &known).expect_err(bad);
        assert_eq!(faults[0].0, Rule::UnknownKey, "{bad}");
    }
}

/// As much stack as the smallest thread that may evaluate conditions has.
const STACK_BYTES: usize = 1024 * 1024;

fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    thread.expect("a thread").join().expect("no panic")
}

/// Whether it compiles; evaluated too if it does.
fn survives(source: String) -> bool {
    on_a_small_stack(move || match compile(&source, &Known::anything()) {
        Ok(condition) => {
            let _ = condition.holds(&facts());
            let _ = condition.holds(&Facts::default());
            true
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            false
        }
    })
}

#[test]
fn brackets_and_choices_are_nested_only_so_deep() {
    let brackets = |count: usize| format!("{}true{}", "(".repeat(count), ")".repeat(count));
    assert!(survives(brackets(NESTING_MAX - 1)) && survives(brackets(NESTING_MAX)));
    assert!(!survives(brackets(NESTING_MAX + 1)) && !survives(brackets(490)));
    let choices = |count: usize| format!("{}true", "true ? true : ".repeat(count));
    assert!(survives(choices(NESTING_MAX - 1)) && survives(choices(NESTING_MAX)));
    assert!(!survives(choices(NESTING_MAX + 1)) && !survives(choices(70)));
}

#[test]
fn operators_are_deep_only_so_far() {
    let sum = |count: usize| format!("{}1 > 0", "1+".repeat(count));
    assert!(survives(sum(DEPTH_MAX - 3)) && survives(sum(DEPTH_MAX - 2)));
    assert!(!survives(sum(DEPTH_MAX - 1)) && !survives(sum(490)));
    assert!(!survives(format!("item{}", ".a".repeat(490))));
    assert!(!survives(format!("item{}", "[0]".repeat(300))));
    assert!(!survives(format!("item{}", ".size()".repeat(130))));
    assert!(
        survives(format!("true{}", " && true".repeat(120))),
        "chains are made flat"
    );
    assert!(survives(format!("[{}1] == []", "1,".repeat(490))));
    survives("!".repeat(990) + "true");
    survives("-".repeat(990) + "1");
    survives("(".repeat(1_000));
    survives("[".repeat(1_000));
    survives("{".repeat(1_000));
    survives("a?".repeat(500));
    survives("'".repeat(999));
    survives("`".repeat(999));
    survives("1 in ".repeat(199) + "1");
}

/// Pieces of which nonsense is made that looks like a condition.
const PIECES: [&str; 48] = [
    "item",
    "data",
    "service",
    "time",
    "position",
    "now",
    ".title",
    ".priority",
    ".tags",
    "['x']",
    "[0]",
    "[-1]",
    ".customer",
    ".size()",
    ".contains(",
    ".startsWith(",
    "size(",
    "int(",
    "uint(",
    "double(",
    "string(",
    "bool(",
    "has(",
    "(",
    ")",
    "[",
    "]",
    ",",
    "?",
    ":",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "<",
    "in",
    "&&",
    "||",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615u",
    "1e308",
    "'å'",
    "b'\\xff'",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_judged_without_panic(source in "\\PC{0,60}") {
        survives(source);
    }

    #[test]
    fn any_pieces_are_judged_without_panic(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24),
        spaced in any::<bool>(),
    ) {
        survives(pieces.join(if spaced { " " } else { "" }));
    }

    #[test]
    fn whatever_compiles_is_evaluated_without_panic(source in expression()) {
        survives(source);
    }
}

/// Expressions that are right as far as the grammar goes, mostly wrong in their types.
fn expression() -> impl Strategy<Value = String> {
    let leaves = [
        "item.title",
        "item.tags",
        "item.priority",
        "item",
        "data",
        "data.x",
        "service.queued",
        "time.text",
        "position",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1u",
        "18446744073709551615u",
        "0.0",
        "1e308",
        "'å'",
        "''",
        "'12'",
        "null",
        "true",
        "[]",
        "b'a'",
    ];
    let leaf = prop::sample::select(leaves.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let binary = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||",
        ]);
        let call = prop::sample::select(vec!["size", "int", "uint", "double", "string", "bool"]);
        let member = prop::sample::select(vec!["contains", "startsWith", "endsWith"]);
        prop_oneof![
            (inner.clone(), binary, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (call, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (inner.clone(), member, inner.clone())
                .prop_map(|(a, name, b)| format!("{a}.{name}({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(", "))),
        ]
    })
}
