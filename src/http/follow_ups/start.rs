//! Opening a follow-up: an item of its own that a workflow leads, about another item or free-standing
//! for a customer. What is said of it has the limits of messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::code::Code;
use crate::domain::content::{ContactDatum, Customer};
use crate::domain::permission::{Action, Target};
use crate::domain::policy::CONTACT_DATA_BYTES_MAX;
use crate::domain::refusal::Refusal;
use crate::domain::workflow::NAME_CHARS_MAX;
use crate::engine::flows::command::{FollowUpSubject, StartFollowUp};
use crate::engine::view::View;
use crate::http::acting::{Acting, not_allowed};
use crate::http::answer::{self, ProblemDetails, shown};
use crate::http::items::seen;
use crate::http::json_request::{invalid, json_body};
use crate::http::routes::Routes;
use crate::http::state::Shared;

use super::json::StartedJson;

/// Characters of the caller's own id of it, and of a customer's identifier.
const REFERENCE_CHARS_MAX: usize = 128;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 200;
/// Characters of the name of a person or a company.
const CUSTOMER_NAME_CHARS_MAX: usize = 100;
/// Characters of a telephone number.
const PHONE_CHARS_MAX: usize = 40;
/// Characters of an e-mail address.
const EMAIL_CHARS_MAX: usize = 254;
/// Characters of the name of a service.
const SERVICE_CHARS_MAX: usize = 32;
/// Parameters of one follow-up.
const PARAMETERS_MAX: usize = 50;
/// Characters of a parameter's key.
const KEY_CHARS_MAX: usize = 100;
/// Characters of a parameter's value.
const VALUE_CHARS_MAX: usize = 1_024;
/// What XML takes for white space.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .post("/api/v1/follow-ups", start)
        .post("/api/v1/items/{id}/start-workflow", start_of_item)
}

/// A workflow to be started on an item.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StartWorkflow)]
pub(in crate::http) struct OfItemJson {
    /// One of the tenant's.
    workflow: String,
    /// Contact data of the follow-up, before the item's own of the same key.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// Whose entrance its `queue` goes to; without it the item's.
    service: Option<String>,
    /// Your own id of it: a repeat gets the first answer.
    reference: Option<String>,
}

/// A free-standing workflow to be started.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StartFollowUp)]
pub(in crate::http) struct FreeJson {
    /// One of the tenant's.
    workflow: String,
    /// Whose entrance its `queue` goes to.
    service: String,
    customer: Option<CustomerJson>,
    /// 1 to 200 characters; without it the workflow's name.
    title: Option<String>,
    /// Its contact data.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// Your own id of it: a repeat gets the first answer.
    reference: Option<String>,
}

/// Whom it is about.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCustomer)]
struct CustomerJson {
    /// The customer's identifier, at most 128 characters.
    id: Option<String>,
    /// At most 100 characters.
    name: Option<String>,
    /// At most 100 characters.
    company: Option<String>,
    /// At most 40 characters.
    phone: Option<String>,
    /// At most 254 characters.
    email: Option<String>,
}

/// Starts a workflow on an item: a follow-up of its own with the item's customer, title and contact
/// data. 200 for a repeat with the same reference.
#[utoipa::path(post, path = "/api/v1/items/{id}/start-workflow", tag = "follow-ups",
    params(("id" = String, Path, description = "The item's id")),
    request_body = OfItemJson,
    responses(
        (status = 201, body = StartedJson),
        (status = 200, body = StartedJson),
        ProblemDetails,
    ))]
pub(in crate::http) async fn start_of_item(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(item): Path<String>,
    request: Request,
) -> Response {
    let started = async {
        if !acting.may(Action::WorkOnItem, Target::Own) {
            return Err(not_allowed());
        }
        let seen = seen::find(&shared, &acting, item).await?;
        let body: OfItemJson = json_body(request).await?;
        let start = StartFollowUp {
            by: acting.by(),
            workflow: workflow(body.workflow)?,
            subject: FollowUpSubject::Item(seen.id()),
            service: body.service.map(service).transpose()?,
            parameters: parameters(body.parameters)?,
            reference: body.reference.map(reference).transpose()?,
        };
        carry_out(&shared, start).await
    };
    shown(started.await)
}

/// Starts a workflow for a customer, or for nobody. 200 for a repeat with the same reference.
#[utoipa::path(post, path = "/api/v1/follow-ups", tag = "follow-ups",
    request_body = FreeJson,
    responses(
        (status = 201, body = StartedJson),
        (status = 200, body = StartedJson),
        ProblemDetails,
    ))]
