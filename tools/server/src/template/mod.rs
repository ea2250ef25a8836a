//! Reads `template.yaml`, the deployment's description, so that a server has the same tables, routes and schedules
//! without a second list of them.
//!
//! Only resource types, keys, routes and rates matter here. CloudFormation's short tags (`!Ref`, `!Sub`)
//! are ignored: of the values read here only an integration's URI carries one, and its text names the function.

mod document;
mod routes;

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use routes::Routes;

use document::{ApiProperties, Document, FunctionProperties, Resource, TableProperties, Trigger};

/// The path of the route that takes whatever no other route does.
pub const DEFAULT_ROUTE: &str = "$default";
/// The one method that a path has.
const ANY_METHOD: &str = "x-amazon-apigateway-any-method";

const EMBEDDED: &str = include_str!("../../../../template.yaml");

/// What a server needs to know of the deployment, each list in the order of the logical ids.
#[derive(Debug, Clone)]
pub struct Template {
    tables: Vec<TableDefinition>,
    routes: Vec<Route>,
    schedules: Vec<Schedule>,
}

/// One DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// Its name inside the template, such as `EventsTable`.
    pub logical_id: String,
    /// The attributes that keys are made of.
    pub attributes: Vec<Attribute>,
    /// The table's own key.
    pub key: Vec<KeyPart>,
    /// Its global secondary indexes.
    pub indexes: Vec<IndexDefinition>,
    /// What its stream tells of a change, such as `NEW_AND_OLD_IMAGES`; `None` if it has no stream.
    pub stream: Option<String>,
}

/// An attribute that some key uses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// Its name in the items.
    #[serde(rename = "AttributeName")]
    pub name: String,
    /// DynamoDB's letter for its type: `S`, `N` or `B`.
    #[serde(rename = "AttributeType")]
    pub kind: String,
}

/// One part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeyPart {
    /// The attribute.
    #[serde(rename = "AttributeName")]
    pub attribute: String,
    /// `HASH` or `RANGE`.
    #[serde(rename = "KeyType")]
    pub role: String,
}

/// One global secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexDefinition {
    /// Its name.
    #[serde(rename = "IndexName")]
    pub name: String,
    /// Its key.
    #[serde(rename = "KeySchema")]
    pub key: Vec<KeyPart>,
    /// What it copies from the items.
    #[serde(rename = "Projection")]
    pub projection: Projection,
}

/// What an index copies from the items.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    #[serde(rename = "ProjectionType")]
    pub kind: String,
    /// The attributes copied beside the keys when the kind is `INCLUDE`.
    #[serde(rename = "NonKeyAttributes", default)]
    pub attributes: Vec<String>,
}

/// One route of the HTTP API. It takes any method.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The binary that answers, such as `events`.
    pub function: String,
    /// With parameters in braces, `{*name}` for one that takes all that follows; [`DEFAULT_ROUTE`] for the route that takes the
    /// rest.
    pub path: String,
}

impl Route {
    /// As API Gateway names it, like `ANY /events/{id}`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.path.strip_suffix('}').and_then(|path| path.split_once("{*")) {
            _ if self.path == DEFAULT_ROUTE => self.path.clone(),
            Some((before, name)) => format!("ANY {before}{{{name}+}}"),
            None => format!("ANY {}", self.path),
        }
    }
}

/// A function that runs again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The binary that runs, such as `janitor`.
    pub function: String,
    /// The time from one start to the next.
    pub every: Duration,
}

/// Why the template could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is not YAML of the expected shape.
    #[error("template.yaml cannot be read: {0}")]
    Unreadable(String),
    /// One resource lacks something or has it in a form that is not understood.
    #[error("{resource} in template.yaml {problem}")]
    Resource {
        /// The resource's logical id.
        resource: String,
        /// What is wrong with it, as the rest of the sentence.
        problem: String,
    },
    /// A route can't be served.
    #[error("the route {route} of template.yaml {problem}")]
    Route {
        /// The route's key.
        route: String,
        /// What is wrong with it, as the rest of the sentence.
        problem: String,
    },
}

