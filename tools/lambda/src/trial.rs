//! `make test-lambda`: every sample sent to real Lambda processes, and the journey through them.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use futures::{StreamExt, TryStreamExt, stream};
use kit::{Failure, process::free_port};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    answer::{difference, readable},
    docker::{self, Sam},
    emulator::Emulators,
    front::Front,
    glibc, process,
    samples::{self, Sample},
    stores::{Stores, for_sam},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};

/// Invocations in containers at once: most of one is SAM's own start.
const CONTAINERS_AT_ONCE: usize = 4;

/// Tries of a sample whose answer is to try again, which a store's late answer on a busy machine makes, and which is safe.
const TRIES_MAX: usize = 5;

/// What the trial needs of its surroundings.
#[derive(Debug)]
pub struct Tools {
    /// The top folder of the repository.
    pub root: PathBuf,
    /// SAM's program.
    pub sam: PathBuf,
    /// AWS's runtime interface emulator, which SAM brings along.
    pub emulator: PathBuf,
}

/// Where the processes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In containers.
    Docker,
    /// Under the emulator.
    Emulator,
}

impl Tools {
    fn built(&self) -> PathBuf {
        self.root.join(".aws-sam/build")
    }

    fn image_maker(&self) -> PathBuf {
        self.root.join("tools/lambda/base-image")
    }
}

/// All of it. The first thing that is not as it should be ends it.
///
/// # Errors
/// That first thing.
pub async fn run(tools: &Tools, place: Place) -> Result<(), Failure> {
    let samples = samples::all()?;
    let bootstraps = bootstraps(tools, &samples)?;
    for bootstrap in bootstraps.values() {
        glibc::check(bootstrap)?;
    }
    println!("All {} functions ask for no newer C library than Amazon Linux 2023 has.", bootstraps.len());
    let scratch = tempfile::tempdir()?;
    match place {
        Place::Docker => in_containers(tools, &samples, scratch.path()).await,
        Place::Emulator => under_emulators(tools, &samples, &bootstraps, scratch.path()).await,
    }
    .inspect_err(|_| keep_logs(scratch))
}

/// What the functions wrote is worth a look when something was not as it should be.
fn keep_logs(scratch: TempDir) {
    if std::fs::read_dir(scratch.path()).is_ok_and(|mut logs| logs.next().is_some()) {
        eprintln!("What the processes wrote is in {}", scratch.keep().display());
    }
}

/// The program of each function that a sample is for.
fn bootstraps(tools: &Tools, samples: &[Sample]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut found = BTreeMap::new();
    for sample in samples {
        let bootstrap = tools.built().join(docker::logical_id(&sample.function)).join("bootstrap");
        if !bootstrap.is_file() {
            return Err(format!("{} is missing: run `sam build`", bootstrap.display()).into());
        }
        found.insert(sample.function.clone(), bootstrap);
    }
    Ok(found)
}

async fn under_emulators(
    tools: &Tools,
    samples: &[Sample],
    bootstraps: &BTreeMap<String, PathBuf>,
    scratch: &Path,
) -> Result<(), Failure> {
    println!("Running the functions under AWS's runtime interface emulator, without Docker.");
    let stores = Stores::start(None).await?;
    let emulators = Emulators::start(&tools.emulator, bootstraps, &stores.environment, scratch).await?;
    let emulators = Arc::new(emulators);
    send(samples, 1, |sample| {
        let emulators = Arc::clone(&emulators);
        async move { emulators.invoke(&sample.function, &sample.payload).await }
    })
    .await?;
    let front = Front::start(Arc::clone(&emulators)).await?;
    journey(&tools.root, &front.url).await?;
    drop(front);
    if let Ok(emulators) = Arc::try_unwrap(emulators) {
        emulators.stop().await;
    }
    stores.stop().await;
    Ok(())
}

