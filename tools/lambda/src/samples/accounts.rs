//! `auth`: accounts and tokens.

use accounts::mailed_tokens::Purpose;
use kit::Failure;
use serde_json::json;

use super::{Case, get, post, request};
use crate::{
    payload::Request,
    world::{ADMIN, ADMIN_PASSWORD, ALAN, BOOKED_BY_ALAN, EMMY, GRACE, HEDY, LISE, MARY, PASSWORD},
};

const HTML: &str = "text/html; charset=utf-8";

pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let account = |email: &str, password: &str| json!({ "email": email, "password": password });
    let change =
        |current: &str| json!({ "current_password": current, "new_password": "four quiet green bicycles" });
    Ok([
        post("/register")?
            .json(&json!({ "email": "Ida@Example.com", "password": PASSWORD, "name": "Ida" }))
            .answers(
                "register",
                201,
                json!({ "token_type": "Bearer", "user": { "email": "ida@example.com", "name": "Ida", "role": "user" } }),
            ),
        // API Gateway hands on in base64 what it does not know to be text.
        post("/register")?
            .text("application/vnd.api+json", &account("joan@example.com", PASSWORD).to_string())
            .answers("register-in-base64", 201, json!({ "user": { "email": "joan@example.com" } })),
        post("/register")?.json(&account(GRACE.email, PASSWORD)).refused(
            "register-email-taken",
            409,
            "email_taken",
        ),
        post("/register")?.json(&account("nobody", "123")).answers(
            "register-bad-fields",
            422,
            json!({ "code": "validation_failed", "errors": [{ "field": "email" }, { "field": "password" }] }),
        ),
        post("/register")?.text("application/json", "{\"email\": ").refused(
            "register-no-json",
            400,
            "malformed_json",
        ),
        post("/login")?.json(&account(GRACE.email, PASSWORD)).answers(
            "login",
            200,
            json!({ "token_type": "Bearer", "user": { "id": GRACE.id, "role": "user" } }),
        ),
        request("GET", "/login")?
            .refused("login-wrong-method", 405, "method_not_allowed")
            .with("allow", "POST"),
        post("/login")?.json(&account(ADMIN.email, ADMIN_PASSWORD)).answers(
            "login-as-admin",
            200,
            json!({ "user": { "email": ADMIN.email, "role": "admin" } }),
        ),
        post("/login")?.json(&account(GRACE.email, "wrong horse")).refused(
            "login-wrong-password",
            401,
            "invalid_credentials",
        ),
        post("/password")?.by(MARY)?.json(&change(PASSWORD)).answers("change-password", 204, json!("")),
        post("/password")?.json(&change(PASSWORD)).refused(
            "change-password-without-token",
            401,
            "unauthorized",
        ),
        post("/password")?.by(GRACE)?.json(&change("wrong horse")).refused(
            "change-password-wrong-one",
            401,
            "invalid_credentials",
        ),
    ]
    .into_iter()
    .chain(by_mail()?)
    .chain(own_account()?)
    .collect())
}

