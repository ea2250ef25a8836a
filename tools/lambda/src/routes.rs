//! Which function API Gateway asks, by the deployment's template.

use std::collections::BTreeMap;

use kit::Failure;
use local::template::{self, Route, Template};

/// The routes of the template, ready to be matched.
#[derive(Debug)]
pub struct Routes(template::Routes<Route>);

/// The route that a request takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The function that answers.
    pub function: String,
    /// As API Gateway names it, like `ANY /events/{id}`.
    pub route_key: String,
    /// The parts of the path that the route names.
    pub path_parameters: BTreeMap<String, String>,
}

impl Routes {
    /// The routes of this repository's template.
    ///
    /// # Errors
    /// When the template is not understood, or has no route for the rest.
    pub fn of_template() -> Result<Self, Failure> {
        Ok(Self(template::Routes::of(&Template::embedded()?, |route| Some(route.clone()))?))
    }

    /// The route of a request: the rest's if no other takes it.
    #[must_use]
    pub fn at(&self, path: &str) -> Matched {
        let (route, path_parameters) = self.0.with_parameters(path);
        Matched { function: route.function.clone(), route_key: route.key(), path_parameters }
    }
}
