//! Values that no field has: of another type, or with characters that no text has. Each is refused with its field's name,
//! whatever the method.

use domain::event::EventDetails;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answer, TestApp, concert, send};

/// The event that all ways of writing one would make, or an answer to each: POST, PUT and PATCH.
async fn written(evently: &TestApp, path: &str, changes: &Value) -> [Answer; 3] {
    let admin = evently.admin();
    let mut whole = concert(json!({}));
    for (field, value) in changes.as_object().unwrap() {
        whole[field] = value.clone();
    }
    [
        admin.post("/admin/events", whole.clone()).await,
        admin.put(path, "*", whole).await,
        admin.patch(path, "*", changes.clone()).await,
    ]
}

fn assert_refused(answer: &Answer, field: &str, why: &str) {
    assert_eq!(answer.status, 422, "{why}: {}", answer.body);
    answer.assert_problem(422, "validation_failed");
    assert_eq!(answer.bad_fields(), [field], "{why}: {}", answer.body);
}

#[tokio::test]
async fn a_value_of_another_type_is_named_for_every_field() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    let values = [
        json!(7),
        json!("seven"),
        json!(true),
        json!([]),
        json!([80, 150]),
        json!({}),
        json!({ "draft": 1 }),
    ];
    for (field, fitting) in [
        ("name", vec!["string"]),
        ("description", vec!["string"]),
        ("venue", vec!["string"]),
        ("starts_at", vec![]),
        ("time_zone", vec![]),
        ("ends_at", vec![]),
        ("capacity", vec!["number"]),
        ("base_price", vec!["number"]),
        ("currency", vec![]),
        ("sales_open_at", vec![]),
        ("sales_close_at", vec![]),
        ("max_per_booking", vec!["number"]),
        ("max_per_user", vec!["number"]),
        ("status", vec![]),
    ] {
        for value in values.iter().filter(|value| !fitting.contains(&kind(value))) {
            for answer in written(&evently, &path, &json!({ field: value })).await {
                assert_refused(&answer, field, &format!("{field}: {value}"));
            }
        }
    }
    for value in values.iter().filter(|value| !value.is_object()) {
        for answer in written(&evently, &path, &json!({ "pricing": value })).await {
            assert_refused(&answer, "pricing", &value.to_string());
        }
        for percent in ["min_percent", "max_percent"] {
            if !value.is_number() {
                for answer in written(&evently, &path, &json!({ "pricing": { percent: value } })).await {
                    assert_refused(&answer, &format!("pricing.{percent}"), &value.to_string());
                }
            }
        }
    }
    let several = json!({ "status": 7, "name": 7, "pricing": [80, 150], "currency": [] });
    for answer in written(&evently, &path, &several).await {
        let mut fields = answer.bad_fields();
        fields.sort_unstable();
        assert_eq!(fields, ["currency", "name", "pricing", "status"], "{}", answer.body);
    }
    assert_eq!(evently.admin().get(&path).await.body["version"], 1, "nothing was changed");
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "number",
        Value::String(_) => "string",
        _ => "another",
    }
}

/// Every object within a request body, as the API document has them: an array must not pass for one of them.
#[tokio::test]
async fn no_array_passes_for_an_object_within_a_body() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let mut tried = Vec::new();
    for (route, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (media_type, content) in operation["requestBody"]["content"].as_object().into_iter().flatten()
            {
                for field in objects_within(&document, &content["schema"]) {
                    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                    let request =
                        evently.admin().request(method.clone(), &route.replace("/admin/events/{id}", &path));
                    let request = request.header("if-match", "*").header("content-type", media_type);
                    let answer = send(request.body(json!({ &field: [] }).to_string())).await;
                    answer.assert_problem(422, "validation_failed");
                    assert!(
                        answer.bad_fields().contains(&field.as_str()),
                        "{method} {route}: {}",
                        answer.body
                    );
                    tried.push(format!("{method} {field}"));
                }
            }
        }
    }
    tried.sort();
    assert_eq!(tried, ["PATCH pricing", "POST pricing", "PUT pricing"]);
}

/// The fields of a schema that are objects, or objects or null.
fn objects_within(document: &Value, schema: &Value) -> Vec<String> {
    let fields = resolved(document, schema)["properties"].as_object().cloned().unwrap_or_default();
    let is_object = |field: &Value| {
        let ways = ["oneOf", "anyOf", "allOf"].iter().filter_map(|way| field[way].as_array()).flatten();
        ways.chain([field]).any(|way| resolved(document, way)["properties"].is_object())
    };
    fields.into_iter().filter(|(_, field)| is_object(field)).map(|(name, _)| name).collect()
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    named.unwrap_or(schema)
}

