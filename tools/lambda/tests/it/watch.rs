//! `cargo lambda watch` serves what is deployed.

use std::{collections::BTreeSet, path::Path, process::Command};

use local::template::{DEFAULT_ROUTE, Template};
use serde_json::Value;

#[test]
fn its_router_has_the_routes_of_the_template() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let mut watched = BTreeSet::new();
    for (path, functions) in metadata["metadata"]["lambda"]["watch"]["router"].as_object().unwrap() {
        match functions {
            Value::String(function) if path == "/{*rest}" => {
                watched.insert((function.clone(), DEFAULT_ROUTE.to_owned(), DEFAULT_ROUTE.to_owned()));
            }
            functions => {
                for route in functions.as_array().unwrap() {
                    let of = |member: &str| route[member].as_str().unwrap().to_owned();
                    watched.insert((of("function"), of("method"), path.clone()));
                }
            }
        }
    }
    let template = Template::embedded().unwrap();
    let deployed = template.routes().iter();
    let deployed: BTreeSet<_> =
        deployed.map(|route| (route.function.clone(), route.method.clone(), route.path.clone())).collect();
    assert_eq!(watched, deployed);
}
