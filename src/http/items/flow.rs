//! Where an item stands in its workflow, as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::flow::{Flow, Rest};
use crate::domain::policy::TenantPolicy;
use crate::domain::workflow::Action;
use crate::http::json::time;

/// Where an item stands in its workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemWorkflow)]
pub(super) struct FlowJson {
    name: String,
    /// From 1.
    stage: u8,
    stages: u8,
    /// When the workflow came to the stage.
    since: String,
    /// The latest end of a wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_until: Option<String>,
    /// Why it waits, as the workflow says; absent too where an older version of it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// Why it cannot go on: `tooManySteps` or `unreadableVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<&'static str>,
}

impl FlowJson {
    /// The flow of an item of that tenant.
    pub(super) fn of(flow: &Flow, tenant: Option<&TenantPolicy>) -> FlowJson {
        let (until, stopped) = match flow.rest {
            Rest::Beginning | Rest::Queued { .. } => (None, None),
            Rest::Waiting { until, .. } => (Some(until), None),
            Rest::Stopped(stop) => (None, Some(stop.name())),
        };
        FlowJson {
            name: flow.name.clone(),
            stage: flow.stage.0,
            stages: flow.stages,
            since: time(flow.stage_began_at),
            waiting_until: until.map(time),
            because: tenant.and_then(|tenant| because(flow, tenant)),
            stopped,
        }
    }
}

/// Why the flow waits, where its own version of the workflow is in force.
fn because(flow: &Flow, tenant: &TenantPolicy) -> Option<String> {
    let Rest::Waiting { action, .. } = flow.rest else {
        return None;
    };
    let workflow = tenant.workflows.get(&flow.name);
    let workflow = workflow.filter(|workflow| workflow.digest == flow.workflow)?;
    match workflow.stage(flow.stage)?.actions.get(usize::from(action)) {
        Some(Action::Wait { because, .. }) => because.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::flow::{Steps, Stop};
    use crate::domain::time::Timestamp;
    use crate::domain::workflow::{Event, Stage, StageNumber, Workflow, WorkflowDigest};
    use crate::http::tests::world::policy;

    const DIGEST: WorkflowDigest = WorkflowDigest([7; 32]);

    fn flow(rest: Rest) -> Flow {
        Flow {
            workflow: DIGEST,
            name: "loan".to_owned(),
            stages: 2,
            began_at: Timestamp(0),
            stage: StageNumber(1),
            stage_began_at: Timestamp(1_000),
            rest,
            fired: Vec::new(),
            buttons: Vec::new(),
            woken: None,
            open_alerts: 0,
            steps: Steps::default(),
            started: 0,
            depth: 0,
            due: None,
        }
    }

    /// The tenant `demo` with the workflow `loan`, which waits in its first stage.
    fn tenant(digest: WorkflowDigest) -> TenantPolicy {
        let wait = Action::Wait {
            until: None,
            for_ms: Some(1),
            because: Some("the credit check runs".to_owned()),
        };
        let stages = [vec![Action::ForceQueue, wait], vec![Action::Finish]];
        let workflow = Workflow {
            name: "loan".to_owned(),
            digest,
            source: "".into(),
            stages: stages
                .map(|actions| Stage {
                    event: Event::Received,
                    actions,
                    line: 1,
                })
                .into(),
        };
        let mut tenant = policy().tenants["demo"].as_ref().clone();
        tenant
            .workflows
            .insert("loan".to_owned(), Arc::new(workflow));
        tenant
    }

    #[test]
    fn a_flow_says_where_it_stands_and_why() {
        let waiting = Rest::Waiting {
            action: 1,
            until: Timestamp(2_000),
        };
        let queued = Rest::Queued {
            action: 0,
            waited_ms: 0,
            since: None,
        };
        let base = json!({"name": "loan", "stage": 1, "stages": 2,
            "since": "1970-01-01T00:00:01.000Z"});
        let with = |more: &[(&str, &str)]| {
            let mut value = base.clone();
            for (name, text) in more {
                value[*name] = json!(text);
            }
            value
        };
        let until = ("waitingUntil", "1970-01-01T00:00:02.000Z");
        let because = ("because", "the credit check runs");
        let other = WorkflowDigest([8; 32]);
        for (rest, in_force, expected) in [
            (Rest::Beginning, DIGEST, with(&[])),
            (queued, DIGEST, with(&[])),
            (waiting, DIGEST, with(&[until, because])),
            (waiting, other, with(&[until])),
            (
                Rest::Stopped(Stop::TooManySteps),
                DIGEST,
                with(&[("stopped", "tooManySteps")]),
            ),
        ] {
            let shown = FlowJson::of(&flow(rest), Some(&tenant(in_force)));
            let shown = serde_json::to_value(shown).expect("names become JSON");
            assert_eq!(shown, expected, "{rest:?}");
        }
    }
}
