//! The parts of a SAM template that are read, as they stand in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Attribute, IndexDefinition, KeyPart};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    pub(super) resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) properties: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Metadata {
    pub(super) build_properties: BuildProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct BuildProperties {
    pub(super) binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionProperties {
    #[serde(default)]
    pub(super) events: BTreeMap<String, Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Event {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) properties: Trigger,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Trigger {
    pub(super) schedule_expression: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApiProperties {
    pub(super) definition_body: ApiDefinition,
}

/// An OpenAPI document, of which only what API Gateway adds matters here.
#[derive(Deserialize)]
pub(super) struct ApiDefinition {
    /// The operations of each path, by their method.
    pub(super) paths: BTreeMap<String, BTreeMap<String, Operation>>,
}

#[derive(Deserialize)]
pub(super) struct Operation {
    #[serde(rename = "x-amazon-apigateway-integration")]
    pub(super) integration: Integration,
}

#[derive(Deserialize)]
pub(super) struct Integration {
    pub(super) uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableProperties {
    pub(super) attribute_definitions: Vec<Attribute>,
    pub(super) key_schema: Vec<KeyPart>,
    #[serde(default)]
    pub(super) global_secondary_indexes: Vec<IndexDefinition>,
    pub(super) stream_specification: Option<StreamSpecification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamSpecification {
    pub(super) stream_view_type: String,
}
