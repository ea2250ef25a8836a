//! Evently in one process, for containers: on ECS, Kubernetes, Render, or wherever one runs.

use std::{error::Error, process::ExitCode};

use ::settings::{Config, mail::MailConfig};
use domain::id::EventId;
use http_api::App;
use jiff::Timestamp;
use kit::ending::{Stop, exit_code};
use server::{
    api, live, schedules,
    serve::{self, Limits},
    settings::{Arguments, Command, Settings},
    teller,
    template::Template,
};
use stores::dynamodb;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> ExitCode {
    let failed = "Evently can't start";
    match kit::settings::read() {
        Ok(Arguments { command: None, settings }) => exit_code(run(settings).await.map(|()| true), failed),
        Ok(Arguments { command: Some(Command::Healthcheck), settings }) => {
            exit_code(live::check(settings.port).await.map(|()| true), "Evently does not answer")
        }
        Err(error) => exit_code(Err(error), failed),
    }
}

async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_env().map_err(|error| format!("setting {error}"))?;
    let mail = MailConfig::from_env().map_err(|error| format!("setting {error}"))?;
    // Nobody would send what is asked for.
    config.sends_mail = mail.is_some();
    let tells = mail.is_some() || config.tables.webhooks.is_some();
    sign_in::check_settings(&config).map_err(|error| format!("setting {error}"))?;
    telemetry::init_logs(telemetry::SHOWN, settings.log_format)?;
    if settings.embedded_metrics {
        telemetry::collect("server");
    }
    let mut stop = Stop::new()?;
    let client = dynamodb::client_from_env().await;
    let app = App::new(config, client.clone())?;
    let listener = serve::listen(settings.port).await?;
    let template = Template::embedded()?;
    let (telling, jobs) = match settings.run_schedules {
        true => {
            let telling = match tells {
                true => Some(teller::start(&app, mail, client, teller::streams_from_env().await).await?),
                false => None,
            };
            let jobs =
                schedules::start(&app, template.schedules(), telling.as_ref().map(|telling| &telling.teller));
            (telling, jobs)
        }
        false => (None, JoinSet::new()),
    };
    tracing::info!(address = %listener.local_addr()?, schedules = settings.run_schedules, "Evently serves");
    if !app.config.sends_mail && settings.run_schedules {
        tracing::warn!("MAIL_URL is not set: nobody is told anything by mail");
    }
    if !app.store.is_audited() {
        tracing::warn!("AUDIT_TABLE is not set: what admins do is only logged");
    }
    tell_if_dynamodb_fails(&app).await;

    let stop = async move {
        stop.told().await;
        tracing::info!("stopping: what is under way is finished, nothing new begun");
    };
    let service = api::behind(
        settings.trusted_proxies.unwrap_or_default(),
        live::beside(api::service(&template, &app)?),
    );
    serve::serve(listener, service, Limits::default(), stop).await;
    if let Some(telling) = &telling {
        telling.stop().await;
    }
    drop((telling, jobs));
    tracing::info!("stopped");
    Ok(())
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
