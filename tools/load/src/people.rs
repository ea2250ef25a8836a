//! Who uses the service: an admin, and buyers with their tokens.

use std::net::SocketAddr;

use accounts::{
    mailed_tokens::{MailedClaims, Purpose},
    tokens::Tokens,
};
use domain::{
    email::Email,
    user::{Role, User},
};
use hyper::Method;
use jiff::Timestamp;
use kit::{
    Failure,
    http::{Answer, Call, Connection},
    sample::somebody,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    scenario::{GENERAL, StageArea},
    settings::Target,
};

/// Each has two hashes of a password.
const VERIFIED: usize = 200;
const PASSWORD: &str = "a load generator's own";

/// The buyers.
#[derive(Debug)]
pub enum Buyers {
    /// Anybody new, whose token we sign: the service verifies tokens without knowing the users.
    Signed(Box<Tokens>),
    /// Registered beforehand: their `Authorization` headers.
    Registered(Vec<String>),
}

impl Buyers {
    /// Buyers of a service whose secret is known.
    pub fn signed(secret: &str) -> Self {
        Self::Signed(Box::new(Tokens::new(&SecretString::from(secret.to_owned()), None)))
    }

    /// Registers buyers and signs them in.
    ///
    /// # Errors
    /// When the service refuses, as it does where sign-ins are limited.
    pub async fn register(target: &Target) -> Result<Self, Failure> {
        let mut connection = Connection::new(target.address);
        let mut bearers = Vec::new();
        let run = Timestamp::now().as_millisecond();
        for number in 0..target.accounts {
            let email = format!("load-{run}-{number}@example.com");
            let account = json!({ "email": email, "password": PASSWORD }).to_string();
            expect(&post(&mut connection, "/register", account.clone()).await?, 201, "/register")?;
            bearers.push(sign_in(&mut connection, account).await?);
        }
        Ok(Self::Registered(bearers))
    }

    /// Registers buyers with a service whose secret is known, and verifies their addresses, as the links in their mails do: whoever
    /// has not done that is told little.
    ///
    /// # Errors
    /// When the service refuses.
    pub async fn verified(address: SocketAddr, secret: &str) -> Result<Self, Failure> {
        let tokens = Tokens::new(&SecretString::from(secret.to_owned()), None);
        let mut connection = Connection::new(address);
        let mut bearers = Vec::new();
        for number in 0..VERIFIED {
            let email = Email::parse(&format!("load-{number}@example.com"))?;
            let account = json!({ "email": email.as_str(), "password": PASSWORD }).to_string();
            let registered = post(&mut connection, "/register", account).await?;
            expect(&registered, 201, "/register")?;
            let registered = registered.json();
            let id = registered["user"]["id"].as_str().unwrap_or_default().parse()?;
            let claims = MailedClaims::new(Purpose::Verify, id, email, 0, Timestamp::now());
            let token = json!({ "token": tokens.seal_mailed(Purpose::Verify, &claims)? }).to_string();
            expect(&post(&mut connection, "/verify-email", token).await?, 204, "/verify-email")?;
            let token = registered["access_token"].as_str().unwrap_or_default();
            bearers.push(format!("Bearer {token}"));
        }
        Ok(Self::Registered(bearers))
    }

    /// How many people they are, for people.
    pub fn described(&self) -> String {
        match self {
            Self::Signed(_) => "a new buyer each time".to_owned(),
            Self::Registered(bearers) => format!("{} registered buyers in turn", bearers.len()),
        }
    }

    /// The `Authorization` header of a buyer: another person for each number, as far as there are so many.
    ///
    /// # Errors
    /// When the token can't be signed.
    pub fn bearer(&self, number: u64) -> Result<String, Failure> {
        match self {
            Self::Signed(tokens) => bearer(tokens, &somebody(Role::User)?),
            Self::Registered(bearers) => {
                let number = usize::try_from(number)? % bearers.len().max(1);
                bearers.get(number).cloned().ok_or_else(|| "nobody is registered".into())
            }
        }
    }
}

