//! Evently in one process, for people who try it on their own machine: `make run`.

use std::{io, process::ExitCode};

use axum::Router;
use jiff::Timestamp;
use local::{api, demo, schedules, settings::Settings, stack::Stack, template::Template};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
async fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        None => serve().await,
        Some("openapi") => api::openapi().map(|document| print!("{document}")).map_err(Into::into),
        Some("allowed") => api::allowed().map(|table| print!("{table}")).map_err(Into::into),
        Some(other) => {
            Err(format!("there is no command {other}: use none to serve, openapi or allowed").into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Evently can't start: {error}.");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    // The embedded store warns of every refused condition, which is everyday business here.
    telemetry::init("info,dynoxide=error");
    let settings = Settings::from_env()?;
    // The signals first: from here on nothing that was started is left behind.
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = listen(settings.port).await?;
    let template = Template::embedded()?;
    let stack = Stack::start(&settings).await?;
    let (seeded, service) = match fill(&stack, &template).await {
        Ok(filled) => filled,
        Err(error) => {
            stack.stop().await;
            return Err(error);
        }
    };
    let jobs = schedules::start(&stack.app, template.schedules());
    welcome(&settings, &stack, &template, seeded);

    let stop = async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        eprintln!("\nStopping.");
    };
    let service = api::with_peers(service);
    let served = axum::serve(listener, service).with_graceful_shutdown(stop).await;
    drop(jobs);
    stack.stop().await;
    Ok(served?)
}

/// Demo events, and the service.
async fn fill(stack: &Stack, template: &Template) -> Result<(usize, Router), Box<dyn std::error::Error>> {
    let seeded = demo::seed(&stack.app, Timestamp::now()).await?;
    Ok((seeded, api::service(template, &stack.app)?))
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is taken; set PORT to another one"),
        _ => format!("port {port} can't be used: {error}"),
    })
}

fn welcome(settings: &Settings, stack: &Stack, template: &Template, seeded: usize) {
    let api = format!("http://127.0.0.1:{}", settings.port);
    let (email, password) = &settings.admin;
    let password = password.as_deref().unwrap_or("as set in ADMIN_EMAIL_PASSWORD");
    println!("\nEvently runs at {api}\n");
    println!("  DynamoDB  {}", stack.dynamodb);
    println!("  Redis     {}", stack.redis);
    println!("  data      {}", settings.data_dir.display());
    for schedule in template.schedules() {
        println!("  {:<9} every {} s", schedule.function, schedule.every.as_secs());
    }
    println!("  admin     {email}, password {password}");
    if seeded > 0 {
        println!("  events    {seeded} demo events were made");
    }
    println!("\nTry it:  curl {api}/events");
    println!("Read it: {api}/docs");
    println!("Stop it: Ctrl-C\n");
}
