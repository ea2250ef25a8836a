//! Completes the document with what holds for every route, so that no route has to say it: the answers of the
//! service around it, headers, and the codes of problems with an example of each.
//!
//! Which codes a route answers with stands in the descriptions of its responses, as `` `code` ``; here each becomes
//! part of the response's schema, for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    Content, OpenApi, Ref, RefOr, Response,
    example::Example,
    path::{Operation, PathItem},
    schema::{OneOf, Schema, SchemaType, Type},
};

use super::{examples::example, headers, sample::sample};
use crate::{
    Code,
    problem::{PROBLEM_JSON, Problem},
};

/// Answers of the service around every route.
const OF_EVERY_ROUTE: [(&str, &str); 3] = [
    ("429", "`rate_limited`: too many requests; wait for `Retry-After`."),
    ("500", "`internal_error`: a defect on our side."),
    ("503", "`try_again`: the answer took too long."),
];

/// Answers where there is no route.
const WITHOUT_ROUTE: [(&str, &str); 2] = [
    ("NotFound", "`not_found`: there is nothing at this path."),
    ("MethodNotAllowed", "`method_not_allowed`: this path has other methods, see `Allow`."),
];

/// Completes the document.
///
/// # Errors
/// When a schema can't be written.
pub fn complete(document: &mut OpenApi) -> Result<(), serde_json::Error> {
    let problems: Vec<_> = Code::ALL.iter().map(|code| example(*code)).collect();
    let mut components = document.components.take().unwrap_or_default();
    let schemas = serde_json::to_value(&components.schemas)?;
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.content.values_mut().for_each(take_null_away);
            add_samples(body.content.values_mut(), &schemas)?;
        }
        complete_answers(operation, &problems, &schemas)?;
    }
    for (name, description) in WITHOUT_ROUTE {
        let mut response = Response::new(description);
        complete_problem(&mut response, None, &problems)?;
        complete_headers(&mut response);
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    components.headers.extend(headers::all());
    components
        .examples
        .extend(problems.iter().map(|problem| (problem.code().as_str().to_owned(), shown(problem))));
    document.components = Some(components);
    Ok(())
}

/// A body that may be left out is described as one that may be null, which is another thing.
fn take_null_away(content: &mut RefOr<Content>) {
    let RefOr::T(Content { schema: Some(schema), .. }) = content else { return };
    let RefOr::T(Schema::OneOf(OneOf { items, .. })) = schema else { return };
    if let [body, RefOr::T(Schema::Object(null))] = items.as_slice()
        && null.schema_type == SchemaType::Type(Type::Null)
    {
        *schema = body.clone();
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn complete_answers(
    operation: &mut Operation,
    problems: &[Problem],
    schemas: &Value,
) -> Result<(), serde_json::Error> {
    let answers = &mut operation.responses.responses;
    for (status, description) in OF_EVERY_ROUTE {
        answers.entry(status.to_owned()).or_insert_with(|| RefOr::T(Response::new(description)));
    }
    for (status, answer) in answers {
        if let RefOr::T(response) = answer {
            complete_problem(response, Some(status), problems)?;
            add_samples(response.content.values_mut(), schemas)?;
            complete_headers(response);
        }
    }
    Ok(())
}

fn shown(problem: &Problem) -> RefOr<Example> {
    let mut shown = Example::new();
    shown.summary = problem.code().title().to_owned();
    shown.value = Some(problem.body());
    RefOr::T(shown)
}

/// Narrows a problem's code to those that the description names, with an example of each and its headers.
fn complete_problem(
    response: &mut Response,
    status: Option<&str>,
    problems: &[Problem],
) -> Result<(), serde_json::Error> {
    let named: BTreeMap<_, _> = response
        .description
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| problems.iter().find(|problem| problem.code().as_str() == word))
        .filter(|problem| status.is_none_or(|status| problem.code().status().as_str() == status))
        .map(|problem| (problem.code().as_str(), problem))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let codes: Vec<_> = named.keys().collect();
    let mut content: Content = serde_json::from_value(json!({ "schema": { "allOf": [
        { "$ref": "#/components/schemas/Problem" },
        { "type": "object", "properties": { "code": { "type": "string", "enum": codes } } },
    ] } }))?;
    for code in named.keys() {
        let example = RefOr::Ref(Ref::new(format!("#/components/examples/{code}")));
        content.examples.insert((*code).to_owned(), example);
    }
    response.content.insert(PROBLEM_JSON.to_owned(), content.into());
    for name in named.values().flat_map(|problem| problem.header_names()) {
        let has_it = |problem: &&Problem| problem.header_names().any(|other| other == name);
        match named.values().all(has_it) {
            true => headers::describe(response, name),
            false => headers::describe_as_optional(response, name),
        }
    }
    Ok(())
}

fn complete_headers(response: &mut Response) {
    let said: Vec<_> = response.headers.keys().cloned().collect();
    for name in said.iter().map(String::as_str).chain(headers::EVERYWHERE).chain(["Cache-Control"]) {
        headers::describe(response, name);
    }
}

/// Gives JSON an example, put together from those of its fields.
fn add_samples<'a>(
    contents: impl Iterator<Item = &'a mut RefOr<Content>>,
    schemas: &Value,
) -> Result<(), serde_json::Error> {
    for content in contents {
        let RefOr::T(content) = content else { continue };
        if let Some(schema) = &content.schema
            && content.examples.is_empty()
            && content.example.is_none()
        {
            content.example = sample(&serde_json::to_value(schema)?, schemas);
        }
    }
    Ok(())
}
