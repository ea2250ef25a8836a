//! The operator's part: the program `restore`, killed on its way and run again.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use kit::Failure;
use restore::Table;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::stage::{GRACE_MS, Stage};

/// When the program is killed; after that it may run to its end.
const KILLED_AFTER_MS: [u64; 3] = [25, 45, 70];
/// Runs of the janitor until nothing waits: the last confirm is settled within seconds.
const RUNS_MAX: usize = 20;
/// Lines of differences that are shown.
const SHOWN: usize = 8;

/// Brings a restored table's items into the stack's; tells what was copied in the end.
pub(crate) async fn bring_back(stage: &Stage, table: Table, restored: &str) -> Result<String, Failure> {
    let table = format!("{table:?}").to_lowercase();
    let arguments = ["copy", &table, "--from", restored, "--apply", "--replace", "--delete"];
    let killed = kill_some(stage, &arguments).await?;
    let said = run(stage, &arguments).await?;
    Ok(format!("{} (killed {killed} times before)", said_in(&said)))
}

/// Shows how the inventory differs, changes nothing, then makes it anew; tells how many differences there were.
pub(crate) async fn recompute(stage: &Stage, stopped_at: Option<Timestamp>) -> Result<String, Failure> {
    let stopped_at = stopped_at.map(|at| format!("--stopped-at={at}"));
    let look = ["recompute"].into_iter().chain(stopped_at.as_deref()).collect::<Vec<_>>();
    let write = [look.as_slice(), &["--apply"]].concat();
    let looked = output(stage, &look).await?;
    let differences = said_in(&looked);
    for line in differences.lines().take(SHOWN) {
        println!("          {line}");
    }
    let again = said_in(&output(stage, &look).await?);
    if looked.status.success() || again != differences {
        return Err("looking at the differences changed something, or there were none".into());
    }
    let killed = kill_some(stage, &write).await?;
    run(stage, &write).await?;
    let after = said_in(&run(stage, &look).await?);
    if !after.ends_with("No differences.") {
        return Err(format!("after all was written: {after}").into());
    }
    let counted = differences.lines().last().unwrap_or_default();
    Ok(format!("{counted} (killed {killed} times before)"))
}

/// What the janitor does while sales are stopped: it settles confirms that were broken off, and takes over what DynamoDB has
/// once that has been so for a grace. Tells how many runs that took.
pub(crate) async fn let_redis_follow(stage: &Stage) -> Result<usize, Failure> {
    for runs in 1..=RUNS_MAX {
        let report = janitor::run(&stage.app, Timestamp::now()).await?;
        if report.complete && report.done.shards_waiting == 0 && runs > 1 {
            return Ok(runs);
        }
        sleep(Duration::from_millis(GRACE_MS + 100)).await;
    }
    Err("Redis does not follow".into())
}

/// Runs the program some times, and kills it each time; tells how often that came before its end.
async fn kill_some(stage: &Stage, arguments: &[&str]) -> Result<usize, Failure> {
    let mut killed = 0;
    for after_ms in KILLED_AFTER_MS {
        let mut program = command(stage, arguments)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if timeout(Duration::from_millis(after_ms), program.wait()).await.is_err() {
            program.kill().await?;
            killed += 1;
        }
    }
    Ok(killed)
}

async fn run(stage: &Stage, arguments: &[&str]) -> Result<Output, Failure> {
    let output = output(stage, arguments).await?;
    match output.status.success() {
        true => Ok(output),
        false => {
            Err(format!("restore {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr))
                .into())
        }
    }
}

async fn output(stage: &Stage, arguments: &[&str]) -> Result<Output, Failure> {
    Ok(command(stage, arguments)?.output().await?)
}

fn said_in(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn command(stage: &Stage, arguments: &[&str]) -> Result<Command, Failure> {
    let names = &stage.tables.names;
    let mut command = Command::new(kit::process::program("restore")?);
    command.args(arguments).kill_on_drop(true);
    command.env("AWS_ENDPOINT_URL_DYNAMODB", &stage.endpoint);
    command.env("USERS_TABLE", &names.users).env("EVENTS_TABLE", &names.events);
    command.env("INVENTORY_TABLE", &names.inventory).env("BOOKINGS_TABLE", &names.bookings);
    command.env("AUDIT_TABLE", names.audit.as_deref().unwrap_or_default());
    Ok(command)
}
