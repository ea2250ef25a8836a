//! The shape of the code: who may depend on whom, and what must be said in two places the same way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use local::{
    api,
    template::{DEFAULT_ROUTE, Template},
};
use serde_json::Value;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The Rust files below a folder, with their texts.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut folders = vec![workspace().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(workspace()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

#[test]
fn the_template_sends_each_path_to_the_function_that_has_it() {
    let template = Template::embedded().unwrap();
    let deployed: BTreeSet<_> = template
        .routes()
        .iter()
        // Pages stand in no document; `pages` looks at theirs.
        .filter(|route| route.path != DEFAULT_ROUTE && route.function != "web")
        .map(|route| (route.function.clone(), route.path.clone()))
        .collect();
    let mut served = BTreeSet::new();
    for (function, document) in api::documents_by_function() {
        let document = serde_json::to_value(document).unwrap();
        for path in document["paths"].as_object().unwrap().keys() {
            served.insert((function.to_owned(), path.clone()));
        }
    }
    assert_eq!(deployed, served);
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document: Value = serde_json::from_str(&api::openapi().unwrap()).unwrap();
    let mut names = BTreeSet::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} stands twice");
        }
    }
    assert!(names.len() > 15);
}

/// The crates of `shared`, each standing only on those before it.
const SHARED: [&str; 12] = [
    "domain",
    "telemetry",
    "settings",
    "stores",
    "jobs",
    "catalogue",
    "accounts",
    "booking",
    "http-api",
    "messages",
    "sign-in",
    "administration",
];

fn is_below(one: &str, other: &str) -> bool {
    let place = |name| SHARED.iter().position(|of_order| *of_order == name).unwrap();
    place(one) < place(other)
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let listed = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let mut layer = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let manifest = package["manifest_path"].as_str().unwrap().to_owned();
        let below = manifest.strip_prefix(workspace().to_str().unwrap()).unwrap().trim_start_matches('/');
        layer.insert(package["name"].as_str().unwrap(), below.split('/').next().unwrap().to_owned());
    }
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let dependency = dependency["name"].as_str().unwrap();
            let Some(of) = layer.get(dependency) else { continue };
            let between_tools = [
                ("acceptance", "exercise"),
                ("acceptance", "local"),
                ("acceptance", "restore"),
                ("acceptance", "server"),
                ("local", "server"),
                ("bench", "local"),
                ("bench", "load"),
                ("exercise", "local"),
                ("lambda", "local"),
                ("load", "local"),
                ("model", "local"),
                ("restore", "exercise"),
                ("restore", "local"),
                ("simulate", "local"),
                (name, "kit"),
            ]
            .contains(&(name, dependency));
            let allowed = match layer[name].as_str() {
                "shared" => is_below(dependency, name),
                "functions" => of == "shared",
                "tools" => of == "shared" || of == "functions" || between_tools,
                other => panic!("{name} lies in {other}"),
            };
            assert!(allowed, "{name} may not depend on {dependency}");
        }
    }
}

#[test]
fn the_domain_knows_no_io_and_each_store_keeps_its_types_to_itself() {
    const AWS: &[&str] = &["aws_sdk", "aws_config", "AttributeValue"];
    const REDIS: &[&str] = &["RedisError", "RedisResult", "redis::cmd", "redis::Value"];
    const HTTP: &[&str] = &["axum", "lambda_http", "StatusCode"];
    const IO: &[&str] = &["tokio", "Timestamp::now", "std::env", "async fn"];
    // By Amazon SES, mails go as others do: through one file.
    const MAY_KNOW_AWS: [&str; 2] = ["shared/stores/src/dynamodb", "shared/messages/src/mailer/ses.rs"];
    let mut rules: Vec<(&str, &[&str], &[&str])> = Vec::new();
    for words in [AWS, REDIS, HTTP, IO] {
        rules.push(("shared/domain", &[], words));
    }
    rules.push(("shared", &MAY_KNOW_AWS, AWS));
    rules.push(("shared", &["shared/stores/src/redis"], REDIS));
    rules.push(("shared", &["shared/http-api"], HTTP));
    rules.push(("functions", &[], AWS));
    rules.push(("functions", &[], REDIS));
    // Prose for people, which no function carries.
    rules.push(("functions", &[], &["settings::table"]));
    rules.push(("shared", &["shared/settings"], &["settings::table"]));
    for (folder, except, words) in rules {
        for (file, text) in sources(folder) {
            if except.iter().any(|except| file.starts_with(except)) {
                continue;
            }
            for word in words {
                assert!(!text.contains(word), "{file} mentions {word}");
            }
        }
    }
}

