//! Completes the document with what holds for every route, so that no route has to say it: the answers of the
//! service around it, headers, and what its codes mean for their statuses, with an example of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Response,
    example::Example,
    path::{Operation, PathItem},
    schema::{AdditionalProperties, OneOf, Schema, SchemaType, Type},
};

use super::{examples::example, headers, problems, sample::sample};
use crate::{
    Code,
    problem::{PROBLEM_JSON, Problem},
};

/// Problems of the service around every route, where the route itself says nothing of them.
const OF_EVERY_ROUTE: [(Code, &str); 4] = [
    (Code::InvalidParameter, "a parameter that is not known here"),
    (Code::RateLimited, "too many requests; wait for `Retry-After`"),
    (Code::InternalError, "a defect on our side"),
    (Code::TryAgain, "the answer took too long"),
];

/// Problems where there is no route.
const WITHOUT_ROUTE: [(&str, Code, &str); 3] = [
    ("NotFound", Code::NotFound, "there is nothing at this path"),
    ("MethodNotAllowed", Code::MethodNotAllowed, "this path has other methods, see `Allow`"),
    ("HostNotServed", Code::HostNotServed, "of a server on one's own machine: `Host` names another"),
];

/// Completes the document.
///
/// # Errors
/// When a schema can't be written.
pub fn complete(document: &mut OpenApi) -> Result<(), serde_json::Error> {
    let mut components = document.components.take().unwrap_or_default();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        close(&serde_json::to_value(&operation.request_body)?, &mut components)?;
    }
    let schemas = serde_json::to_value(&components.schemas)?;
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.content.values_mut().for_each(take_null_away);
            add_samples(body.content.values_mut(), &schemas)?;
        }
        complete_answers(operation, &schemas)?;
    }
    for (name, code, sentence) in WITHOUT_ROUTE {
        let mut response = Response::new("");
        add_problems(&mut response, &[(code, sentence.to_owned())])?;
        complete_headers(&mut response);
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    components.headers.extend(headers::all());
    components.examples.extend(Code::ALL.iter().map(|code| (code.as_str().to_owned(), shown(*code))));
    document.components = Some(components);
    Ok(())
}

/// No body may have a field that is not known, nor may an object within. `said` is what is said of one.
fn close(said: &Value, components: &mut Components) -> Result<(), serde_json::Error> {
    let parts = match said {
        Value::Object(parts) => parts.values().collect(),
        Value::Array(parts) => parts.iter().collect(),
        _ => Vec::new(),
    };
    for part in parts {
        close(part, components)?;
    }
    let name = said["$ref"].as_str().and_then(|path| path.strip_prefix("#/components/schemas/"));
    if let Some(RefOr::T(Schema::Object(object))) = name.and_then(|name| components.schemas.get_mut(name))
        && !object.properties.is_empty()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        let within = serde_json::to_value(&object.properties)?;
        close(&within, components)?;
    }
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

fn complete_answers(operation: &mut Operation, schemas: &Value) -> Result<(), serde_json::Error> {
    let answers = &mut operation.responses.responses;
    let mut problems = problems::take(answers);
    for (code, sentence) in OF_EVERY_ROUTE {
        problems.entry(code).or_insert_with(|| sentence.to_owned());
    }
    let mut by_status: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (code, sentence) in problems {
        by_status.entry(code.status()).or_default().push((code, sentence));
    }
    for (status, problems) in by_status {
        let answer = answers.entry(status.as_str().to_owned()).or_insert(RefOr::T(Response::new("")));
        if let RefOr::T(response) = answer {
            add_problems(response, &problems)?;
        }
    }
    for answer in answers.values_mut() {
        if let RefOr::T(response) = answer {
            add_samples(response.content.values_mut(), schemas)?;
            complete_headers(response);
        }
    }
    Ok(())
}

fn shown(code: Code) -> RefOr<Example> {
    let mut shown = Example::new();
    shown.summary = code.title().to_owned();
    shown.value = Some(example(code).body());
    RefOr::T(shown)
}

