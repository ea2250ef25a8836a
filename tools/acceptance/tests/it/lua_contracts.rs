//! Each Lua file against the contract at its head, and against its caller in Rust.

use std::{collections::BTreeSet, fs, path::PathBuf};

struct Script {
    name: String,
    head: String,
    code: String,
}

fn shared() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/stores")
}

fn scripts() -> Vec<Script> {
    let mut scripts = Vec::new();
    for entry in fs::read_dir(shared().join("lua")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let head_lines = text.lines().take_while(|line| line.starts_with("--")).count();
        let lines: Vec<_> = text.lines().collect();
        let head = lines[..head_lines].join("\n");
        scripts.push(Script { name, head, code: lines[head_lines..].join("\n") });
    }
    assert!(scripts.len() > 10);
    scripts
}

/// What scripts share: the name of each file in `lib`, and its text.
fn libs() -> Vec<(String, String)> {
    let files = fs::read_dir(shared().join("lua/lib")).unwrap().map(|file| file.unwrap().path());
    let mut libs: Vec<_> = files
        .map(|path| {
            let name = format!("lib/{}", path.file_name().unwrap().to_str().unwrap());
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    libs.sort();
    assert!(libs.len() > 1);
    libs
}

/// All of the Rust that calls the scripts.
fn callers() -> String {
    let files = fs::read_dir(shared().join("src/redis/scripts")).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// The words in a text that stand between quotes and are written in capitals.
fn words(text: &str, quote: char) -> BTreeSet<String> {
    let parts = text.split(quote).skip(1).step_by(2);
    let is_word = |part: &&str| part.len() > 2 && part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    parts.filter(is_word).map(str::to_owned).collect()
}

/// What a script may answer: the first value of each table it returns.
fn answered(code: &str) -> BTreeSet<String> {
    code.split("return { ")
        .skip(1)
        .flat_map(|returned| words(returned.split([',', '}']).next().unwrap(), '\''))
        .collect()
}

/// How many of KEYS or ARGV a text speaks of, which must be all up to the highest.
fn arity(text: &str, array: &str) -> usize {
    let numbers: BTreeSet<usize> = text
        .split(&format!("{array}["))
        .skip(1)
        .map(|rest| rest.split(']').next().unwrap().parse().unwrap())
        .collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "{array}: {numbers:?}");
    numbers.len()
}

/// The function of `redis/scripts` that calls the script.
fn caller(name: &str) -> String {
    let rust = callers();
    let start = rust.find(&format!("pub async fn {name}(")).unwrap_or_else(|| panic!("{name} has no caller"));
    let body = &rust[start..];
    body[..body.find("\n    }\n").unwrap()].to_owned()
}

#[test]
fn each_head_names_the_file_and_every_key_in_order() {
    for Script { name, head, code } in scripts() {
        assert!(head.starts_with(&format!("-- {name}.lua: ")), "{name}");
        let keys = arity(&head, "KEYS");
        assert_eq!(arity(&code, "KEYS"), keys, "{name}: KEYS");
        assert_eq!(arity(&code, "ARGV"), arity(&head, "ARGV"), "{name}: ARGV");
        let named: Vec<_> = (1..=keys)
            .map(|n| head.split(&format!("KEYS[{n}] ")).nth(1).unwrap().split([':', '\n']).next().unwrap())
            .collect();
        let locals = (1..=keys).map(|n| format!("KEYS[{n}]")).collect::<Vec<_>>().join(", ");
        let line = format!("local {} = {locals}", named.join(", "));
        assert!(code.contains(&line), "{name} should have: {line}");
    }
}

#[test]
fn each_head_lists_exactly_what_the_script_answers_and_its_caller_knows() {
    let too_few = libs().iter().flat_map(|(_, code)| answered(code)).collect::<BTreeSet<_>>();
    for Script { name, head, code } in scripts() {
        let mut from_code = answered(&code);
        if code.contains("too_few(") {
            from_code.extend(too_few.clone());
        }
        let listed: BTreeSet<String> = head
            .lines()
            .filter_map(|line| line.strip_prefix("-- ")?.split("  ").next())
            .filter(|word| word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
            .map(str::to_owned)
            .collect();
        assert!(!listed.is_empty(), "{name}");
        assert_eq!(from_code, listed, "{name}: code and head");
        assert_eq!(words(&caller(&name), '"'), listed, "{name}: caller and head");
    }
}

#[test]
fn each_caller_passes_as_many_keys_and_arguments_as_the_head_says() {
    for Script { name, head, .. } in scripts() {
        let caller = caller(&name);
        let common = if caller.contains("self.run(") { 3 } else { 0 };
        let keys = common + caller.matches(".key(").count();
        assert_eq!(keys, arity(&head, "KEYS"), "{name}: keys");
        assert_eq!(caller.matches(".arg(").count(), arity(&head, "ARGV"), "{name}: arguments");
    }
}

#[test]
fn keys_only_ever_come_from_keys() {
    const KEYS: &[&str] = &[
        "state",
        "deadlines",
        "holds",
        "idempotency",
        "restocked",
        "claim",
        "own",
        "copy",
        "turn",
        "catalogue",
        "changes",
        "generation",
        "popular",
        "sales",
        "limit",
        "pair",
        "address",
        "account",
        "known",
        "wide",
        "counter",
        "ended",
        "places",
        "sum",
    ];
    let texts = scripts().into_iter().map(|script| (script.name, script.code));
    for (name, code) in texts.chain(libs()) {
        for call in code.split("redis.call(").skip(1) {
            let mut arguments = call.split([',', ')']).map(str::trim);
            let command = arguments.next().unwrap();
            assert!(command == "'TIME'" || KEYS.contains(&arguments.next().unwrap()), "{name}: {command}");
        }
    }
}

/// The functions and constants that a file of `lib` has for others.
fn offered(lib: &str) -> BTreeSet<&str> {
    let functions = lib.lines().filter_map(|line| line.strip_prefix("local function ")?.split('(').next());
    let constants =
        lib.lines().filter_map(|line| line.strip_prefix("local ")?.split_once(" = ")).map(|(name, _)| name);
    functions.chain(constants).collect()
}

/// Whether code calls a function of that name, or uses a constant (in capitals).
fn uses(code: &str, name: &str) -> bool {
    let is_part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.lines().filter(|line| !line.starts_with("--")).any(|line| {
        line.match_indices(name).any(|(at, _)| {
            let behind = &line[at + name.len()..];
            let is_whole = !line[..at].ends_with(is_part_of_name) && !behind.starts_with(is_part_of_name);
            is_whole && (behind.starts_with('(') || name.chars().all(|c| !c.is_lowercase()))
        })
    })
}

#[test]
fn each_script_is_run_with_what_it_uses_and_no_more() {
    let (rust, libs) = (callers(), libs());
    for Script { name, code, .. } in scripts() {
        let made = rust
            .split("script!(")
            .find(|made| made.split(')').next().unwrap().contains(&format!("\"{name}.lua\"")));
        let made = made.unwrap_or_else(|| panic!("nobody runs {name}")).split(')').next().unwrap();
        let own = |lib: &str| made.contains(&format!("\"{lib}\""));
        for (lib, text) in &libs {
            let all_code = libs
                .iter()
                .filter(|(other, _)| other != lib && own(other))
                .map(|(_, text)| text.as_str())
                .chain([code.as_str()])
                .collect::<Vec<_>>()
                .join("\n");
            let needed: Vec<_> = offered(text).into_iter().filter(|name| uses(&all_code, name)).collect();
            assert_eq!(own(lib), !needed.is_empty(), "{name} and {lib}: {needed:?}");
        }
        // Each stands before what uses it.
        let places: Vec<_> = libs.iter().filter_map(|(lib, _)| Some((made.find(lib)?, lib))).collect();
        for (place, lib) in &places {
            for (other_place, other) in &places {
                let text = &libs.iter().find(|(name, _)| name == *other).unwrap().1;
                if text.contains(&format!("Needs {lib}")) {
                    assert!(place < other_place, "{name}: {lib} before {other}");
                }
            }
        }
    }
}
