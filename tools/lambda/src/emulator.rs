//! Every function under AWS's own runtime interface emulator, without Docker: the emulator that SAM puts into its
//! containers, run directly. It plays Lambda's runtime API for one process of one function.

use std::{
    collections::BTreeMap,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use kit::{Failure, wait};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{process::Process, stores::Environment};

/// A process that starts, on a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Longer than any function may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// The emulator takes any name; this is the one that it has in its documentation.
const INVOCATIONS: &str = "2015-03-31/functions/function/invocations";

/// The functions, each behind an emulator of its own.
#[derive(Debug)]
pub struct Emulators {
    http: reqwest::Client,
    functions: BTreeMap<String, Emulated>,
}

/// One function. It takes one invocation at a time, as an instance in Lambda does.
#[derive(Debug)]
struct Emulated {
    url: String,
    log: PathBuf,
    turn: Mutex<()>,
    process: Process,
}

impl Emulators {
    /// Starts every function. `logs` is a folder for what they write.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(
        emulator: &Path,
        bootstraps: &BTreeMap<String, PathBuf>,
        environment: &Environment,
        logs: &Path,
    ) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
        let mut functions = BTreeMap::new();
        for (function, bootstrap) in bootstraps {
            let log = logs.join(format!("{function}.log"));
            let [invocations, runtime] = free_ports()?;
            let process = Process::start(
                emulator,
                |command| {
                    command
                        .arg("--runtime-interface-emulator-address")
                        .arg(format!("127.0.0.1:{invocations}"));
                    command.arg("--runtime-api-address").arg(format!("127.0.0.1:{runtime}"));
                    command.arg(bootstrap).envs(environment).env("AWS_LAMBDA_FUNCTION_NAME", function);
                },
                File::create(&log)?,
            )?;
            let url = format!("http://127.0.0.1:{invocations}/{INVOCATIONS}");
            functions.insert(function.clone(), Emulated { url, log, turn: Mutex::default(), process });
        }
        let emulators = Self { http, functions };
        for function in emulators.functions.values() {
            emulators.await_listening(function).await?;
        }
        Ok(emulators)
    }

    /// What a function answers to a payload.
    ///
    /// # Errors
    /// When it does not answer, or not with JSON; what it last wrote is told.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, Failure> {
        let emulated = self.functions.get(function).ok_or_else(|| format!("{function} does not run"))?;
        let _turn = emulated.turn.lock().await;
        let told = |why: String| format!("{function} {why}; it wrote to {}", emulated.log.display());
        let answer = self.http.post(&emulated.url).json(payload).send().await;
        let answer = answer.map_err(|error| told(format!("did not answer: {error}")))?;
        let text = answer.text().await?;
        let value: Value = serde_json::from_str(&text).map_err(|_| told(format!("answered {text}")))?;
        // What Lambda tells of a function that failed.
        if value["errorType"].is_string() {
            return Err(told(format!("failed: {}", value["errorMessage"])).into());
        }
        Ok(value)
    }

    /// Ends all of them.
    pub async fn stop(self) {
        for (_, function) in self.functions {
            function.process.stop().await;
        }
    }

    async fn await_listening(&self, function: &Emulated) -> Result<(), Failure> {
        let root = function.url.trim_end_matches(INVOCATIONS);
        let is_up = wait::until(READY_WITHIN, ASK_AGAIN_AFTER, || async {
            // Any answer will do: only invocations are invocations.
            Ok::<_, Failure>(self.http.get(root).send().await.is_ok())
        });
        match is_up.await? {
            true => Ok(()),
            false => Err(format!("an emulator does not start; see {}", function.log.display()).into()),
        }
    }
}

fn free_ports() -> Result<[u16; 2], Failure> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([listeners[0].local_addr()?.port(), listeners[1].local_addr()?.port()])
}
