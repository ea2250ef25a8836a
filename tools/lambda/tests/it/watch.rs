//! `cargo lambda watch` serves what is deployed.

use std::{collections::BTreeSet, path::Path, process::Command};

use local::template::{DEFAULT_ROUTE, Route, Template};
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
    for (path, function) in metadata["metadata"]["lambda"]["watch"]["router"].as_object().unwrap() {
        // A function without a method is asked for any.
        let function = function.as_str().unwrap().to_owned();
        let path = if path == "/{*rest}" { DEFAULT_ROUTE.to_owned() } else { path.clone() };
        watched.insert(Route { function, path });
    }
    let deployed: BTreeSet<_> = Template::embedded().unwrap().routes().iter().cloned().collect();
    assert_eq!(watched, deployed);
}
