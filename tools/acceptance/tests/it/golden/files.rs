//! The golden files: one for each kind of what is kept.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A golden file.
#[derive(Deserialize, Serialize)]
pub(crate) struct Golden {
    /// Where it is kept.
    pub(crate) kept_in: String,
    /// What this release writes.
    pub(crate) now: Vec<Value>,
    /// What older releases wrote, which this one must read.
    #[serde(default)]
    pub(crate) before: Vec<Before>,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Before {
    /// What was different.
    pub(crate) what: String,
    pub(crate) value: Value,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// All kinds that have a file.
pub(crate) fn kinds() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let golden = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    golden.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

pub(crate) fn golden(kind: &str) -> Golden {
    let path = folder().join(format!("{kind}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Golden {
    /// Everything that this release must read: what it writes, what older ones wrote, and both with something that a later
    /// release may add. With each, what it is.
    pub(crate) fn to_read(&self) -> Vec<(String, Value)> {
        let now = self.now.iter().enumerate().map(|(index, value)| (format!("now, {index}"), value.clone()));
        let before = self.before.iter().map(|before| (before.what.clone(), before.value.clone()));
        let known: Vec<_> = now.chain(before).collect();
        let later = known.iter().filter_map(|(what, value)| {
            Some((format!("{what}, and a later release's field"), with_more(value)?))
        });
        known.iter().cloned().chain(later).collect()
    }
}

/// The same with a field that this release does not know; `None` if it has no fields.
fn with_more(value: &Value) -> Option<Value> {
    const LATER: &str = "of_a_later_release";
    let mut value = value.clone();
    let is_item = value.get("key").is_none() && value.get("claims").is_none();
    let (fields, more) = match &mut value {
        item if is_item => (item.as_object_mut(), json!({ "S": "a word" })),
        token if token.get("claims").is_some() => (token["claims"].as_object_mut(), json!("a word")),
        kept if kept["value"].get("json").is_some() => {
            (kept["value"]["json"].as_object_mut(), json!({ "a": "word" }))
        }
        kept if kept["type"] == "hash" => (kept["value"].as_object_mut(), json!("a word")),
        _ => return None,
    };
    fields?.insert(LATER.to_owned(), more);
    Some(value)
}

/// Whether the file says the same as what was just made. With `WRITE_GOLDEN` set it says so from now on, and what it said is
/// among what older releases wrote.
pub(crate) fn complaint(kind: &str, kept_in: &str, made: Vec<Value>) -> Option<String> {
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        write(kind, kept_in, made);
        return None;
    }
    if !kinds().contains(kind) {
        return Some(format!(
            "{kind} is kept ({kept_in}) and has no golden file. Read docs/recipes/how-to-change-what-is-kept.md, write the file \
             by running this test with WRITE_GOLDEN=1, and say in golden_reads.rs what must be able to read it."
        ));
    }
    let golden = golden(kind);
    (golden.now != made).then(|| {
        format!(
            "What is kept as {kind} ({kept_in}) has another shape than tools/acceptance/golden/{kind}.json says. Answer the \
             questions of docs/recipes/how-to-change-what-is-kept.md. Then run this test with WRITE_GOLDEN=1: it moves the \
             shape of before to `before`, where you say in `what` what it lacks; golden_reads.rs shows that it is still read.\n\
             The file: {}\nKept now: {}",
            serde_json::to_string_pretty(&golden.now).unwrap(),
            serde_json::to_string_pretty(&made).unwrap(),
        )
    })
}

fn write(kind: &str, kept_in: &str, made: Vec<Value>) {
    let mut golden = match kinds().contains(kind) {
        true => golden(kind),
        false => Golden { kept_in: kept_in.to_owned(), now: made.clone(), before: Vec::new() },
    };
    let gone = golden.now.iter().filter(|old| !made.contains(old));
    let gone = gone.map(|old| Before { what: "SAY WHAT WAS DIFFERENT".to_owned(), value: old.clone() });
    golden.before.extend(gone.collect::<Vec<_>>());
    golden.now = made;
    let text = serde_json::to_string_pretty(&golden).unwrap() + "\n";
    fs::write(folder().join(format!("{kind}.json")), text).unwrap();
}
