//! How things stand, as events (SIGUSR1) and as systemd's line of status.

use tracing::info;

use crate::engine::view::{Intake, View};

/// Logs one event for each service and one for the whole.
pub fn log(view: &View) {
    for service in view.services.values() {
        let reasons = service.entrance.reasons.iter();
        let reasons: Vec<&str> = reasons.map(|reason| reason.name()).collect();
        info!(
            service = %service.name,
            entrance = service.entrance.state_name(),
            reasons = reasons.join(","),
            queued = service.queued,
            buffered = service.buffered,
            scheduled = service.scheduled,
            "service"
        );
    }
    info!(
        services = view.services.len(),
        queued = view
            .services
            .values()
            .map(|service| service.queued)
            .sum::<u64>(),
        buffered = view
            .services
            .values()
            .map(|service| service.buffered)
            .sum::<u64>(),
        intake = intake(view.intake),
        "summary"
    );
}

fn intake(intake: Intake) -> &'static str {
    match intake {
        Intake::Open => "open",
        Intake::StorageFull => "storageFull",
    }
}
