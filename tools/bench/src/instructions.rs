//! Instructions that the functions' own programs take to start, and for a request, as valgrind counts them: the same
//! however busy the machine is. Its profiles stay in `target/bench`, for `callgrind_annotate --inclusive=yes`; they have
//! names in them if the programs have (`CARGO_PROFILE_RELEASE_STRIP=none`).

use std::{fs, path::Path, process::Stdio};

use kit::{Failure, http::Connection};
use load::{
    people::create_event,
    scenario::general,
    server::{OwnServer, OwnStores},
};
use tokio::process::Command;

use crate::{
    OUT,
    figures::{Figure, Samples, Target},
    functions::{NAMES, Programs, gateway_event},
    runtime_api::Function,
    rush::{hold, sold_out},
    world::{admin, buyers, settings},
};

/// A function is asked so often, until it has all that it keeps.
const WARM_UP: usize = 10;
/// And in another run so often more, which is the difference.
const COUNTED: usize = 40;
const BOTH_RUNS: usize = WARM_UP + WARM_UP + COUNTED;

// What each may take is a tenth more than was measured, so that new versions of libraries may be had.

const START_MILLIONS_MAX: f64 = 3.0;
const START_OF_PAGES_MILLIONS_MAX: f64 = 3.5;
/// To decode the machine's root certificates, of which Debian has some 140, would take 17 more; to gather randomness from
/// the jitter of the CPU, which `.cargo/config.toml` forbids, 420.
const START_BY_TLS_MILLIONS_MAX: f64 = 3.9;
const BROWSE_THOUSANDS_MAX: f64 = 320.0;
const BOOK_THOUSANDS_MAX: f64 = 390.0;
const REFUSAL_THOUSANDS_MAX: f64 = 370.0;
const CONFIRM_THOUSANDS_MAX: f64 = 1_070.0;
const PAGE_THOUSANDS_MAX: f64 = 440.0;
/// The function that is none of the API's.
const PAGES: &str = "web";

/// What many people ask for at the same time.
struct HotPath {
    name: &'static str,
    /// What its profile is called.
    profile: &'static str,
    function: &'static str,
    /// What the function is given: [`BOTH_RUNS`], each once.
    requests: Vec<String>,
    status: u64,
    thousands_max: f64,
}

/// Whether this machine has valgrind.
pub(crate) async fn can_be_counted() -> bool {
    let asked = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().await;
    asked.is_ok_and(|status| status.success())
}

/// Counts.
pub(crate) async fn figures(programs: &Programs) -> Result<Vec<Figure>, Failure> {
    let server = OwnServer::on(OwnStores::start().await?, None, &[]).await?;
    let mut settings = settings(&server.stores.redis, "evently");
    settings.push(("AWS_ENDPOINT_URL_DYNAMODB", server.stores.dynamodb.clone()));
    // As deployed, requests are counted; so many are allowed that none is refused.
    settings.retain(|(name, _)| !name.starts_with("RATE_LIMIT"));
    for limit in ["RATE_LIMIT_WRITES_PER_MINUTE", "RATE_LIMIT_READS_PER_MINUTE"] {
        settings.push((limit, "10000".to_owned()));
    }
    fs::create_dir_all(OUT)?;
    let mut rows = vec![
        starts(programs, &settings).await?,
        start_of_pages(programs, &settings).await?,
        start_by_tls(programs, &settings).await?,
    ];
    for path in hot_paths(&server).await? {
        rows.push(request(programs, &path, &settings).await?);
    }
    Ok(rows)
}

