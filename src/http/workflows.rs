//! Workflows in force over JSON: `/api/v1/workflows`, and their pictures. For everybody of a tenant:
//! whoever starts one must know what there is.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::code::Code;
use crate::domain::permission::{Action, Target};
use crate::domain::policy::{Policy, TenantPolicy};
use crate::domain::refusal::Refusal;
use crate::domain::workflow::{Stage, Workflow};
use crate::engine::view::View;
use crate::workflow::{self, Row};

use super::acting::{Acting, not_allowed};
use super::answer::{self, ProblemDetails, shown};
use super::json_request::{invalid, json_parameters};
use super::routes::Routes;
use super::state::Shared;

/// The routes, which need [`Acting`] among the extensions.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/workflows", list)
        .get("/api/v1/workflows/{workflow}", show)
        .get("/api/v1/workflows/{workflow}/graph.svg", picture)
}

/// A workflow in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workflow)]
pub(super) struct WorkflowJson {
    tenant: String,
    name: String,
    /// SHA-256 of its file: items finish on the version that they began with.
    digest: String,
    stages: Vec<StageJson>,
    /// The services whose items it leads, as far as one may see them.
    services: Vec<String>,
}

/// An event with its actions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkflowStage)]
struct StageJson {
    /// From 1, in the order of the file.
    stage: u8,
    title: String,
    /// What begins it, in words.
    event: String,
    /// What is done then, in words.
    actions: Vec<String>,
    /// Where its exits lead, each once.
    leads: Vec<String>,
}

impl StageJson {
    fn of((row, stage): (Row, &Stage)) -> StageJson {
        StageJson {
            stage: row.number.0,
            title: stage.event.title().to_owned(),
            event: row.event,
            actions: row.actions,
            leads: row.leads,
        }
    }
}

/// The workflows in force, by name.
#[utoipa::path(get, path = "/api/v1/workflows", tag = "workflows",
    params(("tenant" = Option<String>, Query, description = "For the operator")),
    responses((status = 200, body = [WorkflowJson]), ProblemDetails))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    uri: Uri,
) -> Response {
    let listed = || {
        let (view, policy) = (shared.engine.view(), shared.policy());
        let seen = seen(&view, &acting, &policy, &uri)?;
        let workflows: Vec<_> = seen
            .into_iter()
            .flat_map(|tenant| {
                let workflows = tenant.workflows.values();
                workflows.map(|workflow| show_one(&view, &acting, tenant, workflow))
            })
            .collect();
        Ok(answer::json_ok(&workflows))
    };
    shown(listed())
}

/// One of them.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}", tag = "workflows",
    params(
        ("workflow" = String, Path, description = "The workflow's name"),
        ("tenant" = Option<String>, Query, description = "For the operator"),
    ),
    responses((status = 200, body = WorkflowJson), ProblemDetails))]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
    uri: Uri,
) -> Response {
    let found = || {
        let (view, policy) = (shared.engine.view(), shared.policy());
        let (tenant, workflow) = one(seen(&view, &acting, &policy, &uri)?, &name)?;
        let workflow = show_one(&view, &acting, tenant, workflow);
        Ok(answer::json_ok(&workflow))
    };
    shown(found())
}

/// Its picture: stages, and where every exit leads.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/graph.svg", tag = "workflows",
    params(
        ("workflow" = String, Path, description = "The workflow's name"),
        ("tenant" = Option<String>, Query, description = "For the operator"),
    ),
    responses((status = 200, content_type = "image/svg+xml", body = String), ProblemDetails))]
pub(super) async fn picture(
    State(shared): State<Arc<Shared>>,
    Extension(acting): Extension<Acting>,
    Path(name): Path<String>,
    uri: Uri,
) -> Response {
    let found = || {
        let (view, policy) = (shared.engine.view(), shared.policy());
        let (_, workflow) = one(seen(&view, &acting, &policy, &uri)?, &name)?;
        Ok(workflow.clone())
    };
    match found() {
        Ok(workflow) => answer::svg_ok(shared.pictures.of(workflow).await.to_string()),
        Err(refusal) => shown(Err(refusal)),
    }
}

/// The tenants whose workflows one may see: one's own; for the operator the one named, or all.
fn seen<'p>(
    view: &View,
    acting: &Acting,
    policy: &'p Policy,
    uri: &Uri,
) -> Result<Vec<&'p TenantPolicy>, Refusal> {
    if !acting.may(Action::KeepOwnState, Target::Own) {
        return Err(not_allowed());
    }
    let mut parameters = json_parameters(uri, &["tenant"])?;
    let wanted = match acting.home(view)? {
        Some(home) => Some(home),
        None => parameters.remove("tenant"),
    };
    let Some(name) = wanted else {
        return Ok(policy.tenants.values().map(AsRef::as_ref).collect());
    };
    match policy.tenants.get(&name) {
        Some(tenant) => Ok(vec![tenant.as_ref()]),
        None => Err(Refusal::new(Code::NotFound, "There is no such tenant.")),
    }
}

/// The workflow of that name.
fn one<'p>(
    tenants: Vec<&'p TenantPolicy>,
    name: &str,
) -> Result<(&'p TenantPolicy, &'p Arc<Workflow>), Refusal> {
    let found = tenants.into_iter().filter_map(|tenant| {
        let workflow = tenant.workflows.get(name)?;
        Some((tenant, workflow))
    });
    match found.collect::<Vec<_>>().as_slice() {
        [one] => Ok(*one),
        [] => Err(Refusal::new(
            Code::NotFound,
            format!("There is no workflow {name}."),
        )),
        _ => Err(invalid(
            "Several tenants have a workflow of that name: say which with tenant.",
        )),
    }
}

fn show_one(
    view: &View,
    acting: &Acting,
    tenant: &TenantPolicy,
    workflow: &Workflow,
) -> WorkflowJson {
    let id = view.tenant_named(&tenant.name).map(|(id, _)| id);
    let is_seen = |name: &str| {
        let service = id.and_then(|id| view.service(id, name));
        service.is_some_and(|service| acting.may_with(Action::SeeService, service))
    };
    let led = tenant.services.values().filter(|service| {
        let leads = service.workflow.as_ref();
        leads.is_some_and(|leads| leads.name == workflow.name) && is_seen(&service.name)
    });
    let stages = workflow::table(workflow).into_iter().zip(&workflow.stages);
    WorkflowJson {
        tenant: tenant.name.clone(),
        name: workflow.name.clone(),
        digest: workflow.digest.to_string(),
        stages: stages.map(StageJson::of).collect(),
        services: led.map(|service| service.name.clone()).collect(),
    }
}
