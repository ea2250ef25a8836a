//! What answers at a path, found as API Gateway finds it: whatever the method, and of two routes the one that names more of
//! the path.

use std::collections::BTreeMap;

use super::{DEFAULT_ROUTE, Route, Template, TemplateError};

/// Something for each route of a template: of the function that answers there, for example.
#[derive(Clone, Debug)]
pub struct Routes<T> {
    paths: matchit::Router<T>,
    default: T,
}

impl<T> Routes<T> {
    /// What `answer` says of each route.
    ///
    /// # Errors
    /// When the template has no route for the rest, two routes for the same paths, or one that has no answer.
    pub fn of(
        template: &Template,
        mut answer: impl FnMut(&Route) -> Option<T>,
    ) -> Result<Self, TemplateError> {
        let mut paths = matchit::Router::new();
        let mut default = None;
        for route in template.routes() {
            let problem = |problem| TemplateError::Route { route: route.key(), problem };
            let answer = answer(route)
                .ok_or_else(|| problem(format!("goes to {}, which is nowhere", route.function)))?;
            if route.path == DEFAULT_ROUTE {
                default = Some(answer);
            } else {
                paths
                    .insert(&route.path, answer)
                    .map_err(|error| problem(format!("is not clear: {error}")))?;
            }
        }
        let missing =
            || TemplateError::Route { route: DEFAULT_ROUTE.to_owned(), problem: "is missing".to_owned() };
        Ok(Self { paths, default: default.ok_or_else(missing)? })
    }

    /// What answers at a path: the rest's if no route takes it.
    #[must_use]
    pub fn at(&self, path: &str) -> &T {
        self.paths.at(path).map_or(&self.default, |found| found.value)
    }

    /// The same, with the parts of the path that the route names.
    #[must_use]
    pub fn with_parameters(&self, path: &str) -> (&T, BTreeMap<String, String>) {
        match self.paths.at(path) {
            Ok(found) => {
                let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
                (found.value, parameters.collect())
            }
            Err(_) => (&self.default, BTreeMap::new()),
        }
    }
}
