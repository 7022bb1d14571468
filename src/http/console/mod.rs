//! The JSON interface for people and for the programs that act for them, on the console's listener.
//!
//! - [`session`]: signing in and out; [`cookie`] carries a session, [`guard`] lets in who is known;
//! - [`me`]: what is one's own, [`desk`]: what one works on; items, follow-ups, workflows, agents,
//!   services, users and notifications are those of [`super::items`], [`super::follow_ups`],
//!   [`super::workflows`], [`super::agents`], [`super::services`], [`super::users`] and
//!   [`super::notifications`];
//! - [`events`]: what happens, as it happens, to those who watch;
//! - [`headers`]: what browsers are told with every answer; [`openapi`] describes all of it.
//!
//! # A new route
//! 1. Write the handler in the file of its noun, with `#[utoipa::path]` above it. It takes who asks
//!    as `Extension<SignedIn>`, or, where the control socket has the same route, as
//!    `Extension<Acting>`; the address, for the audit, as `Extension<Remote>`. It asks
//!    [`crate::domain::permission::may`] itself: being known allows nothing yet.
//! 2. Add it to the `routes()` of that file, and a new file's `routes()` to [`behind_the_guard`].
//! 3. Name it in the `paths` of [`openapi`].
//! 4. Say in `tests/roles.rs` whom it answers what.
//!
//! Tests fail where 3 or 4 was left out, for they start from the list that the router is made of.

pub mod cookie;
pub mod desk;
pub mod events;
pub mod guard;
pub mod headers;
pub mod me;
pub mod openapi;
pub mod session;

#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware;

use super::agents;
use super::answer;
use super::follow_ups;
use super::items;
use super::notifications;
use super::ops;
use super::routes::Routes;
use super::services;
use super::state::Shared;
use super::users;
use super::workflows;

/// Everything that is answered on the console's listener, the probes included.
pub fn router(shared: Arc<Shared>) -> Router {
    routes(&shared)
        .into_router()
        .with_state(shared.clone())
        .merge(ops::router(shared))
        .fallback(answer::unknown_route)
        .method_not_allowed_fallback(answer::wrong_method)
        .layer(middleware::map_response(headers::secure))
}

/// All of the interface.
fn routes(shared: &Arc<Shared>) -> Routes {
    let guard = middleware::from_fn_with_state(shared.clone(), guard::admit);
    let guarded = behind_the_guard().behind(|router| router.route_layer(guard));
    session::open_routes()
        .merge(openapi::routes())
        .merge(guarded)
}

/// What is only for those who are known.
fn behind_the_guard() -> Routes {
    session::routes()
        .merge(me::routes())
        .merge(desk::routes())
        .merge(events::routes())
        .merge(items::routes())
        .merge(agents::routes())
        .merge(follow_ups::routes())
        .merge(workflows::routes())
        .merge(services::routes())
        .merge(users::routes())
        .merge(notifications::routes())
}
