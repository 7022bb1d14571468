//! What a condition may name and call, and what it therefore looks at.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use crate::domain::facts::Fact;
use crate::wire::strict::fault::shown;
use crate::workflow::fault::Rule;
use crate::workflow::known::{Known, has};

use super::DEPTH_MAX;

/// The operators, as the parser names them.
const OPERATORS: [&str; 16] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
];
/// Functions called as `size(x)`.
const GLOBAL: [&str; 6] = ["size", "int", "uint", "double", "string", "bool"];
/// Functions called as `x.contains(y)`.
const MEMBER: [&str; 4] = ["size", "contains", "startsWith", "endsWith"];
/// What the parser makes calls or loops of, and loops are refused.
const LOOPS: [&str; 5] = [
    operators::ALL,
    operators::EXISTS,
    operators::EXISTS_ONE,
    operators::MAP,
    operators::FILTER,
];

/// A name that a condition may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Variable {
    Item,
    Data,
    Service,
    Time,
    Position,
    Waited,
    Attempts,
    OpenAlerts,
    Woken,
    Now,
}

/// Members of the item that nothing but the row is needed for.
const ITEM_ROW: [&str; 6] = [
    "priority",
    "chargeable",
    "state",
    "result",
    "receivedAt",
    "dueBy",
];
/// Members of the item that the sender wrote.
const ITEM_TEXTS: [&str; 6] = ["reference", "title", "taskType", "origin", "tags", CUSTOMER];
const CUSTOMER: &str = "customer";
const CUSTOMER_MEMBERS: [&str; 5] = ["id", "name", "company", "phone", "email"];
const SERVICE_MEMBERS: [&str; 6] = [
    "name",
    "open",
    "queued",
    "buffered",
    "available",
    "signedIn",
];
const TIME_MEMBERS: [&str; 8] = [
    "hour", "minute", "weekday", "day", "month", "year", "text", "date",
];

impl Variable {
    pub(super) const ALL: [Variable; 10] = [
        Variable::Item,
        Variable::Data,
        Variable::Service,
        Variable::Time,
        Variable::Position,
        Variable::Waited,
        Variable::Attempts,
        Variable::OpenAlerts,
        Variable::Woken,
        Variable::Now,
    ];

    /// As conditions write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Variable::Item => "item",
            Variable::Data => "data",
            Variable::Service => "service",
            Variable::Time => "time",
            Variable::Position => "position",
            Variable::Waited => "waited",
            Variable::Attempts => "attempts",
            Variable::OpenAlerts => "openAlerts",
            Variable::Woken => "woken",
            Variable::Now => "now",
        }
    }

    /// What must be found out for the member of that name; for all of it, without one.
    fn reads(self, member: Option<&str>) -> Option<Fact> {
        match self {
            Variable::Item => match member {
                Some(member) if ITEM_ROW.contains(&member) => None,
                Some(_) | None => Some(Fact::Texts),
            },
            Variable::Data => Some(Fact::Texts),
            Variable::Service => Some(Fact::Service),
            Variable::Time => Some(Fact::LocalTime),
            Variable::Position => Some(Fact::Position),
            Variable::Waited
            | Variable::Attempts
            | Variable::OpenAlerts
            | Variable::Woken
            | Variable::Now => None,
        }
    }

    /// Whether `members`, each one of the one before, are there.
    fn has(self, members: &[&str], known: &Known) -> bool {
        match (self, members) {
            (_, []) => true,
            (Variable::Item, [CUSTOMER, rest @ ..]) => match rest {
                [] => true,
                [member] => CUSTOMER_MEMBERS.contains(member),
                _ => false,
            },
            (Variable::Item, [member]) => ITEM_ROW.contains(member) || ITEM_TEXTS.contains(member),
            (Variable::Service, [member]) => SERVICE_MEMBERS.contains(member),
            (Variable::Time, [member]) => TIME_MEMBERS.contains(member),
            (Variable::Data, [key]) => has(known.keys.as_ref(), key),
            (
                Variable::Item
                | Variable::Data
                | Variable::Service
                | Variable::Time
                | Variable::Position
                | Variable::Waited
                | Variable::Attempts
                | Variable::OpenAlerts
                | Variable::Woken
                | Variable::Now,
                _,
            ) => false,
        }
    }
}

/// What a condition uses.
pub(super) struct Found {
    pub(super) variables: Vec<Variable>,
    pub(super) reads: Vec<Fact>,
}

