//! `entrance`: opening and closing, over the control socket.

use clap::{Args, ValueEnum};
use hyper::Method;
use jiff::Zoned;
use serde_json::{Map, Value, json};

use super::control::{Control, segment};
use super::exit::{Exit, Failure};
use super::look::entrance_in_words;
use super::output::Output;
use super::{Global, until};

/// Open or close the entrance of a service
#[derive(Debug, Args)]
pub struct Entrance {
    /// What to do
    verb: Verb,
    /// The service
    service: String,
    /// Tenant of the service; needed where several tenants have one of that name
    #[arg(long)]
    tenant: Option<String>,
    /// Until then: 2026-11-20T18:00:00+01:00, 18:00 (the next one here) or +2h
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why; people read it beside the entrance
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What to do with an entrance
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verb {
    /// Let items in; with --until, even outside the opening hours
    Open,
    /// Let nothing in
    Close,
}

impl Entrance {
    pub(super) fn run(self, global: &Global, output: Output) -> Result<Exit, Failure> {
        let mut body = Map::new();
        let state = match self.verb {
            Verb::Open => "open",
            Verb::Close => "closed",
        };
        body.insert("state".to_owned(), json!(state));
        if let Some(until) = &self.until {
            let until = until::parse(until, &Zoned::now())
                .map_err(|text| Failure::new(Exit::Usage, format!("--until: {text}")))?;
            body.insert("until".to_owned(), json!(until::to_api(until)));
        }
        if let Some(reason) = &self.reason {
            body.insert("reason".to_owned(), json!(reason));
        }
        if let Some(tenant) = &self.tenant {
            body.insert("tenant".to_owned(), json!(tenant));
        }
        let path = format!("/api/v1/services/{}/entrance", segment(&self.service));
        let control = Control::new(global)?;
        let answer = control.send(Method::PUT, &path, &Value::Object(body))?;
        if output.json {
            output.json(&answer)?;
        } else {
            let entrance = answer.get("entrance").unwrap_or(&answer);
            let words = entrance_in_words(entrance);
            output.line(&format!("{}: {words}", self.service))?;
        }
        Ok(Exit::Ok)
    }
}
