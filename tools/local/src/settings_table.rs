//! The table of `docs/settings.md`, which is written from the code: the service's settings, then what the container's program
//! and the local one read for themselves, each as its `--help` has it.

use std::collections::BTreeSet;

use clap::CommandFactory;
use settings::table::{self, IfUnset, Row, row};

/// The table, in Markdown.
pub fn markdown() -> String {
    let mut rows = table::rows();
    rows.push(row(
        &["RUST_LOG"],
        IfUnset::Value(telemetry::SHOWN.to_owned()),
        "What is logged: a level, or levels of modules as in `warn,stores=debug`; the AWS SDK's traces would show what it sends",
    ));
    let of_all: BTreeSet<String> = rows.iter().flat_map(|row| row.names.clone()).collect();
    let of_servers = own::<server::settings::Arguments>("container")
        .into_iter()
        .chain(own::<crate::settings::Arguments>("`make run`"))
        // What the local server must know before it starts is explained already.
        .filter(|row| !row.names.iter().any(|name| of_all.contains(name)));
    rows.extend(of_servers);
    // A script reads it.
    rows.push(Row {
        read_by: "`make run`, `make test`",
        ..row(
            &["REDIS_SERVER"],
            IfUnset::Words("the one on the PATH, or fetched"),
            "The server binary to use",
        )
    });
    table::markdown(&rows)
}

/// What a program takes from its environment.
fn own<T: CommandFactory>(read_by: &'static str) -> Vec<Row> {
    let command = T::command();
    let rows = command.get_arguments().filter_map(|argument| {
        let default = argument.get_default_values().first();
        let if_unset =
            default.map_or(IfUnset::Nothing, |value| IfUnset::Value(value.to_string_lossy().into_owned()));
        let meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
        Some(Row { read_by, ..row(&[argument.get_env()?.to_str()?], if_unset, meaning) })
    });
    rows.collect()
}