pub(in crate::http) async fn start(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    request: Request,
) -> Response {
    let started = async {
        acting.check_anywhere(Action::CreateItem)?;
        let body: FreeJson = json_body(request).await?;
        let service = service(body.service)?;
        let start = StartFollowUp {
            by: acting.by(),
            workflow: workflow(body.workflow)?,
            subject: FollowUpSubject::Free {
                customer: body.customer.map(customer).transpose()?.flatten(),
                title: body.title.map(title).transpose()?,
            },
            parameters: parameters(body.parameters)?,
            reference: body.reference.map(reference).transpose()?,
            service: Some(service.clone()),
        };
        may_create_in(&shared.engine.view(), &acting, &service)?;
        carry_out(&shared, start).await
    };
    shown(started.await)
}

async fn carry_out(shared: &Shared, start: StartFollowUp) -> Result<Response, Refusal> {
    let started = shared.engine.start_follow_up(start).await?;
    let repeated = started.repeated;
    let started = StartedJson::from(started);
    Ok(match repeated {
        true => answer::json_ok(&started),
        false => answer::json_created(&started),
    })
}

/// Refuses users of services in which they may create nothing. What the operator names, the engine
/// finds.
fn may_create_in(view: &View, acting: &Acting, name: &str) -> Result<(), Refusal> {
    let Some(account) = &acting.user else {
        return Ok(());
    };
    let service = view.service(account.user.tenant, name);
    let service = service.filter(|service| acting.may_with(Action::SeeService, service));
    let service = service.ok_or_else(|| {
        let message = format!("There is no service {name}.");
        Refusal::new(Code::UnknownService, message)
    })?;
    match acting.may_with(Action::CreateItem, service) {
        true => Ok(()),
        false => Err(not_allowed()),
    }
}

fn workflow(name: String) -> Result<String, Refusal> {
    plain(name, "workflow", NAME_CHARS_MAX)
}

fn service(name: String) -> Result<String, Refusal> {
    plain(name, "service", SERVICE_CHARS_MAX)
}

fn title(text: String) -> Result<String, Refusal> {
    some_line(text, "title", TITLE_CHARS_MAX)
}

fn reference(text: String) -> Result<String, Refusal> {
    some_line(text, "reference", REFERENCE_CHARS_MAX)
}

/// The customer; `None`: nothing is said of one.
fn customer(said: CustomerJson) -> Result<Option<Customer>, Refusal> {
    let field = |text: Option<String>, name: &str, chars_max: usize| {
        let text = text.map(|text| line(&text, name, chars_max)).transpose()?;
        Ok::<_, Refusal>(text.filter(|text| !text.is_empty()))
    };
    let customer = Customer {
        id: field(said.id, "customer.id", REFERENCE_CHARS_MAX)?,
        name: field(said.name, "customer.name", CUSTOMER_NAME_CHARS_MAX)?,
        company: field(said.company, "customer.company", CUSTOMER_NAME_CHARS_MAX)?,
        phone: field(said.phone, "customer.phone", PHONE_CHARS_MAX)?,
        email: field(said.email, "customer.email", EMAIL_CHARS_MAX)?,
    };
    Ok(Some(customer).filter(|customer| *customer != Customer::default()))
}

fn parameters(said: BTreeMap<String, String>) -> Result<Vec<ContactDatum>, Refusal> {
    if said.len() > PARAMETERS_MAX {
        let message = format!("parameters has at most {PARAMETERS_MAX} keys.");
        return Err(invalid(message));
    }
    let bytes: usize = said
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes as u64 > CONTACT_DATA_BYTES_MAX {
        let message = format!("The parameters have more than {CONTACT_DATA_BYTES_MAX} bytes.");
        return Err(Refusal::new(Code::ContactDataTooLarge, message));
    }
    said.into_iter().map(datum).collect()
}

fn datum((key, value): (String, String)) -> Result<ContactDatum, Refusal> {
    let key = plain(key, "A key of parameters", KEY_CHARS_MAX)?;
    if value.chars().count() > VALUE_CHARS_MAX || !value.chars().all(is_written) {
        return Err(invalid(format!(
            "The value of {key} is a text of at most {VALUE_CHARS_MAX} characters without control \
             characters."
        )));
    }
    Ok(ContactDatum { key, value })
}

/// A name of 1 to so many plain characters.
fn plain(text: String, what: &str, chars_max: usize) -> Result<String, Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match (1..=chars_max).contains(&text.len()) && text.bytes().all(is_plain) {
        true => Ok(text),
        false => Err(invalid(format!(
            "{what} is a name of 1 to {chars_max} of A-Z a-z 0-9 . _ -."
        ))),
    }
}

