//! Access tokens: which are accepted, and what they allow.

use domain::email::Email;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{ADMIN_EMAIL, Answer, JWT_SECRET, TestApp, erase_me, send};

const ANOTHER_SECRET: &str = "another secret of more than thirty-two bytes";

/// The claims of a good token with some changed; `null` takes one away.
fn claims(changes: Value) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "sub": Uuid::now_v7(), "email": "ada@example.com", "role": "user",
        "iat": now, "exp": now + 600, "iss": "evently", "aud": "evently",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn header(algorithm: Algorithm, kind: Option<&str>) -> Header {
    Header { typ: kind.map(str::to_owned), ..Header::new(algorithm) }
}

fn sign(header: &Header, claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn token(changes: Value) -> String {
    sign(&header(Algorithm::HS256, Some("JWT")), &claims(changes), JWT_SECRET)
}

/// A token signed by HMAC with our secret, whatever its header says.
fn with_header(header: Value) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let signed_part = format!("{}.{}", part(&header), part(&claims(json!({}))));
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed_part.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{signed_part}.{signature}")
}

/// A token that says it is signed by another algorithm than it is (RFC 8725, section 2.1).
fn confused(algorithm: &str) -> String {
    with_header(json!({ "alg": algorithm, "typ": "JWT" }))
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, n| number << 8 | usize::from(*chunk.get(n).unwrap_or(&0)));
        for digit in 0..=chunk.len() {
            text.push(char::from(ALPHABET[number >> (18 - 6 * digit) & 63]));
        }
    }
    text
}

#[track_caller]
fn assert_unauthorized(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 401, "{why}: {}", answer.body);
    answer.assert_problem(401, "unauthorized");
    assert!(answer.header("www-authenticate").starts_with("Bearer"), "{why}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_token_needs_the_right_type_key_algorithm_and_claims() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    // The yardstick: what follows differs from it in one thing each.
    let good = token(json!({}));
    assert_eq!(anybody.with_token(&good).get("/bookings").await.status, 200);
    let by_hand = with_header(json!({ "alg": "HS256", "typ": "JWT" }));
    assert_eq!(anybody.with_token(by_hand).get("/bookings").await.status, 200);
    let clocks_apart = token(json!({ "iat": Timestamp::now().as_second() + 30 }));
    assert_eq!(anybody.with_token(clocks_apart).get("/bookings").await.status, 200);

    let soon = token(json!({ "exp": Timestamp::now().as_second() + 30 }));
    assert_eq!(anybody.with_token(soon).get("/bookings").await.status, 200);

    let now = Timestamp::now().as_second();
    let jwt = header(Algorithm::HS256, Some("JWT"));
    let unsigned = {
        // {"alg":"none","typ":"JWT"}
        let payload = good.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.")
    };
    let (signed_part, signature) = good.rsplit_once('.').unwrap();
    let foreign_payload = {
        let other = token(json!({ "role": "admin" }));
        let parts: Vec<&str> = other.split('.').collect();
        format!("{}.{}.{signature}", parts[0], parts[1])
    };
    for (why, token) in [
        ("nothing", String::new()),
        ("no JWT", "abc".to_owned()),
        ("two parts", signed_part.to_owned()),
        ("no signature", format!("{signed_part}.")),
        ("alg none", unsigned.clone()),
        ("alg none with a signature", format!("{unsigned}{signature}")),
        ("another payload under the signature", foreign_payload),
        ("HS512", sign(&header(Algorithm::HS512, Some("JWT")), &claims(json!({})), JWT_SECRET)),
        ("HS384", sign(&header(Algorithm::HS384, Some("JWT")), &claims(json!({})), JWT_SECRET)),
        ("another key", sign(&jwt, &claims(json!({})), ANOTHER_SECRET)),
        ("another type", sign(&header(Algorithm::HS256, Some("at+jwt")), &claims(json!({})), JWT_SECRET)),
        (
            "the type of cursors",
            sign(&header(Algorithm::HS256, Some("cursor")), &claims(json!({})), JWT_SECRET),
        ),
        ("no type", sign(&header(Algorithm::HS256, None), &claims(json!({})), JWT_SECRET)),
        ("RS256, with our secret as the key", confused("RS256")),
        ("ES256, with our secret as the key", confused("ES256")),
        ("an algorithm in another case", confused("hs256")),
        ("what must be understood", with_header(json!({ "alg": "HS256", "typ": "JWT", "crit": ["exp"] }))),
        ("no algorithm", with_header(json!({ "typ": "JWT" }))),
        ("overlong", token(json!({ "padding": "p".repeat(2_000) }))),
        ("from the future", token(json!({ "iat": now + 120 }))),
        ("expired", token(json!({ "exp": now - 1 }))),
        ("expires now", token(json!({ "exp": Timestamp::now().as_second() }))),
        ("an end that is no number of seconds", token(json!({ "exp": (now + 600) as f64 + 0.5 }))),
        ("another issuer", token(json!({ "iss": "somebody" }))),
        ("another audience", token(json!({ "aud": "somebody" }))),
        ("an unknown role", token(json!({ "role": "root" }))),
        ("a user id that is none", token(json!({ "sub": "ada" }))),
        ("no sub", token(json!({ "sub": null }))),
        ("no email", token(json!({ "email": null }))),
        ("no role", token(json!({ "role": null }))),
        ("no iat", token(json!({ "iat": null }))),
        ("no exp", token(json!({ "exp": null }))),
        ("no iss", token(json!({ "iss": null }))),
        ("no aud", token(json!({ "aud": null }))),
    ] {
        assert_unauthorized(&anybody.with_token(token).get("/bookings").await, why);
    }
}

