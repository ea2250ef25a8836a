//! The files of `events/` are those of the code, speak of every route and job, and get the stated answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use http_api::{App, gateway::gateway};
use jiff::Timestamp;
use lambda::{
    answer::{difference, readable},
    samples::{self, Sample},
    stores::Stores,
};
use lambda_http::{LambdaEvent, tower::ServiceExt};
use local::{
    api,
    template::{DEFAULT_ROUTE, Template},
};
use messages::Teller;
use serde_json::Value;
use settings::mail::MailConfig;

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// The files below a folder, by their path in it.
fn files_in(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_files_are_those_of_the_code() {
    let (written, made) = (files_in(&events()), samples::files().unwrap());
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&made), "run `make events`");
    for (name, text) in made {
        assert!(
            written[&name] == text,
            "events/{} is not as the code has it: run `make events`",
            name.display()
        );
    }
}

/// What the API document has: each method and path.
fn operations() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&api::openapi().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = paths.flat_map(|(path, operations)| {
        operations.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
    });
    methods.collect()
}

#[test]
fn every_operation_and_every_job_has_a_good_and_a_bad_sample() {
    let operations = operations();
    let (mut good, mut bad, mut refused) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for sample in samples::all().unwrap() {
        let Some(status) = sample.answer["statusCode"].as_u64() else {
            good.insert((String::new(), sample.function));
            continue;
        };
        let path = sample.payload["routeKey"].as_str().unwrap().trim_start_matches("ANY ").to_owned();
        let method = sample.payload["requestContext"]["http"]["method"].as_str().unwrap().to_owned();
        match status {
            0..400 => good.insert((method, path)),
            // It is what can be wrong with an operation that takes nothing.
            405 => refused.insert(path),
            _ => bad.insert((method, path)),
        };
    }
    for (method, path) in operations {
        let is_refused = bad.contains(&(method.clone(), path.clone())) || refused.contains(&path);
        assert!(is_refused, "{method} {path} has no bad sample");
        assert!(good.contains(&(method.clone(), path.clone())), "{method} {path} has no good sample");
    }
    assert!(
        bad.contains(&("GET".to_owned(), DEFAULT_ROUTE.to_owned())),
        "nothing is sent to the default route"
    );
    for schedule in Template::embedded().unwrap().schedules() {
        assert!(
            good.contains(&(String::new(), schedule.function.clone())),
            "{} has no sample",
            schedule.function
        );
    }
}

#[test]
fn every_function_is_asked_with_head_and_for_a_method_that_a_path_does_not_have() {
    let samples = samples::all().unwrap();
    let functions = |is_one: fn(&Sample) -> bool| -> BTreeSet<&str> {
        samples.iter().filter(|sample| is_one(sample)).map(|sample| sample.function.as_str()).collect()
    };
    let all: BTreeSet<_> = api::routes_by_function().iter().map(|(function, _)| *function).collect();
    assert_eq!(functions(|sample| sample.answer["statusCode"] == 405), all);
    let with_head = functions(|sample| {
        sample.payload["requestContext"]["http"]["method"] == "HEAD" && sample.answer["statusCode"] == 200
    });
    assert_eq!(with_head, all);
}

/// What tells people, into a folder.
async fn teller(app: &App) -> Teller {
    let folder = tempfile::tempdir().unwrap();
    let mail = MailConfig::from_lookup(|name| {
        Some(match name {
            "MAIL_URL" => format!("file:{}", folder.path().display()),
            "MAIL_FROM" => "tickets@evently.example".to_owned(),
            "DELIVERIES_TABLE" => "evently-deliveries".to_owned(),
            "PUBLIC_URL" => "https://tickets.example.com".to_owned(),
            _ => return None,
        })
    });
    let mail = mail.unwrap().unwrap();
    let tokens = Arc::clone(&app.tokens);
    Teller::open(app.store.clone(), tokens, Some(mail), domain::endpoint_url::Addresses::AlsoLoopback)
        .await
        .unwrap()
}

/// What a function answers, without Lambda around it.
async fn invoke(app: &Arc<App>, sample: &Sample) -> Value {
    match sample.function.as_str() {
        "janitor" => serde_json::to_value(janitor::run(app, Timestamp::now()).await.unwrap()).unwrap(),
        "pricing" => {
            let report = pricing::run(app, Timestamp::now()).await.unwrap();
            serde_json::to_value(report.finished().unwrap()).unwrap()
        }
        "followup" => followup::handle(app, sample.payload.clone()).await.unwrap(),
        "notifications" => {
            let teller = teller(app).await;
            notifications::handle(&teller, sample.payload.clone()).await.unwrap()
        }
        function => {
            let (_, routes) =
                api::routes_by_function().into_iter().find(|(name, _)| *name == function).unwrap();
            let service = gateway(http_api::service(routes, Arc::clone(app)));
            let request = serde_json::from_value(sample.payload.clone()).unwrap();
            let event = LambdaEvent::new(request, lambda_http::Context::default());
            serde_json::to_value(service.oneshot(event).await.unwrap()).unwrap()
        }
    }
}

/// What is not as stated, of all samples in that order, on stores of their own.
async fn differences(order: impl FnOnce(&mut Vec<Sample>)) -> Vec<String> {
    let stores = Stores::start(None).await.unwrap();
    let mut samples = samples::all().unwrap();
    order(&mut samples);
    let mut found = Vec::new();
    for sample in samples {
        let answer = readable(&invoke(&stores.app, &sample).await);
        if let Some(difference) = difference(&sample.answer, &answer) {
            found.push(format!("{}: {difference} in {answer}", sample.name));
        }
    }
    stores.stop().await;
    found
}

#[tokio::test]
async fn every_sample_gets_the_stated_answer_in_any_order() {
    for order in [|_: &mut Vec<Sample>| {}, |samples: &mut Vec<Sample>| samples.reverse()] {
        assert_eq!(differences(order).await, Vec::<String>::new());
    }
}

#[test]
fn an_answer_with_another_value_or_without_one_is_seen() {
    let stated = serde_json::json!({ "statusCode": 200, "body": { "items": [{ "id": "a" }] } });
    let seen = |answer: Value| difference(&stated, &answer);
    let with = |items: Value| serde_json::json!({ "statusCode": 200, "body": { "items": items, "more": 1 } });
    assert_eq!(seen(with(serde_json::json!([{ "id": "a", "name": "A" }]))), None);
    let other = seen(with(serde_json::json!([{ "id": "b" }])));
    assert_eq!(other.as_deref(), Some("body.items[0].id: stated \"a\", got \"b\""));
    assert!(seen(with(serde_json::json!([]))).unwrap().starts_with("body.items: "));
    assert!(seen(serde_json::json!({ "statusCode": 404 })).is_some());
}