async fn starts(programs: &Programs, settings: &[(&'static str, String)]) -> Result<Figure, Failure> {
    let (mut most, mut each) = (0.0_f64, Vec::new());
    for name in NAMES.into_iter().filter(|name| *name != PAGES) {
        let millions = counted(&programs.of(name)?, settings, name, &[], 0).await? / 1e6;
        most = most.max(millions);
        each.push(format!("{name} {millions:.2}"));
    }
    let name = "instructions from exec to first `/next`, the most of any function of the API";
    let target = Target::AtMost(START_MILLIONS_MAX);
    Ok(Figure::new(name, "", target, " M", Samples(vec![most])).note(each.join(", ")).guarded())
}

/// It has more routes than any other.
async fn start_of_pages(programs: &Programs, settings: &[(&'static str, String)]) -> Result<Figure, Failure> {
    let millions = counted(&programs.of(PAGES)?, settings, PAGES, &[], 0).await? / 1e6;
    let target = Target::AtMost(START_OF_PAGES_MILLIONS_MAX);
    Ok(Figure::new("the same, of the pages", "", target, " M", Samples(vec![millions])).guarded())
}

/// There is no TLS in the Redis of the tests: what is counted is all that comes before an answer.
async fn start_by_tls(programs: &Programs, settings: &[(&'static str, String)]) -> Result<Figure, Failure> {
    let by_tls: Vec<_> =
        settings.iter().map(|(name, value)| (*name, value.replace("redis://", "rediss://"))).collect();
    let millions = counted(&programs.of("reservations")?, &by_tls, "tls", &[], 0).await? / 1e6;
    let name = "the same, when it begins to speak TLS to Redis";
    let target = Target::AtMost(START_BY_TLS_MILLIONS_MAX);
    Ok(Figure::new(name, "", target, " M", Samples(vec![millions])).guarded())
}

async fn request(
    programs: &Programs,
    path: &HotPath,
    settings: &[(&'static str, String)],
) -> Result<Figure, Failure> {
    let program = programs.of(path.function)?;
    let (few, more) = path.requests.split_at(WARM_UP);
    let warm = counted(&program, settings, "warm-up", few, path.status).await?;
    let whole = counted(&program, settings, path.profile, more, path.status).await?;
    let thousands = (whole - warm) / COUNTED as f64 / 1e3;
    let name = format!("instructions of {} in Lambda", path.name);
    let target = Target::AtMost(path.thousands_max);
    Ok(Figure::new(name, "", target, " k", Samples(vec![thousands])).guarded())
}

async fn hot_paths(server: &OwnServer) -> Result<[HotPath; 5], Failure> {
    let (admin, buyer) = (admin().await?, buyers().bearer(0)?);
    let hot = create_event(server.address, &admin, "Hot", &general(1_000_000)).await?;
    let gone = sold_out(server, &admin).await?;
    let mut connection = Connection::new(server.address);
    let mut confirms = Vec::new();
    for _ in 0..BOTH_RUNS {
        let reservation = hold(&mut connection, &hot, &buyer, 201).await?;
        let path = format!("/reservations/{reservation}/confirm");
        confirms.push(gateway_event("POST", &path, Some(&buyer), None).to_string());
    }
    // Each has an idempotency key of its own.
    let books = |event: &str| {
        let path = format!("/events/{event}/book");
        let book = || gateway_event("POST", &path, Some(&buyer), Some("{\"quantity\":1}".to_owned()));
        (0..BOTH_RUNS).map(|_| book().to_string()).collect()
    };
    Ok([
        HotPath {
            name: "a browse",
            profile: "browse",
            function: "events",
            requests: vec![
                gateway_event("GET", &format!("/events/{hot}"), None, None).to_string();
                BOTH_RUNS
            ],
            status: 200,
            thousands_max: BROWSE_THOUSANDS_MAX,
        },
        HotPath {
            name: "an event's page",
            profile: "page",
            function: "web",
            requests: vec![
                gateway_event("GET", &format!("/shop/events/{hot}"), None, None).to_string();
                BOTH_RUNS
            ],
            status: 200,
            thousands_max: PAGE_THOUSANDS_MAX,
        },
        HotPath {
            name: "a *book*",
            profile: "book",
            function: "reservations",
            requests: books(&hot),
            status: 201,
            thousands_max: BOOK_THOUSANDS_MAX,
        },
        HotPath {
            name: "a sold-out refusal",
            profile: "refusal",
            function: "reservations",
            requests: books(&gone),
            status: 409,
            thousands_max: REFUSAL_THOUSANDS_MAX,
        },
        HotPath {
            name: "a confirm",
            profile: "confirm",
            function: "reservations",
            requests: confirms,
            status: 201,
            thousands_max: CONFIRM_THOUSANDS_MAX,
        },
    ])
}

/// Instructions of the program from its start until it has answered these requests with that status.
async fn counted(
    program: &Path,
    settings: &[(&'static str, String)],
    profile: &str,
    requests: &[String],
    status: u64,
) -> Result<f64, Failure> {
    let out = Path::new(OUT).join(format!("callgrind.{profile}.out"));
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display())).arg(program);
    let mut function = Function::start_command(command, settings)
        .await
        .map_err(|error| format!("{error} (this needs valgrind; on Debian: apt install valgrind)"))?;
    for request in requests {
        let (_, answer) = function.invoke(request.clone()).await?;
        if answer["statusCode"].as_u64() != Some(status) {
            return Err(format!("a function answered {answer}").into());
        }
    }
    function.end().await?;
    let profile = fs::read_to_string(&out)?;
    let totals = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(totals.ok_or("valgrind counted nothing")?.trim().parse()?)
}
