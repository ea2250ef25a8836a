//! Which function API Gateway asks, by the deployment's template.

use std::collections::BTreeMap;

use local::template::{DEFAULT_ROUTE, Template};

use crate::Failure;

/// The routes of the template, ready to be matched.
#[derive(Debug)]
pub struct Routes {
    paths: matchit::Router<BTreeMap<String, Matched>>,
    default: Matched,
}

/// The route that a request takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The function that answers.
    pub function: String,
    /// As API Gateway names it, like `GET /events/{id}`.
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
        let mut by_path: BTreeMap<String, BTreeMap<String, Matched>> = BTreeMap::new();
        let mut default = None;
        for route in Template::embedded()?.routes() {
            let matched = |route_key| Matched {
                function: route.function.clone(),
                route_key,
                path_parameters: BTreeMap::new(),
            };
            if route.path == DEFAULT_ROUTE {
                default = Some(matched(DEFAULT_ROUTE.to_owned()));
            } else {
                let route_key = format!("{} {}", route.method, route.path);
                let methods = by_path.entry(route.path.clone()).or_default();
                methods.insert(route.method.clone(), matched(route_key));
            }
        }
        let mut paths = matchit::Router::new();
        for (path, methods) in by_path {
            paths.insert(path, methods)?;
        }
        Ok(Self { paths, default: default.ok_or("template.yaml has no $default route")? })
    }

    /// The route of a request: the rest's if no other takes it.
    #[must_use]
    pub fn at(&self, method: &str, path: &str) -> Matched {
        let Ok(found) = self.paths.at(path) else { return self.default.clone() };
        let Some(matched) = found.value.get(method) else { return self.default.clone() };
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Matched { path_parameters: parameters.collect(), ..matched.clone() }
    }
}
