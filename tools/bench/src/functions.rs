//! The functions' own programs, on a Runtime API: how soon they are there, how large they are, and what they need.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::DeflateEncoder};
use hyper::Method;
use kit::{
    Failure,
    http::{Call, Connection},
    process::program,
    usage::memory_of,
};
use load::{
    people::{create_event, expect},
    scenario::general,
    server::{OwnServer, OwnStores},
};
use serde_json::{Value, json};

use crate::{
    figures::{Figure, Samples, Target},
    runtime_api::Function,
    world::{admin, buyers, settings},
};

/// Those that somebody waits for, or that run in the network of Redis: not `notifications`, which may carry more.
pub(crate) const NAMES: [&str; 9] =
    ["auth", "events", "reservations", "bookings", "admin", "web", "janitor", "pricing", "followup"];
const HELLO: &str = "hello_lambda";
const ROUNDS: usize = 21;
const WARM_EVENTS: usize = 15;
/// Events of the run that memory is looked at after; each of `auth` costs an Argon2 hash.
const LOAD_EVENTS: usize = 1_000;
const LOAD_EVENTS_AUTH: usize = 40;
const ZIP_MB_MAX: f64 = 5.0;
/// The pages render maps of halls, and all else that people see.
const ZIP_MB_MAX_OF_PAGES: f64 = 5.2;
const MB: f64 = 1e6;
const MIB: f64 = 1_048_576.0;
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery";

/// What the events are made of.
struct Usage<'a> {
    programs: &'a Programs,
    event: String,
    settings: Vec<(&'static str, String)>,
    admin: String,
}

/// Everything measured of one function.
#[derive(Default)]
struct Measured {
    start_ms: Samples,
    first_ms: Samples,
    warm_ms: Samples,
    idle: u64,
    peak: u64,
    zipped: f64,
}

/// Measures all functions side by side with hello-world.
pub(crate) async fn figures(programs: &Programs) -> Result<Vec<Figure>, Failure> {
    let server = OwnServer::on(OwnStores::start().await?, None, &[]).await?;
    let usage = usage(&server, programs).await?;
    let mut measured: Vec<Measured> = NAMES.iter().map(|_| Measured::default()).collect();
    let mut hello = Samples::default();
    for _ in 0..ROUNDS {
        hello.0.push(Function::start(&program(HELLO)?, &[]).await?.started_in.as_secs_f64() * 1e3);
        for (name, measured) in NAMES.iter().zip(&mut measured) {
            cold(name, &usage, measured).await?;
        }
    }
    for (name, measured) in NAMES.iter().zip(&mut measured) {
        measured.zipped = zipped_bytes(&programs.of(name)?)? as f64 / MB;
        under_load(name, &usage, measured).await?;
    }
    Ok(rows(&measured, &hello))
}

/// Where the functions' programs are: in that folder as `cargo lambda build` leaves them there, or beside ours.
pub(crate) struct Programs(pub(crate) Option<PathBuf>);

impl Programs {
    /// A function's program.
    pub(crate) fn of(&self, name: &str) -> Result<PathBuf, Failure> {
        let Some(folder) = &self.0 else { return program(name) };
        let program = folder.join(name).join("bootstrap");
        if program.is_file() {
            Ok(program)
        } else {
            Err(format!("{} is not there", program.display()).into())
        }
    }
}

/// Starts a function, and sends it events: the first is the one that a client waits for longest.
async fn cold(name: &str, usage: &Usage<'_>, measured: &mut Measured) -> Result<(), Failure> {
    let mut function = Function::start(&usage.programs.of(name)?, &usage.settings).await?;
    measured.start_ms.0.push(function.started_in.as_secs_f64() * 1e3);
    measured.idle = measured.idle.max(memory(&function)?.0);
    measured.first_ms.0.push(invoke(&mut function, name, usage).await?);
    let mut warm = Samples::default();
    for _ in 0..WARM_EVENTS {
        warm.0.push(invoke(&mut function, name, usage).await?);
    }
    measured.warm_ms.0.push(warm.median());
    Ok(())
}

async fn under_load(name: &str, usage: &Usage<'_>, measured: &mut Measured) -> Result<(), Failure> {
    let mut function = Function::start(&usage.programs.of(name)?, &usage.settings).await?;
    let events = if name == "auth" { LOAD_EVENTS_AUTH } else { LOAD_EVENTS };
    for _ in 0..events {
        invoke(&mut function, name, usage).await?;
    }
    measured.peak = memory(&function)?.1;
    Ok(())
}

fn memory(function: &Function) -> Result<(u64, u64), Failure> {
    memory_of(function.pid()?)
        .ok_or_else(|| "nothing is known of a function's memory: this needs Linux".into())
}

/// Milliseconds that an event took.
async fn invoke(function: &mut Function, name: &str, usage: &Usage<'_>) -> Result<f64, Failure> {
    let (took, answer) = function.invoke(usage.event_for(name)?).await?;
    let is_wrong = match &answer["statusCode"] {
        Value::Null => answer.get("errorMessage").is_some(),
        status => status.as_u64().is_none_or(|status| status >= 400),
    };
    if is_wrong {
        return Err(format!("{name} answered {answer}").into());
    }
    Ok(took.as_secs_f64() * 1e3)
}

