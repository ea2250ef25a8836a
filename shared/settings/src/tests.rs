//! Settings, good and bad.

use std::{cell::RefCell, collections::BTreeSet};

use super::{
    mail::MailConfig,
    table::{IfUnset, rows},
    *,
};

const COMPLETE: &[(&str, &str)] = &[
    ("USERS_TABLE", "users"),
    ("EVENTS_TABLE", "events"),
    ("INVENTORY_TABLE", "inventory"),
    ("BOOKINGS_TABLE", "bookings"),
    ("REDIS_URL", "redis://127.0.0.1:6379"),
    ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
];

/// The complete settings with some of them changed; an empty value takes one away.
fn config_with(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| {
        let find = |settings: &[(&str, &str)]| {
            settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        find(changes).or_else(|| find(COMPLETE))
    })
}

#[test]
fn defaults_fill_in_what_is_optional() {
    let config = config_with(&[]).unwrap();
    assert_eq!(config.hold_ttl_ms, 600_000);
    let limits = RateLimits {
        writes_per_minute: 10,
        reads_per_minute: 120,
        auth_per_minute: 10,
        registrations_per_hour: 60,
    };
    assert_eq!(config.rate_limits, limits);
    assert!(config.cors_allow_origins.is_empty());
    assert_eq!(config.tables.audit, None, "a container of before has no such table");
    assert!(config.admin.is_none() && config.jwt_secret_previous.is_none() && !config.redis.cluster);
}

#[test]
fn amazons_roots_suffice_for_amazons_own_endpoints() {
    let with = |name, value| config_with(&[(name, value)]).unwrap().roots;
    assert_eq!(with("AWS_REGION", "eu-central-1"), Roots::Amazons);
    assert_eq!(with("AWS_REGION", "cn-north-1"), Roots::Systems);
    assert_eq!(with("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000"), Roots::Amazons, "none is needed");
    assert_eq!(with("AWS_ENDPOINT_URL_DYNAMODB", "https://store.example.com"), Roots::Systems);
    assert_eq!(with("AWS_ENDPOINT_URL", "https://proxy.example.com"), Roots::Systems);
}

#[test]
fn a_bad_setting_is_named() {
    for (name, value) in [
        ("USERS_TABLE", ""),
        ("EVENTS_TABLE", ""),
        ("INVENTORY_TABLE", ""),
        ("BOOKINGS_TABLE", ""),
        ("REDIS_URL", ""),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_CLUSTER", "yes"),
        ("JWT_SECRET", ""),
        ("JWT_SECRET", "short"),
        ("JWT_SECRET_PREVIOUS", "short"),
        ("CORS_ALLOW_ORIGINS", "*"),
        ("CORS_ALLOW_ORIGINS", "example.com"),
        ("CORS_ALLOW_ORIGINS", "https://example.com/"),
        ("CORS_ALLOW_ORIGINS", "https://example.com, https://"),
        ("RESERVATION_TTL_SECONDS", "ten"),
        ("RESERVATION_TTL_SECONDS", "0"),
        ("RESERVATION_TTL_SECONDS", "86401"),
        ("RATE_LIMIT_WRITES_PER_MINUTE", "ten"),
        ("RATE_LIMIT_READS_PER_MINUTE", "-1"),
        ("RATE_LIMIT_AUTH_PER_MINUTE", "10001"),
        ("NETWORK_REGISTRATIONS_PER_HOUR", "many"),
        ("NETWORK_REGISTRATIONS_PER_HOUR", "10001"),
    ] {
        let error = config_with(&[(name, value)]).unwrap_err();
        assert!(error.to_string().starts_with(name), "{name}={value}: {error}");
    }
}

#[test]
fn origins_are_separated_by_commas() {
    let config = config_with(&[("CORS_ALLOW_ORIGINS", "https://example.com, http://127.0.0.1:8080,")]);
    assert_eq!(config.unwrap().cors_allow_origins, ["https://example.com", "http://127.0.0.1:8080"]);
    let any_port = config_with(&[("CORS_ALLOW_ORIGINS", "http://localhost:*,http://[::1]:*")]).unwrap();
    assert_eq!(any_port.cors_allow_origins, ["http://localhost:*", "http://[::1]:*"]);
    for none in ["https://example.com:*", "http://*", "*"] {
        assert_eq!(config_with(&[("CORS_ALLOW_ORIGINS", none)]).unwrap_err().name, "CORS_ALLOW_ORIGINS");
    }
}

#[test]
fn a_password_of_the_admin_is_nothing_without_the_address() {
    let alone = config_with(&[("ADMIN_EMAIL", "a@example.com")]).unwrap().admin.unwrap();
    assert!(alone.password.is_none(), "where nobody signs in, the address suffices");
    assert_eq!(config_with(&[("ADMIN_EMAIL_PASSWORD", "secret")]).unwrap_err().name, "ADMIN_EMAIL");
    let both = config_with(&[("ADMIN_EMAIL", "A@Example.com"), ("ADMIN_EMAIL_PASSWORD", "secret")]).unwrap();
    assert_eq!(both.admin.unwrap().email.as_str(), "a@example.com");
    let bad = config_with(&[("ADMIN_EMAIL", "nobody"), ("ADMIN_EMAIL_PASSWORD", "secret")]);
    assert_eq!(bad.unwrap_err().name, "ADMIN_EMAIL");
}

#[test]
fn the_upstash_settings_are_understood() {
    let config = config_with(&[
        ("REDIS_URL", ""),
        ("UPSTASH_REDIS_URL", "rediss://default@eu1.upstash.example:6379"),
        ("UPSTASH_REDIS_PASSWORD", "s3cret"),
    ])
    .unwrap();
    assert_eq!(config.redis.url(), "rediss://default:s3cret@eu1.upstash.example:6379");
}