/// Looks through a parsed condition.
///
/// # Errors
/// What is wrong with it, each with the rule it breaks.
pub(super) fn look(expression: &IdedExpr, known: &Known) -> Result<Found, Vec<(Rule, String)>> {
    let mut look = Look {
        known,
        variables: BTreeSet::new(),
        reads: BTreeSet::new(),
        faults: Vec::new(),
    };
    look.at(expression, 1);
    if look.faults.is_empty() {
        return Ok(Found {
            variables: look.variables.into_iter().collect(),
            reads: look.reads.into_iter().collect(),
        });
    }
    look.faults.dedup();
    Err(look.faults)
}

struct Look<'a> {
    known: &'a Known,
    variables: BTreeSet<Variable>,
    reads: BTreeSet<Fact>,
    faults: Vec<(Rule, String)>,
}

impl Look<'_> {
    fn refuse(&mut self, rule: Rule, message: impl Into<String>) {
        self.faults.push((rule, message.into()));
    }

    fn at(&mut self, expression: &IdedExpr, depth: usize) {
        if depth > DEPTH_MAX {
            let message = format!("Split the condition: it may be {DEPTH_MAX} operators deep.");
            return self.refuse(Rule::Condition, message);
        }
        if let Some((root, members)) = path(expression) {
            return self.named(root, &members);
        }
        match &expression.expr {
            Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Select(select) => self.at(&select.operand, depth + 1),
            Expr::List(list) => {
                for element in &list.elements {
                    self.at(element, depth + 1);
                }
            }
            Expr::Call(call) => self.call(call, depth),
            Expr::Comprehension(_) => self.refuse(Rule::Condition, NO_LOOPS),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                let message = "Take the braces out of the condition: it may have none.";
                self.refuse(Rule::Condition, message);
            }
        }
    }

    fn call(&mut self, call: &CallExpr, depth: usize) {
        let name = call.func_name.as_str();
        let arguments = (call.target.is_some(), call.args.as_slice());
        match arguments {
            // A key that is asked for by its name is checked like one that is read.
            (false, [key, map]) if name == operators::IN => {
                if let (Some(key), Expr::Ident(root)) = (literal(key), &map.expr)
                    && root == Variable::Data.name()
                {
                    return self.named(root, &[key]);
                }
            }
            (false, _) if OPERATORS.contains(&name) || name == operators::INDEX => {}
            (false, [_]) if GLOBAL.contains(&name) => {}
            (true, []) if name == "size" => {}
            (true, [_]) if MEMBER.contains(&name) && name != "size" => {}
            _ if LOOPS.contains(&name) => self.refuse(Rule::Condition, NO_LOOPS),
            _ => {
                let message = format!(
                    "A condition has no function {}: it has size, contains, startsWith, endsWith, \
                     has, int, uint, double, string and bool, each with its one argument.",
                    shown(name)
                );
                self.refuse(Rule::UnknownName, message);
            }
        }
        for part in call.target.as_deref().into_iter().chain(&call.args) {
            self.at(part, depth + 1);
        }
    }

    /// A variable, or a member of one.
    fn named(&mut self, root: &str, members: &[&str]) {
        let variable = Variable::ALL.into_iter().find(|it| it.name() == root);
        let Some(variable) = variable else {
            let names = Variable::ALL.map(Variable::name).join(", ");
            let message = format!("A condition knows no {}: it knows {names}.", shown(root));
            return self.refuse(Rule::UnknownName, message);
        };
        if !variable.has(members, self.known) {
            let name = shown(&members.join("."));
            let (rule, message) = match (variable, members) {
                (Variable::Data, [_]) => {
                    let message = format!("The service declares no key {name}: declare it.");
                    (Rule::UnknownKey, message)
                }
                _ => (Rule::UnknownName, format!("There is no {root}.{name}.")),
            };
            return self.refuse(rule, message);
        }
        self.variables.insert(variable);
        self.reads.extend(variable.reads(members.first().copied()));
    }
}

const NO_LOOPS: &str =
    "Take all, exists, exists_one, map and filter out of the condition: it may not loop.";

/// `item.customer.id` and `item["customer"].id` as a variable and its members; `None` for anything
/// that is not read by names alone.
fn path(expression: &IdedExpr) -> Option<(&str, Vec<&str>)> {
    let mut members = Vec::new();
    let mut expression = expression;
    loop {
        match &expression.expr {
            Expr::Ident(name) => {
                members.reverse();
                return Some((name, members));
            }
            Expr::Select(select) => {
                members.push(select.field.as_str());
                expression = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
                [map, key] => {
                    members.push(literal(key)?);
                    expression = map;
                }
                _ => return None,
            },
            Expr::Call(_)
            | Expr::Literal(_)
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Comprehension(_)
            | Expr::Unspecified => return None,
        }
    }
}

/// A string as it stands there.
fn literal(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
