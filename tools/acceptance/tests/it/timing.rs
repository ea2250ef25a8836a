//! Times that must fit together though they stand in different places: in the template, in the settings, in the code; and those
//! that must not tell whose an address is.

use std::{collections::BTreeMap, time::Duration};

use domain::reservation::HOLD_TTL_SECONDS_MAX;
use http_api::service::REQUEST_TIME_MAX;
use local::template::Template;
use serde_json::{Value, json};
use settings::Config;
use stores::{
    dynamodb::{ATTEMPT_TIMEOUT, OPERATION_TIMEOUT, TRANSACTION_TIME_MAX},
    redis::IDEMPOTENCY_TTL,
};

use crate::common::{ADMIN_EMAIL, ADMIN_PASSWORD, Calls, PASSWORD, TestApp};

/// Each function of the template, by its binary, with its timeout.
fn timeouts() -> BTreeMap<String, Duration> {
    let template: Value = serde_saphyr::from_str(include_str!("../../../../template.yaml")).unwrap();
    let usual = &template["Globals"]["Function"]["Timeout"];
    let resources = template["Resources"].as_object().unwrap().values();
    let functions = resources.filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions
        .map(|function| {
            let own = &function["Properties"]["Timeout"];
            let seconds = if own.is_null() { usual } else { own }.as_u64().unwrap();
            let name = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
            (name.to_owned(), Duration::from_secs(seconds))
        })
        .collect()
}

/// The timeouts of the functions that serve requests.
fn of_requests() -> BTreeMap<String, Duration> {
    let routed = Template::embedded().unwrap();
    let timeouts: BTreeMap<_, _> = timeouts()
        .into_iter()
        .filter(|(name, _)| routed.routes().iter().any(|route| route.function == *name))
        .collect();
    assert!(timeouts.len() >= 5, "{timeouts:?}");
    timeouts
}

/// The settings where nothing is set that need not be.
fn usual_settings() -> Config {
    Config::from_lookup(|name| match name {
        "JWT_SECRET" => Some("a secret of at least thirty-two bytes".to_owned()),
        "REDIS_URL" => Some("redis://127.0.0.1".to_owned()),
        name if name.ends_with("_TABLE") => Some(name.to_lowercase()),
        _ => None,
    })
    .unwrap()
}

/// The janitor decides about a confirm after the grace. No commit may come later: neither from a function that still runs,
/// nor from the last try that it sent.
#[test]
fn the_grace_of_a_confirm_is_longer_than_any_request_can_live() {
    let grace = Duration::from_millis(usual_settings().confirm_grace_ms);
    for (function, timeout) in of_requests() {
        assert!(timeout + ATTEMPT_TIMEOUT < grace, "{function}: {timeout:?}");
        // Clocks of a function and of Redis, a slow network: not to the second.
        assert!(timeout * 2 < grace, "{function}: {timeout:?}");
    }
    // Nor may it keep seats from others for longer than a hold does.
    assert!(grace <= Duration::from_millis(usual_settings().hold_ttl_ms));
}

#[test]
fn a_request_is_told_to_try_again_before_its_function_is_broken_off() {
    for (function, timeout) in of_requests() {
        assert!(REQUEST_TIME_MAX + Duration::from_secs(1) <= timeout, "{function}: {timeout:?}");
        assert!(TRANSACTION_TIME_MAX + OPERATION_TIMEOUT < timeout, "{function}: {timeout:?}");
        assert!(OPERATION_TIMEOUT < REQUEST_TIME_MAX, "{function}");
        // API Gateway waits no longer than that.
        assert!(timeout < Duration::from_secs(29), "{function}: {timeout:?}");
    }
    assert!(ATTEMPT_TIMEOUT * 2 < OPERATION_TIMEOUT, "a second try has its time, too");
}

#[test]
fn a_job_ends_by_itself_before_its_function_is_broken_off_and_that_before_the_next_run() {
    let (timeouts, template) = (timeouts(), Template::embedded().unwrap());
    let in_stores = TRANSACTION_TIME_MAX + OPERATION_TIMEOUT;
    let jobs = [
        ("janitor", janitor::Limits::default().run_time, in_stores),
        ("pricing", pricing::Limits::default().run_time, in_stores),
        (
            "notifications",
            messages::Limits::default().run_time,
            messages::SENDING_TIME_MAX + OPERATION_TIMEOUT,
        ),
        ("followup", followup::BATCH_TIME_MAX, in_stores),
    ];
    assert_eq!(timeouts.len(), of_requests().len() + jobs.len(), "a function is no route and no job");
    for (job, run_time, last) in jobs {
        let timeout = timeouts[job];
        assert!(run_time + last < timeout, "{job}: what was begun last takes {last:?}, of {timeout:?}");
        // What a stream invokes has none.
        let schedule = template.schedules().iter().find(|schedule| schedule.function == job);
        assert_eq!(schedule.is_none(), job == "followup");
        if let Some(schedule) = schedule {
            assert!(timeout < schedule.every, "{job}: {timeout:?} every {:?}", schedule.every);
        }
        // Lambda allows no more.
        assert!(timeout <= Duration::from_secs(900), "{job}: {timeout:?}");
    }
}

#[test]
fn an_idempotency_key_is_known_for_as_long_as_the_longest_hold() {
    assert!(IDEMPOTENCY_TTL >= Duration::from_secs(HOLD_TTL_SECONDS_MAX));
    assert_eq!(usual_settings().hold_ttl_ms, 600_000);
}

/// How often DynamoDB is asked; each is a round trip that somebody could measure. `sign_ins.rs` counts the hashes.
#[tokio::test]
async fn the_stores_are_asked_as_often_whoever_has_an_address() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let anybody = evently.anybody();
    let account = |email: &str, password: &str| json!({ "email": email, "password": password });
    assert_eq!(anybody.post("/register", account("ada@example.com", PASSWORD)).await.status, 201);
    let asked = async |path: &str, email: &str| {
        calls.take();
        let refused = anybody.post(path, account(email, "not the password")).await;
        (refused.status, calls.take().values().sum::<usize>())
    };
    // Before the admin ever signed in, and after.
    for round in 0..2 {
        let taken = asked("/register", "ada@example.com").await;
        assert_eq!(asked("/register", ADMIN_EMAIL).await, taken, "{round}");
        assert_eq!(taken, (409, 2));
        let wrong = asked("/login", "ada@example.com").await;
        for email in ["nobody@example.com", ADMIN_EMAIL] {
            assert_eq!(asked("/login", email).await, wrong, "{round}: {email}");
        }
        assert_eq!(wrong, (401, 1));
        assert_eq!(anybody.post("/login", account(ADMIN_EMAIL, ADMIN_PASSWORD)).await.status, 200);
    }
}
