//! `make restore-drill`: loses the tables while seats are sold, restores them as of different seconds, and sells to the last seat.
//!
//! Two drills, for a table may be older or newer than another. Each step is one of `docs/operate.md#restore`; the tables are
//! brought back by the program that an operator runs, which is killed on its way.

mod buyers;
mod check;
mod recovery;
mod snapshots;
mod stage;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use jiff::Timestamp;
use kit::{
    Failure,
    ending::{exit_code, unless_broken_off},
};
use restore::Table;
use tokio::time::{sleep, timeout};

use crate::{buyers::Buyers, stage::Stage};

/// Both drills; what takes longer hangs.
const ENDS_WITHIN: Duration = Duration::from_secs(110);
/// Between the seconds of two tables.
const APART: Duration = Duration::from_millis(1_200);
/// What is sold after the last of these seconds is lost.
const LOST: Duration = Duration::from_millis(1_000);

/// The tables, in the order of the seconds that they are restored to. In the second drill it is the other way round.
const SECONDS: [Table; 4] = [Table::Events, Table::Inventory, Table::Users, Table::Bookings];

/// What becomes of what Redis knew.
#[derive(Clone, Copy)]
enum Redis {
    Emptied,
    Kept,
}

#[derive(Debug, Parser)]
#[command(
    name = "restore_drill",
    about = "Loses all tables under load, restores them, and looks for every seat"
)]
struct Arguments {}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(unless_broken_off(both()).await, "\nThe drill failed")
}

/// Whether everything adds up.
async fn both() -> Result<bool, Failure> {
    let Arguments {} = kit::settings::read()?;
    let mut reversed = SECONDS;
    reversed.reverse();
    let drills = async {
        let newest =
            drill("The bookings are the newest, and Redis is emptied", SECONDS, Redis::Emptied).await?;
        let oldest =
            drill("The bookings are the oldest, and Redis knows more", reversed, Redis::Kept).await?;
        Ok(newest && oldest)
    };
    timeout(ENDS_WITHIN, drills).await.map_err(|_| "it does not end")?
}

async fn drill(title: &str, seconds: [Table; 4], redis: Redis) -> Result<bool, Failure> {
    let started = Instant::now();
    let say = |what: String| println!("{:>6.1} s  {what}", started.elapsed().as_secs_f64());
    println!("\n{title}");
    let mut stage = Stage::start().await?;
    let buyers = Buyers::start(&stage);
    sleep(APART).await;
    let mut taken = Vec::new();
    for table in seconds {
        stage.goes_on().await?;
        sleep(APART).await;
        taken.push(snapshots::take(&stage, table)?);
        say(format!("{:>5} bookings; {table:?} will be restored as of this second", buyers.confirmed()));
    }
    sleep(LOST).await;
    stage.stop_sales().await?;
    let stopped_at = Timestamp::now();
    let told = buyers.leave().await;
    say(format!(
        "{:>5} bookings, and sales are stopped; all tables but the audit trail are lost",
        told.len()
    ));
    stage.lose_tables().await?;
    for snapshot in &taken {
        let restored = snapshot.restore_beside(&stage).await?;
        let copied = recovery::bring_back(&stage, snapshot.table, &restored).await?;
        say(format!("{:?}: {copied}", snapshot.table));
    }
    match redis {
        Redis::Emptied => {
            stage.empty_redis().await?;
            say(format!("recomputed: {}", recovery::recompute(&stage, None).await?));
        }
        Redis::Kept => {
            say(format!("recomputed: {}", recovery::recompute(&stage, Some(stopped_at)).await?));
            let runs = recovery::let_redis_follow(&stage).await?;
            say(format!("after {runs} runs of the janitor Redis has followed"));
        }
    }
    stage.sell_again().await?;
    let second_of = |table| taken.iter().find(|snapshot| snapshot.table == table).map(check::Second::from);
    let bookings = second_of(Table::Bookings).ok_or("no bookings")?;
    let (lost, mut wrong) = check::promises(&stage, &told, bookings).await?;
    wrong.extend(check::accounts(&stage, second_of(Table::Users).ok_or("no users")?).await?);
    say(format!("sales go on; {lost} bookings were of the lost seconds, all others stand"));
    let sold = check::sell_to_the_last(&stage).await?;
    wrong.extend(check::everything(&stage, &sold).await?);
    for what in &wrong {
        println!("  WRONG: {what}");
    }
    let (capacity, last) = (stage.capacity().await?, sold.len());
    say(match wrong.len() {
        0 => format!("{last} more bookings, and each of {capacity} seats is sold once"),
        many => format!("{many} things do not add up"),
    });
    stage.end().await;
    Ok(wrong.is_empty())
}