#[tokio::test]
async fn no_text_of_an_event_has_control_characters() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    for control in ["\0", "\u{1}", "\u{8}", "\u{b}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9f}"] {
        for field in ["name", "venue", "description"] {
            for answer in written(&evently, &path, &json!({ field: format!("Open{control}Air") })).await {
                assert_refused(&answer, field, &format!("{field}: {control:?}"));
            }
        }
    }
    for (field, text) in
        [("name", "Open\nAir"), ("name", "Open\tAir"), ("venue", "Park\n"), ("venue", "\tPark")]
    {
        for answer in written(&evently, &path, &json!({ field: text })).await {
            assert_refused(&answer, field, &format!("{field}: {text:?}"));
        }
    }
    let all = json!({ "name": "\0", "venue": "\0", "description": "\0" });
    for answer in written(&evently, &path, &all).await {
        assert_eq!(answer.bad_fields().len(), 3, "{}", answer.body);
    }
    assert_eq!(evently.admin().get(&path).await.body["version"], 1, "nothing was changed");
    let described = json!({ "description": "Doors:\t6 pm\r\nShow:\t8 pm\n👩‍👩‍👧 Ärger, 音楽祭" });
    for (answer, status) in written(&evently, &path, &described).await.iter().zip([201, 200, 200]) {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.body["description"], described["description"]);
    }
}

#[tokio::test]
async fn every_bad_field_is_named_also_when_another_has_the_wrong_type() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    let bad = json!({
        "name": "\u{200b}", "venue": "v".repeat(201), "starts_at": "2031-06-12T20:00:00Z[UTC]", "capacity": "many",
        "base_price": -1, "max_per_booking": 51, "status": "sold", "colour": "red",
        "pricing": { "min_percent": 0, "max_percent": "high", "step": 1 },
    });
    for answer in written(&evently, &path, &bad).await {
        answer.assert_problem(422, "validation_failed");
        let errors = answer.body["errors"].as_array().unwrap();
        let mut named: Vec<_> = errors
            .iter()
            .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                ("base_price", "out_of_range"),
                ("capacity", "wrong_type"),
                ("colour", "unknown"),
                ("max_per_booking", "out_of_range"),
                ("name", "invisible"),
                ("pricing.max_percent", "wrong_type"),
                ("pricing.min_percent", "out_of_range"),
                ("pricing.step", "unknown"),
                ("starts_at", "wrong_type"),
                ("status", "not_one_of"),
                ("venue", "wrong_length"),
            ],
            "{}",
            answer.body
        );
        for error in errors {
            let message = error["message"].as_str().unwrap();
            assert!(
                !["u32", "expected", "struct", "enum", "`"].iter().any(|word| message.contains(word)),
                "{message}"
            );
        }
        let of = |field: &str| errors.iter().find(|error| error["field"] == field).unwrap();
        assert_eq!(of("max_per_booking")["params"], json!({ "min": 1, "max": 50 }));
        assert_eq!(of("status")["params"]["allowed"], json!(["draft", "published", "cancelled"]));
        assert_eq!(of("capacity")["params"], json!({ "expected": "whole_number" }));
        assert!(of("name").get("params").is_none());
    }
    assert_eq!(evently.admin().get(&path).await.body["version"], 1, "nothing was changed");
    let mixed = json!({ "email": "ada", "password": "short", "name": 7 });
    let refused = evently.anybody().post("/register", mixed).await;
    assert_eq!(refused.bad_fields(), ["email", "password", "name"], "{}", refused.body);
}

#[tokio::test]
async fn nobody_sees_a_name_of_nothing_that_is_seen() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    for name in [" ", "\u{200b}\u{200d}", "\u{ad}", "\u{3164}", "\u{2800}\u{a0}", "\u{feff}", "\u{202e}"] {
        for field in ["name", "venue"] {
            for answer in written(&evently, &path, &json!({ field: name })).await {
                answer.assert_problem(422, "validation_failed");
                assert_eq!(answer.bad_fields(), [field], "{name:?}: {}", answer.body);
            }
        }
        let account = json!({ "email": "ada@example.com", "password": "correct horse", "name": name });
        let refused = evently.anybody().post("/register", account).await;
        assert_eq!((refused.status, refused.bad_fields()), (422, vec!["name"]), "{name:?}");
    }
}