impl Template {
    /// The template of this repository, as it was when this was built.
    ///
    /// # Errors
    /// When the template does not have the shape that is read here.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::parse(EMBEDDED)
    }

    /// Reads a template's text.
    ///
    /// # Errors
    /// When it is not YAML, or a table, function, route or schedule is not understood.
    pub fn parse(yaml: &str) -> Result<Self, TemplateError> {
        // As CloudFormation reads it: the attribute type `N` is a letter, not YAML 1.1's "no".
        let options = serde_saphyr::options! { strict_booleans: true };
        let document: Document = serde_saphyr::from_str_with_options(yaml, options)
            .map_err(|error| TemplateError::Unreadable(error.to_string()))?;
        let mut template = Self { tables: Vec::new(), routes: Vec::new(), schedules: Vec::new() };
        let binaries: BTreeMap<String, String> = document
            .resources
            .iter()
            .filter_map(|(id, resource)| {
                Some((id.clone(), resource.metadata.build_properties.binary.clone()?))
            })
            .collect();
        for (logical_id, resource) in document.resources {
            match resource.kind.as_str() {
                "AWS::DynamoDB::Table" => template.tables.push(table(logical_id, resource)?),
                "AWS::Serverless::Function" => template.add_function(&logical_id, resource)?,
                "AWS::Serverless::HttpApi" => template.add_api(&logical_id, resource, &binaries)?,
                _ => {}
            }
        }
        Ok(template)
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &[TableDefinition] {
        &self.tables
    }

    /// The routes of the API, [`DEFAULT_ROUTE`] among them.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The functions that run on a schedule.
    #[must_use]
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    fn add_function(&mut self, logical_id: &str, resource: Resource) -> Result<(), TemplateError> {
        let function =
            resource.metadata.build_properties.binary.clone().ok_or_else(|| TemplateError::Resource {
                resource: logical_id.to_owned(),
                problem: "does not name its binary under Metadata.BuildProperties.Binary".to_owned(),
            })?;
        let properties: FunctionProperties = properties(logical_id, resource)?;
        for (name, event) in properties.events {
            let within = format!("{logical_id}.Events.{name}");
            let Trigger { schedule_expression } = event.properties;
            match event.kind.as_str() {
                "ScheduleV2" => {
                    let expression = schedule_expression.unwrap_or_default();
                    let every = rate(&expression).ok_or_else(|| {
                        problem(
                            within,
                            format!("has the schedule `{expression}`; only `rate(<n> minutes|hours|days)` is understood"),
                        )
                    })?;
                    self.schedules.push(Schedule { function: function.clone(), every });
                }
                // A server reads the streams by itself.
                "DynamoDB" => {}
                // SAM would give the function a permission for this route alone.
                "HttpApi" => {
                    return Err(problem(within, "is a route, and those stand in the API's DefinitionBody"));
                }
                other => {
                    return Err(problem(
                        within,
                        format!("is of type `{other}`, which no server here can imitate"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Adds the routes of the API; `binaries` are those of the functions, by logical id.
    fn add_api(
        &mut self,
        logical_id: &str,
        resource: Resource,
        binaries: &BTreeMap<String, String>,
    ) -> Result<(), TemplateError> {
        let properties: ApiProperties = properties(logical_id, resource)?;
        for (path, operations) in properties.definition_body.paths {
            let within = format!("{logical_id}, path {path},");
            let mut operations = operations.into_iter();
            let (Some((method, operation)), None) = (operations.next(), operations.next()) else {
                return Err(problem(within, format!("needs one operation, {ANY_METHOD}")));
            };
            if method != ANY_METHOD {
                return Err(problem(
                    within,
                    format!(
                        "takes the method `{method}`; only {ANY_METHOD} is understood, so that its function refuses the others"
                    ),
                ));
            }
            let uri = operation.integration.uri;
            let function = called(&uri).and_then(|function| binaries.get(function));
            let function = function.ok_or_else(|| {
                problem(within, format!("calls `{uri}`, which is no function of the template"))
            })?;
            // API Gateway's way to write a parameter of several parts, in the way of the routers here.
            let path = match path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
                Some((before, name)) => format!("{before}{{*{name}}}"),
                None => path,
            };
            self.routes.push(Route { function: function.clone(), path });
        }
        Ok(())
    }
}

fn table(logical_id: String, resource: Resource) -> Result<TableDefinition, TemplateError> {
    let properties: TableProperties = properties(&logical_id, resource)?;
    Ok(TableDefinition {
        logical_id,
        attributes: properties.attribute_definitions,
        key: properties.key_schema,
        indexes: properties.global_secondary_indexes,
        stream: properties.stream_specification.map(|stream| stream.stream_view_type),
    })
}

fn properties<T: DeserializeOwned>(logical_id: &str, resource: Resource) -> Result<T, TemplateError> {
    serde_json::from_value(resource.properties)
        .map_err(|error| problem(logical_id.to_owned(), format!("is not understood: {error}")))
}

fn problem(resource: String, problem: impl Into<String>) -> TemplateError {
    TemplateError::Resource { resource, problem: problem.into() }
}

/// The logical id of the function that an integration calls.
fn called(uri: &str) -> Option<&str> {
    let (_, function) = uri.split_once("/functions/${")?;
    function.strip_suffix(".Arn}/invocations")
}

/// The period of an EventBridge Scheduler rate such as `rate(24 hours)`.
fn rate(expression: &str) -> Option<Duration> {
    let inner = expression.trim().strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inner.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let unit_seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 60 * 60,
        "day" | "days" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(unit_seconds)?))
}
