//! What is done to processes: servers are killed, Redis is killed, emptied and paused; one thing after the other, in an
//! order that follows from the seed. And the janitor, which runs far more often here than every minute.

use std::{io, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use kit::Failure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{check::no_seats_too_many, faults::Fault, world::World};

#[derive(Clone, Copy, Debug)]
enum Act {
    KillServer,
    KillAllServers,
    Redis(Fault),
}

impl Act {
    fn makes_redis_forget(self) -> bool {
        use Fault::{RedisFlushed, RedisRolledBack, RedisWiped};
        matches!(self, Self::Redis(RedisFlushed | RedisWiped | RedisRolledBack))
    }
}

/// Drawn from like from a bag, and filled again when it is empty: each kind comes even in a short run.
const BAG: &[Act] = &[
    Act::KillServer,
    Act::KillServer,
    Act::KillServer,
    Act::KillServer,
    Act::KillServer,
    Act::KillAllServers,
    Act::Redis(Fault::RedisFlushed),
    Act::Redis(Fault::RedisScriptsFlushed),
    Act::Redis(Fault::RedisPaused),
    Act::Redis(Fault::RedisPaused),
    Act::Redis(Fault::RedisKilled),
    Act::Redis(Fault::RedisKilled),
    Act::Redis(Fault::RedisWiped),
    Act::Redis(Fault::RedisRolledBack),
];
/// How far a replica lags behind.
const LAG_MS: std::ops::RangeInclusive<u64> = 100..=1_500;
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Does one thing after the other until then.
pub(crate) async fn reign(world: Arc<World>, until: Instant) -> Result<(), Failure> {
    let dice = world.dice("chaos", 0);
    let mut bag = Vec::new();
    loop {
        sleep(dice.ms(300, 2_000)).await;
        if Instant::now() >= until {
            return Ok(());
        }
        if bag.is_empty() {
            bag = BAG.to_vec();
            bag.retain(|act| !(world.redis_remembers && act.makes_redis_forget()));
            dice.shuffle(&mut bag);
        }
        let down = dice.ms(0, 1_200);
        match bag.pop() {
            Some(Act::KillServer) => {
                let number = dice.below(world.fleet.len() as u64) as usize;
                kill(&world, number..number + 1, down).await?;
            }
            Some(Act::KillAllServers) => kill(&world, 0..world.fleet.len(), down).await?,
            Some(Act::Redis(fault)) => {
                let lag = dice.ms(*LAG_MS.start(), *LAG_MS.end());
                disturb_redis(&world, fault, down, lag).await?;
            }
            None => {}
        }
        // A server may have met a fault while it started, and ended.
        for number in 0..world.fleet.len() {
            world.fleet.run(number).await?;
        }
    }
}

async fn kill(world: &World, servers: std::ops::Range<usize>, down: Duration) -> Result<(), Failure> {
    for number in servers.clone() {
        if world.fleet.kill(number).await? {
            world.faults.count(Fault::ServerKilled);
        }
    }
    sleep(down).await;
    for number in servers {
        world.fleet.run(number).await?;
    }
    Ok(())
}

async fn disturb_redis(world: &World, fault: Fault, down: Duration, lag: Duration) -> Result<(), Failure> {
    let mut redis = world.redis.lock().await;
    let forgets = Act::Redis(fault).makes_redis_forget();
    if forgets {
        world.faults.redis_forgets();
    }
    match fault {
        Fault::RedisKilled | Fault::RedisWiped | Fault::RedisRolledBack => {
            let (data, earlier) =
                (world.redis_folder.join("appendonlydir"), world.redis_folder.join("earlier"));
            if fault == Fault::RedisRolledBack {
                copy(&data, &earlier)?;
                sleep(lag).await;
            }
            redis.kill()?;
            redis.wait_dead().await;
            if fault != Fault::RedisKilled {
                std::fs::remove_dir_all(&data)?;
            }
            if fault == Fault::RedisRolledBack {
                std::fs::rename(&earlier, &data)?;
            }
            sleep(down).await;
            redis.restart().await?;
        }
        Fault::RedisFlushed => command(redis.url(), "FLUSHALL").await?,
        Fault::RedisScriptsFlushed => command(redis.url(), "SCRIPT FLUSH").await?,
        _ => command(redis.url(), &format!("CLIENT PAUSE {} ALL", down.as_millis().max(50))).await?,
    }
    if forgets {
        world.faults.redis_forgets();
    }
    world.faults.count(fault);
    Ok(())
}

/// Copies the files of a folder. The server may be writing to the last one: it reads what is whole of it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// Tells the server something, past the proxy.
async fn command(url: &str, command: &str) -> Result<(), Failure> {
    let asked = async {
        let mut connection = TcpStream::connect(url.trim_start_matches("redis://")).await?;
        connection.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await?;
        io::Result::Ok(answer)
    };
    match timeout(ANSWER_WITHIN, asked).await?? {
        answer if answer == *b"+OK\r\n" => Ok(()),
        answer => Err(format!("Redis answered {} to {command}", String::from_utf8_lossy(&answer)).into()),
    }
}

/// Runs the janitor every one or two seconds, until it is dropped; sometimes two at once, sometimes broken off.
pub(crate) async fn janitors(world: Arc<World>) {
    let dice = world.dice("janitor", 0);
    let one = || async {
        // One that fails is no matter: the next one goes on.
        if let Ok(report) = janitor::run(&world.disturbed, Timestamp::now()).await {
            no_seats_too_many(&world, &report);
        }
    };
    loop {
        sleep(dice.ms(700, 2_000)).await;
        match dice.below(100) {
            0..30 => {
                tokio::join!(one(), one());
                world.faults.count(Fault::TwoJanitors);
            }
            30..55 => {
                if timeout(dice.ms(1, 60), one()).await.is_err() {
                    world.faults.count(Fault::JanitorBrokenOff);
                }
            }
            _ => one().await,
        }
    }
}
