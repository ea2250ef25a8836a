//! No two modules of `shared` import each other, directly or by way of others. (Between crates Cargo sees to that.) What a
//! module has from the one that contains it, or that one from what it contains, is no circle: they are read together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Where a module stands in its crate; the root is empty.
type Module = Vec<String>;

/// The modules of a crate, with their code, without comments and tests.
fn modules(src: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let place = path.strip_prefix(src).unwrap().with_extension("");
                let mut module: Module = place.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if ["lib", "mod", "main"].contains(&module.last().unwrap().as_str()) {
                    module.pop();
                }
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let code =
                    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
                found.insert(module, code);
            }
        }
    }
    found
}

/// The paths of a `use` tree, `a::{b, c::d}`, each as its parts.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let parts = |path: &str| {
        let parts = path.split("::").map(|part| part.split(" as ").next().unwrap().trim());
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let Some((head, rest)) = tree.split_once('{') else { return vec![parts(tree)] };
    // Not all that looks like a tree is one: a word in a text may.
    let Some((inner, _)) = rest.rsplit_once('}') else { return Vec::new() };
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(paths(&inner[from..at]).into_iter().map(|tail| [parts(head), tail].concat()));
                from = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// All paths that a module's code names: those of its imports, and those within it.
fn named(code: &str) -> Vec<Vec<String>> {
    let imports = code.split("use ").skip(1).filter_map(|text| text.split_once(';'));
    let mut named: Vec<_> = imports.flat_map(|(tree, _)| paths(tree)).collect();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let is_path = |letter: &char| letter.is_alphanumeric() || ['_', ':'].contains(letter);
            named.extend(paths(&code[at..].chars().take_while(is_path).collect::<String>()));
        }
    }
    named
}

/// Which other module a path leads to, from inside `from`.
fn led_to(from: &Module, path: &[String], modules: &BTreeMap<Module, String>) -> Option<Module> {
    let mut at = from.clone();
    let mut parts = path.iter().peekable();
    match parts.peek().map(|part| part.as_str()) {
        Some("crate") => at.clear(),
        Some("super" | "self") => {}
        _ => return None,
    }
    for part in parts {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(at.pop()),
            name => at.push(name.to_owned()),
        }
    }
    while !modules.contains_key(&at) {
        at.pop()?;
    }
    (!at.starts_with(from) && !from.starts_with(&at)).then_some(at)
}

fn reached(from: &Module, imports: &BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = next.pop() {
        next.extend(imports[&module].iter().filter(|module| found.insert((*module).clone())).cloned());
    }
    found
}

/// The modules that reach themselves by their imports.
fn in_circles(modules: &BTreeMap<Module, String>) -> Vec<String> {
    let imports: BTreeMap<&Module, BTreeSet<Module>> = modules
        .iter()
        .map(|(module, code)| {
            (module, named(code).iter().filter_map(|path| led_to(module, path, modules)).collect())
        })
        .collect();
    let circular = modules.keys().filter(|module| reached(module, &imports).contains(*module));
    circular.map(|module| module.join("::")).collect()
}

#[test]
fn no_modules_import_each_other() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let crates: Vec<PathBuf> = fs::read_dir(shared).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(crates.len() > 5);
    for folder in crates {
        let circular = in_circles(&modules(&folder.join("src")));
        assert!(circular.is_empty(), "{}: {circular:?} import each other", folder.display());
    }
}

#[test]
fn a_circle_is_seen() {
    let module = |name: &str, code: &str| (vec![name.to_owned()], code.to_owned());
    let mut modules = BTreeMap::from([
        module("a", "use crate::{b::{self, Thing}, c};"),
        module("b", "use std::fmt;\nfn f() { super::c::g() }"),
        module("c", "use crate::d::X as Y;"),
        module("d", "struct X;"),
    ]);
    assert_eq!(in_circles(&modules), Vec::<String>::new());
    modules.insert(vec!["d".to_owned()], "use super::b;".to_owned());
    assert_eq!(in_circles(&modules), ["b", "c", "d"]);
}