const AUTHORITIES: &str = include_str!("../../stores/src/dynamodb/amazon_roots.pem");
const BY_TLS: (&str, &str) = ("REDIS_URL", "rediss://redis.example.com:6379");

/// What is thought of a file with that in it.
fn with_authorities(content: &[u8]) -> Result<Config, ConfigError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    config_with(&[BY_TLS, ("REDIS_CA_FILE", file.path().to_str().unwrap())])
}

#[test]
fn the_authorities_that_redis_is_trusted_by_come_from_a_file() {
    assert_eq!(config_with(&[BY_TLS]).unwrap().redis.authorities, None);
    let config = with_authorities(AUTHORITIES.as_bytes()).unwrap();
    assert_eq!(config.redis.authorities.unwrap(), AUTHORITIES);
    let with_a_note = [b"The authority of M\xfcller & Co.\n", AUTHORITIES.as_bytes()].concat();
    assert!(with_authorities(&with_a_note).is_ok());
}

#[test]
fn a_file_without_authorities_is_refused() {
    let broken = AUTHORITIES.replace("MII", "IIM");
    let cut_off = &AUTHORITIES[..AUTHORITIES.len() - 100];
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for content in ["", "\n", "no certificate", key, &broken, cut_off] {
        let error = with_authorities(content.as_bytes()).unwrap_err().to_string();
        let has_both = error.starts_with("REDIS_CA_FILE names ")
            && error.ends_with(", which must be certificates in PEM");
        assert!(has_both, "{content}: {error}");
    }
    let missing = config_with(&[BY_TLS, ("REDIS_CA_FILE", "/no/such.pem")]).unwrap_err().to_string();
    assert!(missing.starts_with("REDIS_CA_FILE names /no/such.pem, which can't be read: "), "{missing}");
}

#[test]
fn authorities_are_of_no_use_without_tls() {
    let file =
        ("REDIS_CA_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/../stores/src/dynamodb/amazon_roots.pem"));
    let plain = config_with(&[file]).unwrap_err();
    assert_eq!(plain.to_string(), "REDIS_CA_FILE is set, though REDIS_URL is no rediss:// URL");
    let upstash = ("UPSTASH_REDIS_URL", "redis://eu1.upstash.example:6379");
    let plain = config_with(&[("REDIS_URL", ""), upstash, file]).unwrap_err();
    assert_eq!(plain.to_string(), "REDIS_CA_FILE is set, though UPSTASH_REDIS_URL is no rediss:// URL");
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let shown = format!("{:?}", config_with(&[("REDIS_URL", "redis://:hunter2@127.0.0.1")]).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("0123456789abcdef"), "{shown}");
}

/// What is asked for with these settings.
fn asked_with(changes: &[(&str, &str)]) -> BTreeSet<&'static str> {
    let asked = RefCell::new(BTreeSet::new());
    let config = Config::from_lookup(|name| {
        asked.borrow_mut().insert(name);
        let set = changes.iter().chain(COMPLETE).find(|(known, _)| *known == name)?;
        Some(set.1.to_owned())
    });
    config.unwrap();
    asked.into_inner()
}

/// What is asked for by what tells people.
fn asked_of_mail() -> BTreeSet<&'static str> {
    let asked = RefCell::new(BTreeSet::new());
    let config = MailConfig::from_lookup(|name| {
        asked.borrow_mut().insert(name);
        let set = [
            ("MAIL_URL", "ses:"),
            ("MAIL_FROM", "a@example.com"),
            ("DELIVERIES_TABLE", "deliveries"),
            ("PUBLIC_URL", "https://tickets.example.com"),
        ];
        set.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    });
    assert!(config.unwrap().is_some());
    asked.into_inner()
}

#[test]
fn the_table_has_every_setting_that_is_read_once_and_no_other() {
    let upstash =
        [("REDIS_URL", ""), ("UPSTASH_REDIS_URL", "redis://127.0.0.1"), ("UPSTASH_REDIS_PASSWORD", "secret")];
    let mut asked: Vec<_> = asked_with(&[]).union(&asked_with(&upstash)).copied().collect();
    // The AWS SDK's own stand in its documents.
    asked.retain(|name| !["AWS_REGION", "AWS_ENDPOINT_URL"].contains(name));
    asked.extend(asked_of_mail());
    asked.sort_unstable();
    asked.dedup();
    let mut explained: Vec<_> = rows().into_iter().flat_map(|row| row.names).collect();
    explained.sort();
    assert_eq!(asked, explained);
}

#[test]
fn what_the_table_calls_required_is_and_nothing_else() {
    let rows = rows().into_iter().filter(|row| row.if_unset == IfUnset::Required);
    let mut required: Vec<_> = rows.flat_map(|row| row.names).collect();
    for name in &required {
        assert_eq!(config_with(&[(name, "")]).unwrap_err().to_string(), format!("{name} is not set"));
    }
    let mut complete: Vec<_> = COMPLETE.iter().map(|(name, _)| *name).collect();
    required.sort();
    complete.sort_unstable();
    assert_eq!(required, complete, "these suffice");
}

#[test]
fn a_value_of_the_table_says_what_counts_without_it() {
    let unset = format!("{:?}", config_with(&[]).unwrap());
    let mut values = 0;
    for row in rows() {
        if let (IfUnset::Value(value), [name]) = (&row.if_unset, &row.names[..]) {
            assert_eq!(format!("{:?}", config_with(&[(name, value)]).unwrap()), unset, "{name}={value}");
            values += 1;
        }
    }
    assert!(values >= 5);
}
