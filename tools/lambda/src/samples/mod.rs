//! The sample invocations: for every route and every job, good ones and bad ones, each with the answer that it must get
//! in the [`world`](crate::world) of the samples. `make events` writes them to `events/`, where SAM can send them.

mod accounts;
mod admin;
mod bookings;
mod catalogue;
mod jobs;
mod pages;
mod reservations;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use kit::Failure;
use serde_json::{Map, Value, json};

use crate::{
    payload::Request,
    routes::Routes,
    world::{Person, instant},
};

/// Where the stated answers are, beside the payloads.
pub const ANSWERS: &str = "answers.json";
/// When all samples were sent. Nothing depends on it.
const SENT_AT: &str = "2026-01-01T12:00:00Z";

/// One invocation.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The function's name, and its own: `auth/login`.
    pub name: String,
    /// The function.
    pub function: String,
    /// What the function is handed.
    pub payload: Value,
    /// What must be in its answer.
    pub answer: Value,
}

/// A request and the answer that it must get.
struct Case {
    name: &'static str,
    request: Request,
    answer: Value,
}

/// All samples.
///
/// # Errors
/// When one of them can't be made.
pub fn all() -> Result<Vec<Sample>, Failure> {
    let routes = Routes::of_template()?;
    let mut samples = Vec::new();
    for cases in [
        accounts::cases()?,
        catalogue::cases()?,
        reservations::cases()?,
        bookings::cases()?,
        admin::cases()?,
        pages::cases()?,
    ] {
        for case in cases {
            let route = routes.at(&case.request.path);
            let name = format!("{}/{}", route.function, case.name);
            let request = Request { request_id: request_id(&name), ..case.request };
            samples.push(Sample {
                payload: request.event(&route),
                function: route.function,
                answer: case.answer,
                name,
            });
        }
    }
    samples.extend(jobs::samples()?);
    Ok(samples)
}

/// The files of `events/`, by their path below it.
///
/// # Errors
/// When a sample can't be made, or two have the same name.
pub fn files() -> Result<BTreeMap<PathBuf, String>, Failure> {
    let mut files = BTreeMap::new();
    let mut answers = Map::new();
    for sample in all()? {
        let file = PathBuf::from(format!("{}.json", sample.name));
        if files.insert(file, pretty(&sample.payload)?).is_some() {
            return Err(format!("two samples are called {}", sample.name).into());
        }
        answers.insert(sample.name, sample.answer);
    }
    files.insert(ANSWERS.into(), pretty(&Value::Object(answers))?);
    Ok(files)
}

/// Writes the files anew.
///
/// # Errors
/// When a sample can't be made or a file not be written.
pub fn write(events: &Path) -> Result<usize, Failure> {
    let files = files()?;
    if events.exists() {
        std::fs::remove_dir_all(events)?;
    }
    for (file, text) in &files {
        let file = events.join(file);
        std::fs::create_dir_all(file.parent().unwrap_or(events))?;
        std::fs::write(file, text)?;
    }
    Ok(files.len())
}

fn pretty(value: &Value) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// As long as API Gateway's own, and the same each time.
fn request_id(name: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let letters = name.bytes().rev().chain("evently-sample".bytes());
    BASE64_STANDARD.encode(letters.take(11).collect::<Vec<_>>())
}

/// A request, to be completed.
fn request(method: &str, path_and_query: &str) -> Result<Request, Failure> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let headers = [("accept", "*/*"), ("user-agent", "curl/8.14.1")];
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: Vec::new(),
        source_ip: "203.0.113.7".to_owned(),
        request_id: String::new(),
        at: instant(SENT_AT)?,
    })
}

fn get(path: &str) -> Result<Request, Failure> {
    request("GET", path)
}

fn post(path: &str) -> Result<Request, Failure> {
    request("POST", path)
}

impl Request {
    fn by(self, person: Person) -> Result<Self, Failure> {
        Ok(self.with("authorization", &person.bearer()?))
    }

    fn with(mut self, header: &str, value: &str) -> Self {
        self.headers.insert(header.to_owned(), value.to_owned());
        self
    }

    fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    fn text(mut self, content_type: &str, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self.with("content-type", content_type).with("content-length", &body.len().to_string())
    }

    /// That answer must come, with this in its body.
    fn answers(self, name: &'static str, status: u16, body: Value) -> Case {
        Case { name, request: self, answer: json!({ "statusCode": status, "body": body }) }
    }

    /// That answer must come, with whatever body.
    fn answers_status(self, name: &'static str, status: u16) -> Case {
        Case { name, request: self, answer: json!({ "statusCode": status }) }
    }

    /// That problem must come.
    fn refused(self, name: &'static str, status: u16, code: &str) -> Case {
        let case = self.answers(name, status, json!({ "code": code, "status": status }));
        case.with("content-type", "application/problem+json")
    }
}

impl Case {
    /// The answer must have that header, too.
    fn with(mut self, header: &str, value: &str) -> Self {
        self.answer["headers"][header] = json!(value);
        self
    }
}
