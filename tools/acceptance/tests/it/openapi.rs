//! The API document: that it is complete, and that the check of every answer against it (`common/contract.rs`) sees
//! what is missing.

use std::collections::BTreeSet;

use http_api::Code;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    TestApp,
    contract::{CONTRACT, Contract, say_answers_where_they_are_given, validator},
    http_client,
};

fn document() -> Value {
    let mut document = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    say_answers_where_they_are_given(&mut document);
    document
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    operations.collect()
}

/// The codes that a problem's schema names.
fn codes<'a>(content: &'a Value, document: &'a Value) -> Vec<&'a str> {
    let schema = content["schema"]["$ref"].as_str().expect("a schema with a name").trim_start_matches('#');
    let codes = document.pointer(schema).unwrap()["allOf"][1]["properties"]["code"]["enum"].as_array();
    codes.into_iter().flatten().map(|code| code.as_str().unwrap()).collect()
}

#[test]
fn every_operation_says_what_it_does_and_to_what_it_belongs() {
    let document = document();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{name} has no summary: give its handler a doc comment");
        let tag = operation["tags"][0].as_str().unwrap_or_else(|| panic!("{name} has no tag"));
        assert!(tags.contains(tag), "{name}: the tag {tag} is not described in http/openapi");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{name}: {} has no description", parameter["name"]);
        }
    }
}

/// A generator makes names of functions and types from these: each must be there once, and none may be another's.
#[test]
fn every_operation_has_a_name_for_programs_and_a_sentence_for_people() {
    const VERBS: [&str; 26] = [
        "add", "cancel", "change", "confirm", "create", "delete", "erase", "get", "hold", "list", "preview",
        "register", "close", "release", "replace", "sign", "update", "verify", "forgot", "reset", "resend",
        "test", "rotate", "replay", "restore", "withdraw",
    ];
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let schemas: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| name.to_lowercase())
        .collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} twice");
        assert!(VERBS.contains(&id.split('_').next().unwrap()), "{name}: {id} does not begin with a verb");
        let summary = operation["summary"].as_str().unwrap();
        assert!(summary.len() <= 110 && !summary.contains(". "), "{name}: {summary}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            // Where a schema has no name, generators make one of these two.
            let made =
                format!("{}{}", id.replace('_', ""), parameter["name"].as_str().unwrap().replace('_', ""));
            assert!(!schemas.contains(&made.to_lowercase()), "{name}: {made} is a schema's name");
            assert!(
                parameter["schema"]["enum"].is_null(),
                "{name}: {parameter} should have a schema with a name"
            );
        }
    }
    assert_eq!(document["servers"][0]["url"], "/");
}

#[test]
fn what_is_always_answered_is_required() {
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let schemas = &document["components"]["schemas"];
    let fields = |name: &str| schemas[name]["properties"].as_object().unwrap().len();
    for name in ["Event", "Booking", "EventList", "Me", "AuditEntry", "Pricing", "TimelineBucket"] {
        assert_eq!(schemas[name]["required"].as_array().unwrap().len(), fields(name), "{name}");
    }
    for (name, required) in [
        ("EventInput", 3),
        ("EventPatch", 0),
        ("PricingInput", 0),
        ("Registration", 2),
        ("Problem", 4),
        ("FieldError", 3),
    ] {
        let said = schemas[name]["required"].as_array().map_or(0, Vec::len);
        assert_eq!(said, required, "{name}, of a request or of what has only some");
    }
    // What is put together from others names its own in a part.
    for (name, required) in
        [("EventBooking", json!(["user", "user_id"])), ("HoldSeatsConflict", json!(["code", "status"]))]
    {
        assert_eq!(schemas[name]["allOf"][1]["required"], required, "{name}");
    }
    assert!(!schemas["EventInput"].to_string().contains("schemas/Pricing\""));
}

#[test]
fn every_problem_names_its_codes_and_each_code_has_an_example() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (name, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(content) = response["content"].get("application/problem+json") else {
                let is_page = response["content"].get("text/html; charset=utf-8").is_some();
                assert!(
                    status.parse::<u16>().unwrap() < 400 || status == "503" || is_page,
                    "{name} {status} is no problem"
                );
                continue;
            };
            let codes = codes(content, &document);
            assert!(!codes.is_empty(), "{name} {status}: no code, which `http_api::problems!` would give it");
            for code in codes {
                let example = &document["components"]["examples"][code]["value"];
                assert_eq!(example["status"].to_string(), *status, "{name}: {code}");
                assert!(content["examples"][code].is_object(), "{name} {status}: {code}");
                let errors: Vec<_> = validator(&content["schema"], &document["components"])
                    .iter_errors(example)
                    .map(|error| error.to_string())
                    .collect();
                assert!(errors.is_empty(), "{name} {status} {code}: {errors:?}");
                seen.insert(code.to_owned());
            }
        }
    }
    // Where there is no route, no route can say so; nor of another host.
    for response in ["NotFound", "MethodNotAllowed", "HostNotServed"] {
        let content = &document["components"]["responses"][response]["content"]["application/problem+json"];
        seen.extend(codes(content, &document).into_iter().map(str::to_owned));
    }
    let known: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(known, seen, "some code is no operation's");
}