/// Whether a function's code may use Redis: its routes, or its job, are those of an `App`, not of an `OuterApp`.
fn is_inner(function: &str) -> bool {
    let sources = sources(&format!("functions/{function}/src"));
    let mentions = |word: &str| sources.iter().any(|(_, text)| text.contains(word));
    let is_outer = mentions("OuterApp");
    assert!(!is_outer || !mentions("http_api::App"), "{function} is of both rings");
    !is_outer
}

#[test]
fn functions_that_use_redis_run_in_its_network_and_no_others() {
    let template: Value = serde_saphyr::from_str(include_str!("../../../../template.yaml")).unwrap();
    let mut functions = 0;
    for (name, resource) in template["Resources"].as_object().unwrap() {
        if resource["Type"] == "AWS::Serverless::Function" {
            let function = name.strip_suffix("Function").unwrap().to_lowercase();
            let is_in_network = resource["Properties"].get("VpcConfig").is_some();
            assert_eq!(is_in_network, is_inner(&function), "{name}");
            functions += 1;
        }
    }
    assert_eq!(functions, 10);
    assert!(template["Globals"]["Function"].get("VpcConfig").is_none(), "each function says its own ring");
}

#[test]
fn a_function_with_admin_routes_knows_the_admins_address_and_the_password_only_where_people_sign_in() {
    let template: Value = serde_saphyr::from_str(include_str!("../../../../template.yaml")).unwrap();
    let mut knowing = Vec::new();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let Some(function) = name.strip_suffix("Function").map(str::to_lowercase) else { continue };
        let variables = &resource["Properties"]["Environment"]["Variables"];
        let signs_in = ["auth", "web"].contains(&function.as_str());
        let has_admin_routes = sources(&format!("functions/{function}/src"))
            .iter()
            .any(|(_, text)| text.contains(": Admin,") || text.contains("Admin { user_id }: Admin"));
        assert_eq!(variables.get("ADMIN_EMAIL").is_some(), signs_in || has_admin_routes, "{name}");
        assert_eq!(variables.get("ADMIN_EMAIL_PASSWORD").is_some(), signs_in, "{name}");
        knowing.extend(has_admin_routes.then_some(function));
    }
    assert_eq!(knowing, ["admin", "web"]);
    assert!(template["Globals"]["Function"]["Environment"]["Variables"].get("ADMIN_EMAIL").is_none());
}

#[test]
fn a_functions_main_only_wires() {
    for (file, text) in sources("functions") {
        if file.ends_with("main.rs") {
            assert!(text.lines().count() < 20, "{file}");
        }
    }
}

#[test]
fn the_documentation_has_no_code_that_a_test_would_have_to_try() {
    // `make test` runs no documentation tests: to look for them takes as long as a hundred of the others.
    for folder in ["shared", "functions", "tools"] {
        for (file, text) in sources(folder) {
            let fences = text.lines().filter_map(|line| {
                let line = line.trim_start();
                line.strip_prefix("//! ```").or_else(|| line.strip_prefix("/// ```"))
            });
            let opened: Vec<&str> = fences.step_by(2).collect();
            let is_code =
                |kind: &&str| kind.is_empty() || kind.starts_with("rust") || kind.contains("no_run");
            assert!(!opened.iter().any(is_code), "{file}: {opened:?}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for folder in ["shared", "functions", "tools"] {
        for (file, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{file}");
        }
    }
}