fn rows(measured: &[Measured], hello: &Samples) -> Vec<Figure> {
    let per_function = |of: &dyn Fn(&Measured) -> String| {
        let each: Vec<_> =
            NAMES.iter().zip(measured).map(|(name, one)| format!("{name} {}", of(one))).collect();
        each.join(", ")
    };
    let worst = |of: &dyn Fn(&Measured) -> Samples| {
        measured
            .iter()
            .map(of)
            .max_by(|one, other| one.median().total_cmp(&other.median()))
            .unwrap_or_default()
    };
    let most = |but: &str, of: &dyn Fn(&Measured) -> f64| {
        let others = NAMES.iter().zip(measured).filter(|(name, _)| **name != but);
        Samples(vec![others.map(|(_, one)| of(one)).fold(0.0, f64::max)])
    };
    let pages = NAMES.iter().zip(measured).filter(|(name, _)| **name == "web");
    let of_pages = Samples(pages.map(|(_, one)| one.zipped).collect());
    let start = |one: &Measured| one.start_ms.by(hello);
    let first = |one: &Measured| one.first_ms.by(&one.warm_ms);
    let idle = |one: &Measured| one.idle as f64 / MIB;
    let peak = |one: &Measured| one.peak as f64 / MIB;
    let mut rows = vec![
        Figure::new(
            "cold start: exec → first `/next`, the slowest function",
            "a hello-world `lambda_http` binary",
            Target::AtMost(2.0),
            "×",
            worst(&start),
        )
        .note(format!(
            "hello-world {:.1} ms; {}",
            hello.median(),
            per_function(&|one| format!("{:.1} ms", one.start_ms.median()))
        )),
        Figure::new(
            "first request after a cold start, the slowest function",
            "its warm median",
            Target::AtMost(2.0),
            "×",
            worst(&first),
        )
        .note(per_function(&|one| format!("{:.1} / {:.1} ms", one.first_ms.median(), one.warm_ms.median()))),
        Figure::new(
            "zipped size, the largest function but the pages",
            "",
            Target::AtMost(ZIP_MB_MAX),
            " MB",
            most("web", &|one| one.zipped),
        )
        .note(per_function(&|one| format!("{:.2}", one.zipped))),
        Figure::new("the same, of the pages", "", Target::AtMost(ZIP_MB_MAX_OF_PAGES), " MB", of_pages),
        Figure::new("idle RSS, the largest function", "", Target::AtMost(20.0), " MiB", most("", &idle))
            .note(per_function(&|one| format!("{:.1}", idle(one)))),
        Figure::new(
            "peak RSS under load, the largest function but auth",
            "",
            Target::AtMost(40.0),
            " MiB",
            most("auth", &peak),
        )
        .note(per_function(&|one| format!("{:.1}", peak(one)))),
    ];
    if let Some(auth) = measured.first() {
        let peak = Samples(vec![peak(auth)]);
        rows.push(Figure::new("peak RSS under load, auth (Argon2)", "", Target::AtMost(64.0), " MiB", peak));
    }
    rows
}

/// The size of a zip with this file in it: what deflate makes of it, and the names around it.
fn zipped_bytes(program: &Path) -> Result<u64, Failure> {
    const ZIP_HEADERS: u64 = 150;
    let unread = |error| format!("{} can't be read: {error}", program.display());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&fs::read(program).map_err(unread)?)?;
    Ok(encoder.finish()?.len() as u64 + ZIP_HEADERS)
}

async fn usage<'a>(server: &OwnServer, programs: &'a Programs) -> Result<Usage<'a>, Failure> {
    let admin = admin().await?;
    let event = create_event(server.address, &admin, "Measured", &general(1_000_000)).await?;
    let mut connection = Connection::new(server.address);
    let account = Some(json!({ "email": EMAIL, "password": PASSWORD }).to_string());
    let register = Call { method: Method::POST, body: account, ..Call::get("/register") };
    expect(&connection.send(&register).await?, 201, "/register")?;
    let mut settings = settings(&server.stores.redis, "evently");
    settings.push(("AWS_ENDPOINT_URL_DYNAMODB", server.stores.dynamodb.clone()));
    Ok(Usage { programs, event, settings, admin })
}

impl Usage<'_> {
    /// What the function is asked most.
    fn event_for(&self, name: &str) -> Result<String, Failure> {
        let buyer = || buyers().bearer(0);
        let account = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
        let book = format!("/events/{}/book", self.event);
        Ok(match name {
            "auth" => gateway_event("POST", "/login", None, Some(account)),
            "events" => gateway_event("GET", &format!("/events/{}", self.event), None, None),
            "reservations" => {
                gateway_event("POST", &book, Some(&buyer()?), Some("{\"quantity\":1}".to_owned()))
            }
            "bookings" => gateway_event("GET", "/bookings", Some(&buyer()?), None),
            "admin" => gateway_event("GET", "/admin/analytics", Some(&self.admin), None),
            "web" => gateway_event("GET", &format!("/shop/events/{}", self.event), None, None),
            _ => json!({}),
        }
        .to_string())
    }
}

/// An event of an HTTP API, payload format 2.0.
pub(crate) fn gateway_event(method: &str, path: &str, bearer: Option<&str>, body: Option<String>) -> Value {
    let mut headers = json!({
        "accept": "application/json",
        "content-type": "application/json",
        "host": "api.execute-api.us-east-1.amazonaws.com",
        "idempotency-key": format!("{:032x}", fastrand::u128(..)),
    });
    if let Some(bearer) = bearer {
        headers["authorization"] = bearer.into();
    }
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "api",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
            "requestId": format!("{:032x}", fastrand::u128(..)),
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2031:19:03:58 +0000",
            "timeEpoch": 1_931_000_638_390_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}
