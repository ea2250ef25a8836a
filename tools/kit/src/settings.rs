//! Settings from the command line, and from the environment, so that `make load RATE=500` works. One that is wrong is told
//! in one sentence that names it.

use std::{
    error::Error as _,
    ffi::{OsStr, OsString},
    ops::RangeInclusive,
    time::Duration,
};

use clap::{
    Command, Parser,
    builder::Resettable,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};

/// What was given to this process. Who asks for help gets it, and the process ends.
///
/// # Errors
/// When a setting is malformed or out of bounds, or an argument is not understood.
pub fn read<T: Parser>() -> Result<T, String> {
    parse(std::env::args_os(), is_set)
}

/// The same from these arguments alone, the first being the program's name; whatever the environment has, as whoever runs a
/// test may have anything in it.
///
/// # Errors
/// When a setting is malformed or out of bounds, or an argument is not understood.
pub fn read_from<T: Parser>(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<T, String> {
    parse(arguments, |_| false)
}

/// A variable that is set to nothing is the same as none: `make` passes on what it was not given, too.
fn is_set(value: &OsStr) -> bool {
    !value.is_empty()
}

fn parse<T: Parser>(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    counts: fn(&OsStr) -> bool,
) -> Result<T, String> {
    let read = only_those_that(counts, T::command())
        .try_get_matches_from(arguments)
        .and_then(|matches| T::from_arg_matches(&matches));
    read.map_err(|error| {
        let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        if is_help || !error.use_stderr() {
            error.exit();
        }
        let mut known = T::command();
        known.build();
        sentence(&error, &known)
    })
}

/// Leaves out variables of the environment whose values do not count.
fn only_those_that(counts: fn(&OsStr) -> bool, command: Command) -> Command {
    let left_out: Vec<_> = command
        .get_arguments()
        .filter(|argument| argument.get_env().and_then(std::env::var_os).is_some_and(|value| !counts(&value)))
        .map(|argument| argument.get_id().clone())
        .collect();
    left_out
        .into_iter()
        .fold(command, |command, id| command.mut_arg(id, |argument| argument.env(Resettable::Reset)))
        .mut_subcommands(|subcommand| only_those_that(counts, subcommand))
}

/// A whole number within these bounds.
pub fn whole<T: TryFrom<u64>>(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("must be a whole number from {} to {}", bounds.start(), bounds.end()))
    }
}

/// So many seconds.
pub fn seconds(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    let number = whole(bounds);
    move |text| number(text).map(Duration::from_secs)
}

fn sentence(error: &Error, command: &Command) -> String {
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let must = match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(cause), _) => Some(cause.to_string()),
        (None, Some(ContextValue::Strings(values))) => Some(format!("must be one of {}", values.join(", "))),
        (None, _) => None,
    };
    match (told(ContextKind::InvalidArg), told(ContextKind::InvalidValue), must) {
        (Some(argument), Some(value), Some(must)) => {
            format!("setting {} {must}, not {value:?}", name_of(argument, command))
        }
        _ => {
            let whole = error.to_string();
            let first = whole.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
            let lines: Vec<_> = first.lines().map(str::trim).collect();
            format!("{}; --help tells what can be set", lines.join(" "))
        }
    }
}

/// The name that a setting has in the environment, or on the command line if it has none there.
fn name_of(argument: &str, command: &Command) -> String {
    let Some(known) = command.get_arguments().find(|known| known.to_string() == argument) else {
        return argument.to_owned();
    };
    match (known.get_env(), known.get_long()) {
        (Some(name), _) => name.to_string_lossy().into_owned(),
        (None, Some(name)) => format!("--{name}"),
        (None, None) => known.get_id().as_str().to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo sets these for its tests: the one to nothing, the other to a text.
    #[derive(Debug, Parser)]
    struct Settings {
        #[arg(long, env = "CARGO_PKG_VERSION_PRE", default_value_t = 3, value_parser = whole::<u64>(1..=9))]
        empty: u64,
        #[arg(long, env = "CARGO_PKG_NAME", value_parser = whole::<u64>(1..=9))]
        text: u64,
        #[arg(long, env = "NOBODY_SETS_THIS", default_value = "20", value_parser = seconds(0..=60))]
        time: Duration,
        #[arg(long, value_parser = ["hot", "cold"])]
        water: Option<String>,
        #[arg(value_parser = ["left", "right"])]
        side: Option<String>,
    }

    fn read(arguments: &[&str]) -> Result<Settings, String> {
        parse(["tool"].iter().chain(arguments), is_set)
    }

    #[test]
    fn the_environment_counts_unless_it_is_empty_and_the_command_line_before_it() {
        let settings = read(&["--text", "7", "--time", "5"]).unwrap();
        assert_eq!((settings.empty, settings.text, settings.time), (3, 7, Duration::from_secs(5)));
        let settings = read(&["--text", "7", "--water", "hot"]).unwrap();
        assert_eq!((settings.time, settings.water.as_deref()), (Duration::from_secs(20), Some("hot")));
        assert_eq!(read(&["--text", "7", "left"]).unwrap().side.as_deref(), Some("left"));
    }

    #[test]
    fn arguments_alone_do_not_look_at_the_environment() {
        let missing = read_from::<Settings>(["tool"]).unwrap_err();
        assert!(missing.contains("--text <TEXT>"), "{missing}");
    }

    #[test]
    fn what_is_wrong_is_named_in_one_sentence() {
        for (arguments, said) in [
            (&[][..], "setting CARGO_PKG_NAME must be a whole number from 1 to 9, not \"kit\""),
            (&["--text", "10"], "setting CARGO_PKG_NAME must be a whole number from 1 to 9, not \"10\""),
            (
                &["--text", "1", "--time=-1"],
                "setting NOBODY_SETS_THIS must be a whole number from 0 to 60, not \"-1\"",
            ),
            (&["--text", "1", "--water", "dry"], "setting --water must be one of hot, cold, not \"dry\""),
            (&["--text", "1", "up"], "setting SIDE must be one of left, right, not \"up\""),
            (&["--nonsense"], "unexpected argument '--nonsense' found; --help tells what can be set"),
        ] {
            assert_eq!(read(arguments).unwrap_err(), said);
        }
    }
}