#[test]
fn every_body_has_an_example_that_its_schema_accepts() {
    let document = document();
    let mut checked = 0;
    for (name, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap().values();
        for body in answers.chain([&operation["requestBody"]]) {
            let Some(content) = body["content"].get("application/json") else { continue };
            if content["schema"].as_object().unwrap().is_empty() {
                continue;
            }
            let example =
                content.get("example").unwrap_or_else(|| panic!("{name} has a body without example"));
            let errors: Vec<_> = validator(&content["schema"], &document["components"])
                .iter_errors(example)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:?} in {example}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn every_operation_says_that_it_may_be_limited_broken_or_late() {
    let document = document();
    for (name, operation) in operations(&document) {
        let protected = *operation["security"].as_array().expect("who may") != Vec::<Value>::new();
        for (status, response) in operation["responses"].as_object().unwrap() {
            for header in ["RateLimit", "RateLimit-Policy", "Cache-Control"] {
                assert!(response["headers"][header].is_object(), "{name} {status}: {header}");
            }
        }
        for (status, header) in [("429", Some("Retry-After")), ("500", None), ("503", Some("Retry-After"))] {
            let response = &operation["responses"][status];
            assert!(response.is_object(), "{name}: {status}");
            assert!(header.is_none_or(|header| response["headers"][header].is_object()), "{name} {status}");
        }
        let unauthorized = &operation["responses"]["401"];
        assert!(!protected || unauthorized["headers"]["WWW-Authenticate"].is_object(), "{name}");
        let known = operation["requestBody"].is_object();
        for status in ["413", "415", "422"] {
            assert!(
                !known || operation["responses"][status].is_object(),
                "{name} takes a body, but no {status}"
            );
        }
    }
}

#[test]
fn every_answer_with_a_tag_can_be_asked_for_by_it() {
    let document = document();
    let mut tagged = Vec::new();
    for (name, operation) in operations(&document) {
        let responses = &operation["responses"];
        if !name.starts_with("GET ") {
            assert!(responses["304"].is_null(), "{name} says 304, which only GET does");
            continue;
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let takes_tags = parameters.clone().any(|parameter| {
            parameter["in"] == "header"
                && parameter["name"] == "If-None-Match"
                && parameter["required"] != true
        });
        let has_tag = responses["200"]["headers"]["ETag"].is_object();
        assert_eq!(responses["304"].is_object(), has_tag, "{name}: 304");
        assert_eq!(responses["304"]["headers"]["ETag"].is_object(), has_tag, "{name}: the tag of 304");
        assert!(responses["304"]["content"].is_null(), "{name}: 304 has no body");
        assert_eq!(takes_tags, has_tag, "{name}: If-None-Match");
        if has_tag {
            tagged.push(name);
        }
    }
    assert!(tagged.contains(&"GET /admin/events/{id}".to_owned()) && tagged.len() > 4, "{tagged:?}");
}

/// What the check says of a real answer when something was taken from the document.
async fn complaint_without(taken: &str, method: Method, path: &str, token: Option<&str>) -> Option<String> {
    let mut document = document();
    let (parent, member) = taken.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match parent {
        Value::Object(members) => drop(members.remove(member).unwrap()),
        Value::Array(items) => drop(items.remove(member.parse().unwrap())),
        _ => panic!("{taken}"),
    }
    let evently = TestApp::start().await;
    evently.event(10).await;
    let mut request = http_client().request(method.clone(), format!("{}{path}", evently.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    let path = path.split('?').next().unwrap();
    assert_eq!(CONTRACT.complaint(&method, path, status, &headers, &body), None);
    Contract::new(document).complaint(&method, path, status, &headers, &body)
}

#[tokio::test]
async fn a_status_that_the_document_does_not_have_is_seen() {
    let said = complaint_without("/paths/~1bookings/get/responses/401", Method::GET, "/bookings", None).await;
    assert!(said.unwrap().starts_with("GET /bookings 401: the status is not in the document"));
}

#[tokio::test]
async fn a_code_that_the_document_does_not_have_is_seen() {
    let code = "/components/schemas/InvalidCursorOrInvalidParameterProblem/allOf/1/properties/code/enum/1";
    let said = complaint_without(code, Method::GET, "/events?limit=0", None).await;
    assert!(said.unwrap().contains("\"invalid_parameter\" is not"));
}

#[tokio::test]
async fn a_header_that_the_document_does_not_have_is_seen() {
    let said =
        complaint_without("/paths/~1events/get/responses/200/headers/ETag", Method::GET, "/events", None);
    assert_eq!(said.await.unwrap(), "GET /events 200: the header etag is not in the document");
}

#[tokio::test]
async fn a_field_that_the_document_does_not_have_is_seen() {
    let said =
        complaint_without("/components/schemas/Event/properties/venue", Method::GET, "/events", None).await;
    assert!(said.unwrap().contains("venue"));
}

#[tokio::test]
async fn a_path_or_method_outside_of_the_api_is_none_of_its_business() {
    let (headers, body) = (Default::default(), json!({}).to_string());
    for (method, path) in [(Method::GET, "/nowhere"), (Method::PATCH, "/events")] {
        assert_eq!(CONTRACT.complaint(&method, path, 404, &headers, body.as_bytes()), None);
    }
}