#[tokio::test]
async fn the_header_must_be_bearer_and_a_token() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    let good = token(json!({}));
    for value in [
        String::new(),
        good.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {good}"),
        format!("Token {good}"),
        format!("Bearer {good} {good}"),
    ] {
        assert_unauthorized(&anybody.get_with("/bookings", "authorization", &value).await, &value);
    }
    let not_text = reqwest::header::HeaderValue::from_bytes(b"Bearer \xff").unwrap();
    let answer = send(anybody.request(Method::GET, "/bookings").header("authorization", not_text)).await;
    assert_unauthorized(&answer, "not text");
    let lower_case = anybody.get_with("/bookings", "authorization", &format!("bearer {good}")).await;
    assert_eq!(lower_case.status, 200, "the scheme is in any case (RFC 9110, section 11.1)");
}

#[tokio::test]
async fn a_cursor_is_no_token_and_a_token_no_cursor() {
    let evently = TestApp::start().await;
    for _ in 0..2 {
        evently.event(10).await;
    }
    let admin = evently.admin();
    let cursor = admin.get("/admin/events?limit=1").await.text("next_cursor");
    assert_unauthorized(&evently.anybody().with_token(&cursor).get("/bookings").await, "a cursor");
    let token = admin.token.clone().unwrap();
    admin.get(&format!("/admin/events?cursor={token}")).await.assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn the_previous_secret_still_verifies_and_no_longer_signs() {
    let evently = TestApp::with(|config| {
        config.jwt_secret = SecretString::from(ANOTHER_SECRET);
        config.jwt_secret_previous = Some(SecretString::from(JWT_SECRET));
    })
    .await;
    let anybody = evently.anybody();
    let jwt = header(Algorithm::HS256, Some("JWT"));
    for secret in [ANOTHER_SECRET, JWT_SECRET] {
        let token = sign(&jwt, &claims(json!({})), secret);
        assert_eq!(anybody.with_token(token).get("/bookings").await.status, 200, "{secret}");
    }
    let third = sign(&jwt, &claims(json!({})), "a third secret of more than thirty-two bytes");
    assert_unauthorized(&anybody.with_token(third).get("/bookings").await, "a third secret");
    let expired = sign(&jwt, &claims(json!({ "exp": 1 })), JWT_SECRET);
    assert_unauthorized(&anybody.with_token(expired).get("/bookings").await, "expired, previous secret");

    let without_previous = TestApp::with(|config| {
        config.jwt_secret = SecretString::from(ANOTHER_SECRET);
    })
    .await;
    let issued = evently.user().token.unwrap();
    assert_eq!(without_previous.anybody().with_token(issued).get("/bookings").await.status, 200);
}

#[tokio::test]
async fn a_cursor_signed_with_the_previous_secret_is_still_good() {
    let evently = TestApp::start().await;
    for _ in 0..2 {
        evently.event(10).await;
    }
    let cursor = evently.admin().get("/admin/events?limit=1").await.text("next_cursor");
    let with_secrets = |previous: Option<&'static str>| {
        evently.another_with(move |config| {
            config.jwt_secret = SecretString::from(ANOTHER_SECRET);
            config.jwt_secret_previous = previous.map(SecretString::from);
        })
    };
    let path = format!("/admin/events?limit=1&cursor={cursor}");
    let rotated = with_secrets(Some(JWT_SECRET)).await;
    let next = rotated.admin().get(&path).await;
    assert_eq!((next.status, next.body["items"].as_array().map(Vec::len)), (200, Some(1)), "{}", next.body);
    let forgotten = with_secrets(None).await;
    forgotten.admin().get(&path).await.assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn every_protected_route_asks_for_a_token_and_admin_routes_for_an_admin() {
    let evently = TestApp::start().await;
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let (mut protected, mut for_admins) = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let address = path.replace("{id}", &Uuid::now_v7().to_string());
        for (method, operation) in operations.as_object().unwrap() {
            if operation["security"].as_array().unwrap().is_empty() {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            protected += 1;
            let answer = send(evently.anybody().request(method.clone(), &address)).await;
            assert_unauthorized(&answer, &format!("{method} {path}"));
            if path.starts_with("/admin") {
                for_admins += 1;
                send(evently.user().request(method, &address)).await.assert_problem(403, "forbidden");
            }
        }
    }
    assert!(protected >= 10 && for_admins >= 3, "{protected} protected, {for_admins} for admins");
}

#[tokio::test]
async fn only_the_admin_of_the_settings_is_one() {
    let evently = TestApp::start().await;
    let another = evently
        .another_with(|config| {
            config.admin.as_mut().unwrap().email = Email::parse("new@example.com").unwrap()
        })
        .await;
    let without = evently.another_with(|config| config.admin = None).await;
    let admins = token(json!({ "role": "admin", "email": ADMIN_EMAIL }));
    let another_admins = token(json!({ "role": "admin", "email": "new@example.com" }));
    // Who registered the address before it became the admin's.
    let strangers = token(json!({ "role": "user", "email": ADMIN_EMAIL }));
    let anothers = token(json!({ "role": "user", "email": "new@example.com" }));
    for (what, process, token, admins_route, users_route) in [
        ("the admin", &evently, &admins, 200, 200),
        ("an admin of other settings", &evently, &another_admins, 401, 401),
        ("somebody with the admin's address", &evently, &strangers, 401, 401),
        ("a user", &evently, &anothers, 403, 200),
        ("the admin of before", &another, &admins, 401, 401),
        ("the admin of now", &another, &another_admins, 200, 200),
        ("somebody with the address of the admin of now", &another, &anothers, 401, 401),
        // Which address is the admin's is not known here, so nobody is one; else they are whom their token says.
        ("an admin where there is none", &without, &admins, 401, 200),
        ("a user where there is no admin", &without, &strangers, 403, 200),
    ] {
        let session = process.anybody().with_token(token);
        for (path, expected) in [("/admin/analytics", admins_route), ("/bookings", users_route)] {
            let answer = session.get(path).await;
            assert_eq!(answer.status, expected, "{what} at {path}: {}", answer.body);
            if expected == 401 {
                answer.assert_problem(401, "unauthorized");
                assert!(answer.header("www-authenticate").contains("invalid_token"), "{what}");
            }
        }
        let change =
            json!({ "current_password": "correct horse", "new_password": "four quiet green bicycles" });
        if users_route == 401 {
            session.post("/password", change).await.assert_problem(401, "unauthorized");
            erase_me(&session, "correct horse").await.assert_problem(401, "unauthorized");
        }
    }
}
