//! Evently in one process, for containers: on ECS, Kubernetes, Render, or wherever one runs.

use std::{error::Error, process::ExitCode};

use ::settings::Config;
use domain::id::EventId;
use http_api::App;
use jiff::Timestamp;
use server::{
    api, live, schedules, serve,
    settings::{self, Settings},
    template::Template,
};
use stores::dynamodb;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

#[tokio::main]
async fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        None => run().await.map_err(|error| format!("Evently can't start: {error}.")),
        Some("healthcheck") => {
            healthcheck().await.map_err(|error| format!("Evently does not answer: {error}."))
        }
        Some(other) => Err(format!("There is no command {other}: use none to serve, or healthcheck.")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let config = Config::from_env().map_err(|error| format!("setting {error}"))?;
    telemetry::init_logs("info", settings.log_format);
    if settings.embedded_metrics {
        telemetry::collect("server");
    }
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let app = App::new(config, dynamodb::client_from_env().await)?;
    let listener = serve::listen(settings.port).await?;
    let template = Template::embedded()?;
    let jobs = match settings.run_schedules {
        true => schedules::start(&app, template.schedules()),
        false => JoinSet::new(),
    };
    tracing::info!(address = %listener.local_addr()?, schedules = settings.run_schedules, "Evently serves");
    tell_if_dynamodb_fails(&app).await;

    let stop = async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        tracing::info!("stopping: what is under way is finished, nothing new begun");
    };
    let service = api::behind(settings.trusted_proxies, live::beside(api::service(&template, &app)?));
    serve::serve(listener, service, stop).await?;
    drop(jobs);
    tracing::info!("stopped");
    Ok(())
}

async fn healthcheck() -> Result<(), Box<dyn Error>> {
    Ok(live::check(settings::port(std::env::var("PORT").ok())?).await?)
}

/// Says why nothing can work, where that is so: `GET /health` says only that it is. The start goes on, as a store that
/// is down comes back.
async fn tell_if_dynamodb_fails(app: &App) {
    if let Err(error) = app.store.event(EventId::new(Timestamp::now())).await {
        let causes: Vec<_> = std::iter::successors(Some(&error as &dyn Error), |&error| error.source())
            .map(ToString::to_string)
            .collect();
        tracing::error!(error = causes.join(": "), "DynamoDB can't be used yet");
    }
}
