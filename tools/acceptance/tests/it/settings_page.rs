//! `docs/settings.md` has every setting that the service reads, and no other, each with the default that it has.

use std::{cell::RefCell, collections::BTreeSet};

use settings::Config;

const PAGE: &str = include_str!("../../../../docs/settings.md");

/// The rows of the table: the names of settings, and the default.
fn rows() -> Vec<(Vec<String>, String)> {
    let (_, table) = PAGE.split_once("<!-- settings -->").unwrap();
    let (table, _) = table.split_once("<!-- end of settings -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names = cells[1].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (names, cells[2].to_owned())
    })
    .collect()
}

fn explained() -> BTreeSet<String> {
    rows().into_iter().flat_map(|(names, _)| names).collect()
}

/// What a function that has these settings asks its environment for, and what it makes of the answers.
fn read(set: &[(&str, &str)]) -> (BTreeSet<String>, Result<Config, String>) {
    let asked = RefCell::new(BTreeSet::new());
    let config = Config::from_lookup(|name| {
        asked.borrow_mut().insert(name.to_owned());
        set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    });
    (asked.into_inner(), config.map_err(|error| error.to_string()))
}

const REQUIRED: &[(&str, &str)] = &[
    ("USERS_TABLE", "users"),
    ("EVENTS_TABLE", "events"),
    ("INVENTORY_TABLE", "inventory"),
    ("BOOKINGS_TABLE", "bookings"),
    ("REDIS_URL", "redis://127.0.0.1"),
    ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
];

#[test]
fn every_setting_that_the_service_reads_is_explained() {
    let (with_redis, _) = read(REQUIRED);
    let without: Vec<_> = REQUIRED.iter().filter(|(name, _)| *name != "REDIS_URL").copied().collect();
    let (without_redis, _) = read(&[&without[..], &[("UPSTASH_REDIS_URL", "redis://127.0.0.1")]].concat());
    let asked: BTreeSet<String> = with_redis.union(&without_redis).cloned().collect();
    assert!(asked.len() > 15, "{asked:?}");
    // The AWS SDK's own stand in its documents.
    let own = asked.iter().filter(|name| !["AWS_REGION", "AWS_ENDPOINT_URL"].contains(&name.as_str()));
    let missing: Vec<_> = own.filter(|name| !explained().contains(*name)).collect();
    assert!(missing.is_empty(), "docs/settings.md does not explain {missing:?}");
}

#[test]
fn every_setting_of_the_servers_is_explained() {
    let explained = explained();
    let missing: Vec<_> =
        local::settings::SETTINGS.iter().filter(|name| !explained.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/settings.md does not explain {missing:?}");
}

#[test]
fn what_is_required_is_required() {
    for (names, default) in rows() {
        for name in names.iter().filter(|_| default == "required") {
            let left: Vec<_> = REQUIRED.iter().filter(|(known, _)| known != name).copied().collect();
            assert_eq!(read(&left).1.unwrap_err(), format!("{name} is not set"));
        }
    }
    assert!(read(REQUIRED).1.is_ok(), "and nothing else is");
}

#[test]
fn the_defaults_are_those_of_the_code() {
    let default = read(REQUIRED).1.unwrap();
    let shown = |name: &str| {
        let row = rows().into_iter().find(|(names, _)| names.iter().any(|known| known == name));
        row.unwrap().1.trim_matches('`').to_owned()
    };
    assert_eq!(shown("RESERVATION_TTL_SECONDS"), (default.hold_ttl_ms / 1_000).to_string());
    assert_eq!(shown("RATE_LIMIT_WRITES_PER_MINUTE"), default.rate_limits.writes_per_minute.to_string());
    assert_eq!(shown("RATE_LIMIT_READS_PER_MINUTE"), default.rate_limits.reads_per_minute.to_string());
    assert_eq!(shown("RATE_LIMIT_AUTH_PER_MINUTE"), default.rate_limits.auth_per_minute.to_string());
    assert_eq!(shown("REDIS_CLUSTER"), default.redis.cluster.to_string());
    for name in ["JWT_SECRET_PREVIOUS", "ADMIN_EMAIL", "CORS_ALLOW_ORIGINS", "REDIS_CA_FILE"] {
        assert_eq!(shown(name), "none");
    }
    assert!(default.jwt_secret_previous.is_none() && default.admin.is_none());
    assert!(default.cors_allow_origins.is_empty() && default.redis.authorities.is_none());
}
