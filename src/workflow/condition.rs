//! Conditions: expressions of CEL (Common Expression Language), compiled once.
//!
//! What a condition may name and do is a closed list ([`names`]), so that a mistake shows when the
//! file is checked and not when an item comes by. There are no loops: the longest condition costs
//! little more than reading it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::thread;

use cel::parser::Parser;
use cel::{Context, Env, ExecutionError, IdedExpr, Value};

use crate::domain::facts::{Fact, Facts};
use crate::domain::workflow::Condition;

use super::fault::Rule;
use super::known::Known;

use self::names::Variable;

mod names;
mod values;

/// Brackets open at the same time, and conditional parts (`? :`): each costs the parser stack.
const NESTING_MAX: usize = 12;
/// Operators within operators. Evaluation takes up to 40 kB of the stack for each in a debug build,
/// so that any thread can do it.
const DEPTH_MAX: usize = 16;
/// Stack of the parser.
const PARSER_STACK_BYTES: usize = 16 * 1024 * 1024;

/// The functions that conditions may call; without regular expressions, times and optional values.
static FUNCTIONS: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// A condition that compiled.
struct Compiled {
    source: String,
    expression: IdedExpr,
    variables: Vec<Variable>,
    reads: Vec<Fact>,
}

/// Compiles a condition.
///
/// # Errors
/// What is wrong with it, each with the rule it breaks.
pub(super) fn compile(
    source: &str,
    known: &Known,
) -> Result<Arc<dyn Condition>, Vec<(Rule, String)>> {
    let refused = |message: String| vec![(Rule::Condition, message)];
    if nesting(source) > NESTING_MAX {
        let message = format!(
            "Split the condition: it may have {NESTING_MAX} brackets, one in another, and \
             as many question marks."
        );
        return Err(refused(message));
    }
    let expression = parse(source).map_err(refused)?;
    let found = names::look(&expression, known)?;
    Ok(Arc::new(Compiled {
        source: source.to_owned(),
        expression,
        variables: found.variables,
        reads: found.reads,
    }))
}

/// Parses on a stack of its own: the parser takes up to 100 kB for one bracket in a debug build,
/// and nobody knows how much is left of the caller's. A panic of the parser ends here, too.
fn parse(source: &str) -> Result<IdedExpr, String> {
    let parsed = thread::scope(|scope| {
        let parser = thread::Builder::new()
            .name("condition".to_owned())
            .stack_size(PARSER_STACK_BYTES)
            .spawn_scoped(scope, || Parser::new().parse(source));
        parser.map(|thread| thread.join())
    });
    match parsed {
        Ok(Ok(Ok(expression))) => Ok(expression),
        Ok(Ok(Err(errors))) => {
            let first = errors.errors.first().map(|error| error.msg.as_str());
            let first = first.and_then(|message| message.lines().next());
            let first = first.unwrap_or("it is no expression");
            Err(format!("Mend the condition: {first}."))
        }
        Ok(Err(_panic)) => Err("Write the condition otherwise: it cannot be read.".to_owned()),
        Err(_no_thread) => Err("Try again: there was no thread to read the condition.".to_owned()),
    }
}

/// The condition that never holds.
pub(super) fn never() -> Arc<dyn Condition> {
    Arc::new(Never)
}

/// Stands where a condition cannot be compiled; never in a workflow that was loaded.
#[derive(Debug)]
struct Never;

impl Condition for Never {
    fn source(&self) -> &str {
        "false"
    }

    fn reads(&self) -> &[Fact] {
        &[]
    }

    fn holds(&self, _facts: &Facts) -> Result<bool, String> {
        Ok(false)
    }
}

/// Brackets in brackets, and question marks. What stands in strings counts too: who needs so many
/// there can do without.
fn nesting(source: &str) -> usize {
    let (mut open, mut deepest, mut choices) = (0_usize, 0, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'?' => choices += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest.max(choices)
}

impl Condition for Compiled {
    fn source(&self) -> &str {
        &self.source
    }

    fn reads(&self) -> &[Fact] {
        &self.reads
    }

    fn holds(&self, facts: &Facts) -> Result<bool, String> {
        let mut context = Context::with_env(Arc::clone(&FUNCTIONS));
        for variable in &self.variables {
            let value = values::of(*variable, facts);
            context.add_variable_from_value(variable.name(), value);
        }
        match context.resolve(&self.expression) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("it is neither true nor false".to_owned()),
            Err(error) => Err(why(&error).to_owned()),
        }
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// What went wrong, without any of the values it went wrong with: they are the customer's.
fn why(error: &ExecutionError) -> &'static str {
    match error {
        ExecutionError::NoSuchKey(_) => "something it names is not there; ask has() first",
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero"
        }
        ExecutionError::Overflow(..) => "a number in it is too large",
        ExecutionError::IndexOutOfBounds(_) => "a list in it is shorter than it expects",
        ExecutionError::NoSuchOverload(_)
        | ExecutionError::ValuesNotComparable(..)
        | ExecutionError::UnsupportedBinaryOperator(..)
        | ExecutionError::UnsupportedIndex(..)
        | ExecutionError::UnsupportedTargetType { .. }
        | ExecutionError::UnsupportedKeyType(_)
        | ExecutionError::UnexpectedType { .. } => "it puts together what does not fit together",
        ExecutionError::FunctionError { .. } => "a text in it does not say what it should",
        _ => "it cannot be evaluated",
    }
}

/// A map of the values that are there.
fn map<const N: usize>(entries: [(&'static str, Option<Value>); N]) -> Value {
    let present = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    Value::from(present.collect::<HashMap<&'static str, Value>>())
}

#[cfg(test)]
mod tests;
