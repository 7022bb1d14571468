//! Routes that can say which they are: whoever describes or tries all of them has the list that
//! the router was made from, so no route can be left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::state::Shared;

/// A way to ask: the method and the address with its parameters in braces, as axum and OpenAPI
/// both write it.
pub type Way = (String, &'static str);

/// See the module.
#[derive(Default)]
pub struct Routes {
    router: Router<Arc<Shared>>,
    ways: BTreeSet<Way>,
}

impl Routes {
    /// No routes.
    pub fn new() -> Routes {
        Routes::default()
    }

    /// With one more, for `GET` (and `HEAD`).
    pub fn get<H, T>(self, path: &'static str, handler: H) -> Routes
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.with(Method::GET, MethodFilter::GET, path, handler)
    }

    /// With one more, for `POST`.
    pub fn post<H, T>(self, path: &'static str, handler: H) -> Routes
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.with(Method::POST, MethodFilter::POST, path, handler)
    }

    /// With one more, for `PUT`.
    pub fn put<H, T>(self, path: &'static str, handler: H) -> Routes
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.with(Method::PUT, MethodFilter::PUT, path, handler)
    }

    /// With one more, for `PATCH`.
    pub fn patch<H, T>(self, path: &'static str, handler: H) -> Routes
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.with(Method::PATCH, MethodFilter::PATCH, path, handler)
    }

    /// With one more, for `DELETE`.
    pub fn delete<H, T>(self, path: &'static str, handler: H) -> Routes
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.with(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn with<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Routes
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.ways.insert((method.to_string(), path));
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// These and those. Panics where both have the same way, which a start would show.
    pub fn merge(mut self, others: Routes) -> Routes {
        self.ways.extend(others.ways);
        self.router = self.router.merge(others.router);
        self
    }

    /// The same behind what `wrap` puts in front of them, a middleware.
    pub fn behind(self, wrap: impl FnOnce(Router<Arc<Shared>>) -> Router<Arc<Shared>>) -> Routes {
        Routes {
            router: wrap(self.router),
            ways: self.ways,
        }
    }

    /// All of them, by method.
    pub fn ways(&self) -> &BTreeSet<Way> {
        &self.ways
    }

    /// What answers.
    pub fn into_router(self) -> Router<Arc<Shared>> {
        self.router
    }
}