async fn in_containers(tools: &Tools, samples: &[Sample], scratch: &Path) -> Result<(), Failure> {
    println!("Running the functions in containers, by SAM on Docker.");
    let image = docker::need_image(&tools.image_maker()).await?;
    let host = docker::host_address(&image).await?;
    let sam = Sam {
        program: tools.sam.clone(),
        built: tools.built(),
        environment: scratch.join("environment.json"),
    };
    let done = with_sam(&sam, host, tools, samples, scratch).await;
    docker::remove_containers(&sam.built).await;
    done
}

async fn with_sam(
    sam: &Sam,
    host: IpAddr,
    tools: &Tools,
    samples: &[Sample],
    scratch: &Path,
) -> Result<(), Failure> {
    let stores = Stores::start(Some(host)).await?;
    std::fs::write(&sam.environment, for_sam(&stores.environment))?;
    // The first invocation makes SAM put its emulator into the image, which others would do again meanwhile.
    let (first, rest) = samples.split_at(1);
    let invoke = |sample: Sample| async move {
        sam.invoke(&sample.function, &tools.root.join("events").join(format!("{}.json", sample.name))).await
    };
    send(first, 1, invoke).await?;
    send(rest, CONTAINERS_AT_ONCE, invoke).await?;
    let port = free_port()?;
    let api = sam.start_api(port, &scratch.join("api.log")).await?;
    let travelled = journey(&tools.root, &format!("http://127.0.0.1:{port}")).await;
    api.stop().await;
    stores.stop().await;
    travelled
}

/// Sends samples, some at once, and holds the answers against what is stated.
async fn send<F, A>(samples: &[Sample], at_once: usize, invoke: F) -> Result<(), Failure>
where
    F: Fn(Sample) -> A,
    A: Future<Output = Result<Value, Failure>>,
{
    let mut by_function: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_function.entry(&sample.function).or_default().push(sample);
    }
    for (function, samples) in by_function {
        let started = Instant::now();
        let answers = stream::iter(&samples).map(|sample| {
            let invoke = &invoke;
            async move {
                let mut answer = invoke((*sample).clone()).await?;
                for _ in 1..TRIES_MAX {
                    if answer["statusCode"] != 503 {
                        break;
                    }
                    println!("  {} was answered to try again, and is", sample.name);
                    answer = invoke((*sample).clone()).await?;
                }
                check(sample, &answer)
            }
        });
        answers.buffer_unordered(at_once).try_collect::<()>().await?;
        let seconds = started.elapsed().as_secs_f64();
        println!("  {function:<12} {:>2} of {0} answers as stated, {seconds:.1} s", samples.len());
    }
    Ok(())
}

fn check(sample: &Sample, answer: &Value) -> Result<(), Failure> {
    let answer = readable(answer);
    match difference(&sample.answer, &answer) {
        None => Ok(()),
        Some(difference) => {
            Err(format!("events/{}.json: {difference}\nThe whole answer: {answer}", sample.name).into())
        }
    }
}

/// The journey of the acceptance tests, as it is, through the API at that address.
async fn journey(root: &Path, url: &str) -> Result<(), Failure> {
    println!("The journey of the acceptance tests, through {url}:");
    let started = Instant::now();
    let tested = process::output(&root.join("tools/acceptance/run"), |command| {
        command.arg("journey::").current_dir(root);
        command.env("JOURNEY_URL", url);
        command.env("JOURNEY_ADMIN_EMAIL", ADMIN_EMAIL).env("JOURNEY_ADMIN_PASSWORD", ADMIN_PASSWORD);
    })
    .await?;
    let said = String::from_utf8_lossy(&tested.stdout);
    if !tested.status.success() {
        return Err(format!("the journey failed:\n{said}{}", String::from_utf8_lossy(&tested.stderr)).into());
    }
    let result = said.lines().rev().find(|line| line.starts_with("test result")).unwrap_or_default();
    println!("  {result} ({:.1} s)", started.elapsed().as_secs_f64());
    Ok(())
}
