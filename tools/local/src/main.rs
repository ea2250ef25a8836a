//! Evently in one process, for people who try it on their own machine: `make run`.

use std::process::ExitCode;

use ::settings::Config;
use axum::Router;
use jiff::Timestamp;
use kit::ending::{Stop, exit_code};
use local::{
    api, demo, hosts, mail, schedules,
    serve::{self, Limits},
    settings::{Arguments, Command, Settings},
    settings_table,
    stack::Stack,
    teller::Telling,
    template::Template,
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run().await.map(|()| true), "Evently can't start")
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Arguments = kit::settings::read()?;
    match arguments.command {
        None => serve(arguments).await,
        Some(Command::Openapi) => {
            print!("{}", api::openapi()?);
            Ok(())
        }
        Some(Command::Allowed) => {
            print!("{}", api::allowed()?);
            Ok(())
        }
        Some(Command::Settings) => {
            print!("{}", settings_table::markdown());
            Ok(())
        }
        Some(Command::Pages) => {
            for path in web::PAGES {
                println!("{path}");
            }
            Ok(())
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // The embedded store warns of every refused condition, which is everyday business here.
    telemetry::init(&format!("{},dynoxide=error", telemetry::SHOWN))?;
    let settings = Settings::of(arguments)?;
    // First this: from here on nothing that was started is left behind.
    let mut stop = Stop::new()?;
    let listener = listen(settings.port).await?;
    let template = Template::embedded()?;
    let stack = Stack::start(&settings).await?;
    let (seeded, service, telling) = match fill(&stack, &template, &settings).await {
        Ok(filled) => filled,
        Err(error) => {
            stack.stop().await;
            return Err(error);
        }
    };
    let jobs = schedules::start(&stack.app, template.schedules(), Some(&telling.teller));
    welcome(&settings, &stack, &template, seeded);

    let stop = async move {
        stop.told().await;
        eprintln!("\nStopping.");
    };
    let service = api::with_peers(hosts::own_only(mail::beside(service, settings.mail_folder())));
    serve::serve(listener, service, Limits::default(), stop).await;
    telling.stop().await;
    drop(jobs);
    stack.stop().await;
    Ok(())
}

/// Demo events, the service, and what tells people, to whom nothing of the demo matters.
async fn fill(
    stack: &Stack,
    template: &Template,
    settings: &Settings,
) -> Result<(usize, Router, Telling), Box<dyn std::error::Error>> {
    let seeded = demo::seed(&stack.app, Timestamp::now()).await?;
    let service = api::service(template, &stack.app)?;
    Ok((seeded, service, stack.tell(settings).await?))
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| serve::refusal(port, &error))
}

fn welcome(settings: &Settings, stack: &Stack, template: &Template, seeded: usize) {
    let api = format!("http://127.0.0.1:{}", settings.port);
    let (email, password) = &settings.admin;
    let password = password.as_deref().unwrap_or("as set in ADMIN_EMAIL_PASSWORD");
    println!("\nEvently runs at {api}\n");
    println!("  DynamoDB      {}", stack.dynamodb);
    println!("  Redis         {}", stack.redis);
    println!("  data          {}", settings.data_dir.display());
    for schedule in template.schedules() {
        println!("  {:<13} every {} s", schedule.function, schedule.every.as_secs());
    }
    match settings.mail_folder() {
        Some(folder) => println!("  mails         {}, shown at {api}{}", folder.display(), mail::PATH),
        None => println!("  mails         as set in MAIL_URL"),
    }
    println!("  admin         {email}, password {password}");
    println!("  limits        {}", limits(&stack.app.config));
    println!("  browsers      pages of {} may call", stack.app.config.cors_allow_origins.join(", "));
    if seeded > 0 {
        println!("  events        {seeded} demo events were made");
    }
    println!("\nBuy at:  {api}");
    println!("Try it:  curl {api}/events");
    println!("Read it: {api}/docs");
    println!("Stop it: Ctrl-C\n");
}

/// What one client may do, as the settings say.
fn limits(config: &Config) -> String {
    let limits = &config.rate_limits;
    let shown = [
        ("reads", limits.reads_per_minute),
        ("writes", limits.writes_per_minute),
        ("sign-ins", limits.auth_per_minute),
    ];
    let shown = shown.map(|(what, limit)| match limit {
        0 => format!("any {what}"),
        limit => format!("{limit} {what}"),
    });
    format!("{} a minute (docs/settings.md)", shown.join(", "))
}