#[tokio::test]
async fn a_currency_is_one_that_people_pay_with_unless_the_event_has_it_already() {
    let evently = TestApp::start().await;
    for currency in ["XXX", "XTS", "XAU", "HRK", "BGN", "CHE", "eur", "EURO", ""] {
        let made = evently.admin().post("/admin/events", concert(json!({ "currency": currency }))).await;
        assert_refused(&made, "currency", currency);
        assert_eq!(made.body["errors"][0]["code"], "not_a_currency");
    }
    let old = evently.event_created(0, |details| details.currency = iso_currency::Currency::HRK).await;
    let path = format!("/admin/events/{old}");
    let admin = evently.admin();
    assert_eq!(admin.patch(&path, "*", json!({ "venue": "Split" })).await.status, 200);
    let whole = concert(json!({ "currency": "HRK" }));
    assert_eq!(admin.put(&path, "*", whole).await.body["currency"], "HRK");
    assert_refused(&admin.patch(&path, "*", json!({ "currency": "EUR" })).await, "currency", "another");
}

#[tokio::test]
async fn times_are_read_as_rfc_3339_has_them_and_shown_in_one_shape() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    for (starts_at, shown) in [
        ("2031-06-12T20:00:00Z", "2031-06-12T20:00:00.000Z"),
        ("2031-06-12t20:00:00z", "2031-06-12T20:00:00.000Z"),
        ("2031-06-12T20:00:00.5+02:00", "2031-06-12T18:00:00.500Z"),
        ("2031-06-12T20:00:00.1234567890Z", "2031-06-12T20:00:00.123Z"),
        ("2031-06-12T20:00:00+23:59", "2031-06-11T20:01:00.000Z"),
    ] {
        for (answer, status) in
            written(&evently, &path, &json!({ "starts_at": starts_at })).await.iter().zip([201, 200, 200])
        {
            assert_eq!(
                (answer.status, &answer.body["starts_at"]),
                (status, &json!(shown)),
                "{}",
                answer.body
            );
        }
    }
    for starts_at in [
        "2031-06-12T20:00:00+24:00",
        "2031-06-12T20:00:00-23:60",
        "2031-06-12T20:00:60Z",
        "2031-06-12T20:00:00Z[UTC]",
        "2031-06-12T20:00:00+02:00[Europe/Berlin]",
        "2031-06-12T20:00Z",
        "2031-06-12",
    ] {
        for field in ["starts_at", "sales_open_at"] {
            for answer in written(&evently, &path, &json!({ field: starts_at })).await {
                assert_refused(&answer, field, starts_at);
            }
        }
    }
    let entries = evently.admin().get("/admin/audit?limit=100").await;
    let shown = entries.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["changes"].as_array().unwrap());
    let times: Vec<_> =
        shown.filter(|change| change["field"] == "starts_at").map(|change| &change["after"]).collect();
    assert!(times.len() > 5, "{times:?}");
    assert!(
        times.iter().all(|time| time.as_str().unwrap().len() == "2031-06-12T20:00:00.000Z".len()),
        "{times:?}"
    );
}

#[tokio::test]
async fn what_an_event_has_from_before_keeps_nobody_from_changing_something_else() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (path, admin) = (format!("/admin/events/{event}"), evently.admin());
    let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    let old = before.replaced(EventDetails { venue: Some("Park\0".to_owned()), ..before.details.clone() });
    assert!(evently.app.store.replace_event_adding(&before, &old, &[], &[], &[], None).await.unwrap());
    let changed = admin.patch(&path, "*", json!({ "capacity": 50 })).await;
    assert_eq!((changed.status, &changed.body["venue"]), (200, &json!("Park\0")), "{}", changed.body);
    assert_refused(&admin.patch(&path, "*", json!({ "venue": "Park\0!" })).await, "venue", "another one");
    assert_eq!(admin.patch(&path, "*", json!({ "venue": "Park" })).await.status, 200);
}

#[tokio::test]
async fn an_empty_body_is_no_patch() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}", evently.event(10).await);
    let patch = |body: &'static str| {
        let request = evently.admin().request(Method::PATCH, &path).header("if-match", "*");
        send(request.header("content-type", "application/merge-patch+json").body(body))
    };
    for body in ["", " ", "\n"] {
        patch(body).await.assert_problem(400, "malformed_json");
    }
    assert_eq!(patch("{}").await.status, 200, "nothing to change is a patch, too");
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    assert_eq!(document["paths"]["/admin/events/{id}"]["patch"]["requestBody"]["required"], true);
}