/// The `Authorization` header of an admin.
///
/// # Errors
/// When the service does not let the admin in.
pub async fn admin(buyers: &Buyers, target: Option<&Target>) -> Result<String, Failure> {
    match (buyers, target) {
        (Buyers::Signed(tokens), target) => {
            let mut admin = somebody(Role::Admin)?;
            if let Some(Target { admin: (email, _), .. }) = target {
                admin.email = Email::parse(email)?;
            }
            bearer(tokens, &admin)
        }
        (_, Some(Target { address, admin: (email, password), .. })) => {
            let account = json!({ "email": email, "password": password }).to_string();
            sign_in(&mut Connection::new(*address), account).await
        }
        (_, None) => Err("there is no admin".into()),
    }
}

fn bearer(tokens: &Tokens, user: &User) -> Result<String, Failure> {
    Ok(format!("Bearer {}", tokens.issue_access(user, Timestamp::now())?))
}

async fn sign_in(connection: &mut Connection, account: String) -> Result<String, Failure> {
    let answer = post(connection, "/login", account).await?;
    expect(&answer, 200, "/login")?;
    let token = answer.json()["access_token"].as_str().map(str::to_owned);
    token.map(|token| format!("Bearer {token}")).ok_or_else(|| "/login answered without a token".into())
}

async fn post(connection: &mut Connection, path: &str, body: String) -> Result<Answer, Failure> {
    let call = Call { method: Method::POST, body: Some(body), ..Call::get(path) };
    connection.send(&call).await
}

/// Says what went wrong, and what to do about it.
///
/// # Errors
/// When the status is another one.
pub fn expect(answer: &Answer, status: u16, path: &str) -> Result<(), Failure> {
    if answer.status == status {
        return Ok(());
    }
    let hint = match answer.status {
        429 => {
            "; start the service with RATE_LIMIT_WRITES_PER_MINUTE=0 RATE_LIMIT_READS_PER_MINUTE=0 \
             RATE_LIMIT_AUTH_PER_MINUTE=0 NETWORK_REGISTRATIONS_PER_HOUR=0 NETWORK_PLACES_MAX=0, or without URL let the load generator start one of its own"
        }
        401 => "; JWT_SECRET, or ADMIN_EMAIL and ADMIN_EMAIL_PASSWORD, are not the service's",
        _ => "",
    };
    let problem = answer.json();
    let code = problem["code"].as_str().unwrap_or("no code");
    Err(format!("{path} was answered with {} ({code}) instead of {status}{hint}", answer.status).into())
}

fn area(area: &StageArea) -> Value {
    let mut body = json!({ "id": area.id, "name": area.id, "base_price": 2_500 });
    match area.row {
        None => body["capacity"] = json!(area.seats),
        Some(of_row) => {
            let row = |number: u32| json!({ "name": number.to_string(), "seats": of_row });
            body["rows"] = (1..=area.seats / of_row).map(row).collect();
        }
    }
    body
}

/// Creates an event as an admin; answers with its id.
///
/// # Errors
/// When the service refuses.
pub async fn create_event(
    address: SocketAddr,
    admin: &str,
    name: &str,
    areas: &[StageArea],
) -> Result<String, Failure> {
    let starts_at = Timestamp::from_second(Timestamp::now().as_second() + 30 * 86_400)?;
    let mut event = json!({
        "name": name,
        "venue": "Town Hall",
        "starts_at": starts_at.to_string(),
        "currency": "EUR",
        "max_per_user": 1_000_000,
    });
    if let [StageArea { id: GENERAL, seats, .. }] = areas {
        event["capacity"] = json!(seats);
        event["base_price"] = json!(2_500);
    } else {
        event["areas"] = areas.iter().map(area).collect();
    }
    let call = Call { body: Some(event.to_string()), ..Call::post("/admin/events", admin) };
    let answer = Connection::new(address).send(&call).await?;
    expect(&answer, 201, "/admin/events")?;
    answer.json()["id"].as_str().map(str::to_owned).ok_or_else(|| "an event without an id".into())
}
