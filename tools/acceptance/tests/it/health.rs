//! How the service is, and what it answers when a store is not there.

use serde_json::{Value, json};

use crate::common::TestApp;

#[tokio::test]
async fn health_tells_that_both_stores_are_up() {
    let evently = TestApp::start().await;
    let health = evently.anybody().get("/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.body, json!({ "status": "ok", "dynamodb": "up", "redis": "up" }));
}

#[tokio::test]
async fn without_redis_browsing_works_and_booking_waits() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, user) = (evently.event(10).await, evently.user());
    let (booking, held) = (user.buy(&event, 2).await, user.hold(&event, 1).await);
    redis.kill().unwrap();
    redis.wait_dead().await;

    let health = evently.anybody().get("/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.body, json!({ "status": "degraded", "dynamodb": "up", "redis": "down" }));
    assert_eq!(evently.available(&event).await, 8, "as DynamoDB knows it");
    assert_eq!(evently.anybody().get("/events").await.body["items"][0]["available"], 8);
    assert_eq!(evently.anybody().get("/events/popular").await.status, 200);
    assert_eq!(user.get("/bookings").await.body["items"][0]["id"], booking.as_str());
    assert_eq!(user.confirm(&booking).await.status, 200, "a confirm that came before is answered");
    for answer in [
        user.book(&event, 1).await,
        user.confirm(&held).await,
        user.get(&format!("/reservations/{held}")).await,
        user.delete(&format!("/reservations/{held}")).await,
    ] {
        answer.assert_problem(503, "try_again");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    let cancelled = user.cancel(&booking).await;
    assert_eq!(cancelled.body["booking"]["status"], "cancelled", "{}", cancelled.body);
    assert_eq!(evently.available(&event).await, 10);
}

#[tokio::test]
async fn without_dynamodb_the_service_is_down_and_says_try_again() {
    let evently = TestApp::without_dynamodb().await;
    let anybody = evently.anybody();
    let health = anybody.get("/health").await;
    assert_eq!((health.status, health.header("retry-after")), (503, "1"));
    assert_eq!(health.body, json!({ "status": "down", "dynamodb": "down", "redis": "up" }));
    let ada = json!({ "email": "ada@example.com", "password": "correct horse" });
    for answer in [
        anybody.get("/events").await,
        anybody.post("/register", ada.clone()).await,
        anybody.post("/login", ada).await,
        evently.user().get("/bookings").await,
    ] {
        answer.assert_problem(503, "try_again");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    assert_eq!(anybody.get("/openapi.json").await.status, 200);
}

#[tokio::test]
async fn a_defect_inside_is_answered_without_its_details() {
    let evently = TestApp::without_tables().await;
    let answer = evently.anybody().get("/events").await;
    answer.assert_problem(500, "internal_error");
    let expected = json!({ "type": "/problems/internal_error", "title": answer.text("title"), "status": 500, "code": "internal_error" });
    assert_eq!(answer.body, expected, "and nothing else");
}

#[tokio::test]
async fn the_openapi_document_is_that_of_the_code() {
    let evently = TestApp::start().await;
    let answer = evently.anybody().get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let code: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    assert_eq!(
        answer.body, code,
        "functions/events/openapi.json is not that of the code: run `make openapi`"
    );
    assert_eq!(
        ::events::OPENAPI_JSON,
        local::api::openapi().unwrap(),
        "functions/events/openapi.json is not that of the code: run `make openapi`"
    );
    assert_eq!(
        include_str!("../../../../shared/http-api/src/allowed.txt"),
        local::api::allowed().unwrap(),
        "shared/http-api/src/allowed.txt is not that of the code: run `make openapi`"
    );
}