/// Makes an answer one with these problems: their codes in words and in the schema, with an example of each and its headers.
fn add_problems(response: &mut Response, problems: &[(Code, String)]) -> Result<(), serde_json::Error> {
    let statuses: BTreeSet<u16> = problems.iter().map(|(code, _)| code.status().as_u16()).collect();
    response.description = problems::prose(&response.description, problems);
    let mut codes: Vec<_> = problems.iter().map(|(code, _)| code.as_str()).collect();
    codes.sort_unstable();
    let mut content: Content = serde_json::from_value(json!({ "schema": { "allOf": [
        { "$ref": "#/components/schemas/Problem" },
        { "type": "object", "properties": {
            "code": { "type": "string", "enum": codes },
            "status": { "type": "integer", "enum": statuses },
        } },
    ] } }))?;
    for code in codes {
        let example = RefOr::Ref(Ref::new(format!("#/components/examples/{code}")));
        content.examples.insert(code.to_owned(), example);
    }
    response.content.insert(PROBLEM_JSON.to_owned(), content.into());
    let examples: Vec<_> = problems.iter().map(|(code, _)| example(*code)).collect();
    for name in examples.iter().flat_map(|problem| problem.header_names()) {
        let has_it = |problem: &Problem| problem.header_names().any(|other| other == name);
        match examples.iter().all(has_it) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{openapi::Document, problems};

    problems! { Shared:
        MalformedJson,
        InvalidParameter: "as elsewhere",
        TryAgain: "as elsewhere",
    }

    problems! { Own:
        EventNotFound,
        InvalidParameter: "of its own",
        SoldOut | AllHeld: "gone",
    }

    #[utoipa::path(get, path = "/", responses(
        (status = 200, description = "All is well."),
        (status = 404, description = "A page for people.", body = String, headers(("Link" = String))),
        Shared, Own,
    ))]
    #[expect(dead_code, reason = "only its description matters")]
    fn route() {}

    fn answers() -> Value {
        #[derive(utoipa::OpenApi)]
        #[openapi(paths(route))]
        struct Routes;
        let mut document = <Document as utoipa::OpenApi>::openapi();
        document.merge(<Routes as utoipa::OpenApi>::openapi());
        complete(&mut document).unwrap();
        serde_json::to_value(document).unwrap()["paths"]["/"]["get"]["responses"].take()
    }

    fn codes(answer: &Value) -> &Value {
        &answer["content"][PROBLEM_JSON]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    }

    #[test]
    fn codes_of_all_sets_stand_under_their_status() {
        let answers = answers();
        let statuses: Vec<_> = answers.as_object().unwrap().keys().collect();
        assert_eq!(statuses, ["200", "400", "404", "409", "429", "500", "503"]);
        assert_eq!(*codes(&answers["400"]), json!(["invalid_parameter", "malformed_json"]));
        assert_eq!(*codes(&answers["409"]), json!(["all_held", "sold_out"]));
        assert_eq!(answers["409"]["description"], "`sold_out`, `all_held`: gone.");
        assert_eq!(
            answers["409"]["headers"]["Retry-After"]["$ref"],
            "#/components/headers/Retry-After-if-known"
        );
    }

    #[test]
    fn the_last_sentence_of_a_code_counts() {
        let answers = answers();
        assert_eq!(answers["400"]["description"], "`invalid_parameter`: of its own; `malformed_json`.");
        assert_eq!(answers["503"]["description"], "`try_again`: as elsewhere.");
        assert_eq!(answers["500"]["description"], "`internal_error`: a defect on our side.");
    }

    #[test]
    fn codes_are_added_to_what_the_route_says_of_their_status() {
        let answer = &answers()["404"];
        assert_eq!(answer["description"], "A page for people; `event_not_found`.");
        assert_eq!(*codes(answer), json!(["event_not_found"]));
        assert!(answer["content"]["text/plain"].is_object() && answer["headers"]["Link"].is_object());
    }
}