fn some_line(text: String, what: &str, chars_max: usize) -> Result<String, Refusal> {
    let line = line(&text, what, chars_max)?;
    match line.is_empty() {
        true => Err(invalid(format!(
            "{what} is a text of 1 to {chars_max} characters."
        ))),
        false => Ok(line),
    }
}

/// One line, white space collapsed as in messages.
fn line(text: &str, what: &str, chars_max: usize) -> Result<String, Refusal> {
    let words = text.split(BLANKS).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.chars().count() <= chars_max && line.chars().all(is_written) {
        true => Ok(line),
        false => Err(invalid(format!(
            "{what} is a text of at most {chars_max} characters without control characters."
        ))),
    }
}

/// Whether a message could hold the character (XML 1.0, 2.2).
fn is_written(char: char) -> bool {
    match char {
        '\t' | '\n' | '\r' => true,
        '\u{0}'..' ' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
        result.err().map(|refusal| refusal.code())
    }

    #[test]
    fn texts_and_names_have_their_limits() {
        type Check = fn(String) -> Option<Code>;
        // check, what it repeats, least, most
        let table: [(Check, &str, usize, usize); 6] = [
            (|text| code(title(text)), "å", 1, 200),
            (|text| code(reference(text)), "å", 1, 128),
            (|text| code(workflow(text)), "w", 1, 64),
            (|text| code(service(text)), "s", 1, 32),
            (|key| code(datum((key, String::new()))), "k", 1, 100),
            (|value| code(datum(("k".to_owned(), value))), "å", 0, 1_024),
        ];
        for (check, char, least, most) in table {
            for (chars, fits) in [
                (0, least == 0),
                (1, true),
                (most - 1, true),
                (most, true),
                (most + 1, false),
            ] {
                let expected = (!fits).then_some(Code::InvalidField);
                assert_eq!(
                    check(char.repeat(chars)),
                    expected,
                    "{char} {chars} of {most}"
                );
            }
        }
    }

    #[test]
    fn a_customers_fields_have_their_limits_and_empty_ones_are_none() {
        let none = || CustomerJson {
            id: None,
            name: None,
            company: None,
            phone: None,
            email: None,
        };
        type Put = fn(&mut CustomerJson, String);
        let table: [(Put, usize); 5] = [
            (|it, text| it.id = Some(text), 128),
            (|it, text| it.name = Some(text), 100),
            (|it, text| it.company = Some(text), 100),
            (|it, text| it.phone = Some(text), 40),
            (|it, text| it.email = Some(text), 254),
        ];
        for (put, most) in table {
            for (chars, fits) in [(most - 1, true), (most, true), (most + 1, false)] {
                let mut said = none();
                put(&mut said, "å".repeat(chars));
                let expected = (!fits).then_some(Code::InvalidField);
                assert_eq!(code(customer(said)), expected, "{chars} of {most}");
            }
            let mut said = none();
            put(&mut said, " \n".to_owned());
            assert_eq!(customer(said), Ok(None));
        }
    }

    #[test]
    fn there_are_fifty_parameters_and_32768_bytes_at_most() {
        let of = |count: usize, bytes: usize| {
            let keys = (0..count).map(|number| format!("k{number:02}"));
            let value = "x".repeat(bytes - 3);
            code(parameters(keys.map(|key| (key, value.clone())).collect()))
        };
        for (count, bytes, expected) in [
            (49, 3, None),
            (50, 3, None),
            (51, 3, Some(Code::InvalidField)),
            (32, 1_023, None),
            (32, 1_024, None),
            (33, 1_024, Some(Code::ContactDataTooLarge)),
        ] {
            assert_eq!(of(count, bytes), expected, "{count} of {bytes}");
        }
    }

    #[test]
    fn white_space_is_collapsed_and_control_characters_are_refused() {
        let text = "  Call\tAnna \r\n back ".to_owned();
        assert_eq!(title(text), Ok("Call Anna back".to_owned()));
        for text in ["a\u{0}", "a\u{1b}b", "\u{FFFE}"] {
            assert_eq!(code(title(text.to_owned())), Some(Code::InvalidField));
            let datum = datum(("key".to_owned(), text.to_owned()));
            assert_eq!(code(datum), Some(Code::InvalidField));
        }
        let lines = datum(("key".to_owned(), "one\n two".to_owned()));
        assert_eq!(lines.map(|it| it.value), Ok("one\n two".to_owned()));
        for name in ["a b", "å", "a/b"] {
            assert_eq!(code(workflow(name.to_owned())), Some(Code::InvalidField));
        }
    }
}
