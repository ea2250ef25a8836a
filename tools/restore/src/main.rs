//! `restore`: what an operator runs to put restored tables back into use.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use kit::{
    Failure,
    ending::{exit_code, unless_broken_off},
};
use restore::{Copying, Table, Tables, apply, copy, recompute};
use stores::dynamodb;

/// What to do, to which tables.
#[derive(Debug, Parser)]
#[command(name = "restore", about = "Puts restored tables back into use; changes nothing without --apply")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    names: Names,
}

/// The stack's tables, as its outputs name them.
#[derive(Args, Debug)]
struct Names {
    /// The table of users
    #[arg(long, env = "USERS_TABLE", global = true, default_value = "")]
    users_table: String,
    /// The table of events
    #[arg(long, env = "EVENTS_TABLE", global = true, default_value = "")]
    events_table: String,
    /// The inventory table
    #[arg(long, env = "INVENTORY_TABLE", global = true, default_value = "")]
    inventory_table: String,
    /// The table of bookings
    #[arg(long, env = "BOOKINGS_TABLE", global = true, default_value = "")]
    bookings_table: String,
    /// The table of the audit trail, if there is one
    #[arg(long, env = "AUDIT_TABLE", global = true)]
    audit_table: Option<String>,
    /// A DynamoDB on this machine, instead of AWS's
    #[arg(long, env = "AWS_ENDPOINT_URL_DYNAMODB", global = true)]
    endpoint: Option<String>,
}

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    /// Copies a restored table's items into the stack's own; without a flag only those that it lacks
    Copy {
        /// Which of the stack's tables
        #[arg(value_enum)]
        table: Table,
        /// The name of the restored table
        #[arg(long)]
        from: String,
        /// Writes, instead of only counting
        #[arg(long)]
        apply: bool,
        /// Replaces items that differ, too
        #[arg(long)]
        replace: bool,
        /// Deletes items that the restored table does not have
        #[arg(long)]
        delete: bool,
        /// A file with the ids of people who were erased, one a line, whose accounts are not brought back
        #[arg(long)]
        erased: Option<PathBuf>,
    },
    /// Holds events and inventory against the bookings, and shows what differs
    Recompute {
        /// Writes what should be
        #[arg(long)]
        apply: bool,
        /// Shows all as JSON
        #[arg(long)]
        json: bool,
        /// When sales were stopped, such as 2026-11-26T03:00:00Z, if Redis was not emptied: it will follow then
        #[arg(long)]
        stopped_at: Option<Timestamp>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(unless_broken_off(run()).await, "restore failed")
}

/// Whether nothing is left to do.
async fn run() -> Result<bool, Failure> {
    let Arguments { command, names } = kit::settings::read()?;
    let tables = names.tables().await?;
    match command {
        Command::Copy { table, from, apply, replace, delete, erased } => {
            let erased = erased.map(|file| read_ids(&file)).transpose()?.unwrap_or_default();
            let copied = copy(&tables, table, &from, &Copying { apply, replace, delete, erased }).await?;
            println!("{copied}");
            Ok(true)
        }
        Command::Recompute { apply: writes, json, stopped_at } => {
            let now = Timestamp::now();
            if stopped_at.is_some_and(|at| at > now) {
                return Err("setting --stopped-at must not be in the future".into());
            }
            let plan = recompute(&tables, now, stopped_at).await?;
            match json {
                true => println!("{:#}", plan.json()),
                false => println!("{plan}"),
            }
            if writes {
                let written = apply(&tables, &plan.changes).await?;
                eprintln!("{written} items written.");
            }
            Ok(writes || plan.changes.is_empty())
        }
    }
}

impl Names {
    async fn tables(self) -> Result<Tables, Failure> {
        let client = match &self.endpoint {
            Some(endpoint) => dynamodb::client_for_endpoint(endpoint),
            None => dynamodb::client_from_env().await,
        };
        let named = |name: &str, value: String| match value.is_empty() {
            true => Err(format!("setting {name} is missing")),
            false => Ok(value),
        };
        Ok(Tables {
            client,
            names: settings::Tables {
                users: named("USERS_TABLE", self.users_table)?,
                events: named("EVENTS_TABLE", self.events_table)?,
                inventory: named("INVENTORY_TABLE", self.inventory_table)?,
                bookings: named("BOOKINGS_TABLE", self.bookings_table)?,
                audit: self.audit_table.filter(|name| !name.is_empty()),
                // What was told is not restored: nobody is told of it again.
                deliveries: None,
                webhooks: None,
            },
        })
    }
}

fn read_ids(file: &std::path::Path) -> Result<BTreeSet<String>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let words = text.split_whitespace().map(|id| id.trim_matches(|c| c == '"' || c == ','));
    let ids: BTreeSet<String> = words.filter(|id| !id.is_empty()).map(str::to_owned).collect();
    match ids.iter().find(|id| id.parse::<domain::id::UserId>().is_err()) {
        Some(bad) => Err(format!("{}: {bad} is no user's id", file.display()).into()),
        None => Ok(ids),
    }
}