/// What mails lead to.
fn by_mail() -> Result<Vec<Case>, Failure> {
    let email = |email: &str| json!({ "email": email });
    let (verify, reset) = (GRACE.mailed(Purpose::Verify)?, EMMY.mailed(Purpose::Reset)?);
    let to_move = GRACE.mailed(Purpose::Move)?;
    let set = |token: &str, password: &str| json!({ "token": token, "password": password });
    Ok(vec![
        get("/password/forgot")?.answers_status("forgot-password-page", 200).with("content-type", HTML),
        request("PUT", "/password/forgot")?
            .refused("forgot-password-wrong-method", 405, "method_not_allowed")
            .with("allow", "GET, POST, HEAD"),
        post("/password/forgot")?.json(&email(EMMY.email)).answers("forgot-password", 202, json!("")),
        post("/password/forgot")?.json(&email("nobody@example.com")).answers(
            "forgot-password-unknown",
            202,
            json!(""),
        ),
        post("/password/forgot")?.json(&email("nobody")).refused(
            "forgot-password-no-address",
            422,
            "validation_failed",
        ),
        get(&format!("/password/reset?token={reset}"))?
            .answers_status("reset-password-page", 200)
            .with("content-type", HTML),
        get("/password/reset")?.answers_status("reset-password-no-token", 410).with("content-type", HTML),
        post("/password/reset")?.json(&set(&reset, "four quiet green bicycles")).answers(
            "reset-password",
            204,
            json!(""),
        ),
        post("/password/reset")?.json(&set(&verify, "four quiet green bicycles")).refused(
            "reset-password-other-token",
            410,
            "token_ended",
        ),
        get(&format!("/verify-email?token={verify}"))?
            .answers_status("verify-email-page", 200)
            .with("content-type", HTML),
        get("/verify-email")?.answers_status("verify-email-no-token", 410).with("content-type", HTML),
        post("/verify-email")?.json(&json!({ "token": verify })).answers("verify-email", 204, json!("")),
        get(&format!("/verify-email?token={to_move}"))?
            .answers_status("move-page", 200)
            .with("content-type", HTML),
        // She never asked for it.
        post("/verify-email")?.json(&json!({ "token": to_move })).refused(
            "move-not-wanted",
            410,
            "token_ended",
        ),
        post("/verify-email")?.json(&json!({ "token": "made-up" })).refused(
            "verify-email-made-up",
            410,
            "token_ended",
        ),
        post("/verify-email/resend")?.by(HEDY)?.answers("resend-verification", 202, json!("")),
        post("/verify-email/resend")?.refused("resend-verification-without-token", 401, "unauthorized"),
    ])
}

/// One's own account: seen, changed, erased.
fn own_account() -> Result<Vec<Case>, Failure> {
    let rename = |media_type: &str| -> Result<Request, Failure> {
        Ok(request("PATCH", "/me")?.by(HEDY)?.text(media_type, &json!({ "name": "Hedy" }).to_string()))
    };
    let move_to = |email: &str, password: &str| -> Result<Request, Failure> {
        Ok(post("/me/email")?.json(&json!({ "email": email, "password": password })))
    };
    let erase = || Ok::<_, Failure>(request("DELETE", "/me")?.json(&json!({ "password": PASSWORD })));
    Ok(vec![
        get("/me")?.by(GRACE)?.answers(
            "me",
            200,
            json!({ "user": { "id": GRACE.id, "email": GRACE.email, "name": null, "role": "user" } }),
        ),
        request("HEAD", "/me")?.by(GRACE)?.answers("me-head", 200, json!("")),
        get("/me")?.refused("me-without-token", 401, "unauthorized"),
        rename("application/merge-patch+json")?.answers(
            "rename-me",
            200,
            json!({ "user": { "id": HEDY.id, "name": "Hedy" } }),
        ),
        rename("application/json")?
            .refused("rename-me-other-type", 415, "unsupported_media_type")
            .with("accept-patch", "application/merge-patch+json"),
        move_to("hedy@example.org", PASSWORD)?.by(HEDY)?.answers("change-email", 202, json!("")),
        // Nobody learns so who has an account.
        move_to(GRACE.email, PASSWORD)?.by(ALAN)?.answers("change-email-taken", 202, json!("")),
        move_to(HEDY.email, PASSWORD)?.by(HEDY)?.answers(
            "change-email-unchanged",
            422,
            json!({ "code": "validation_failed", "errors": [{ "field": "email", "code": "unchanged" }] }),
        ),
        move_to("hedy@example.org", "wrong horse")?.by(HEDY)?.refused(
            "change-email-wrong-password",
            401,
            "invalid_credentials",
        ),
        move_to("hedy@example.org", PASSWORD)?.refused("change-email-without-token", 401, "unauthorized"),
        erase()?.by(LISE)?.answers("erase-me", 204, json!("")),
        erase()?.by(ALAN)?.answers(
            "erase-me-still-open",
            409,
            json!({ "code": "still_open", "bookings": [BOOKED_BY_ALAN] }),
        ),
    ])
}
