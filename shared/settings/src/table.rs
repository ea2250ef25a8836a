//! The service's settings as people are told of them. `docs/settings.md` is written from this; functions know nothing of it.

use domain::reservation::HOLD_TTL_SECONDS_MAX;

use crate::{
    HOLD_TTL_SECONDS_DEFAULT, JWT_SECRET_BYTES_MIN, RATE_LIMIT_MAX, REDIS_CLUSTER_DEFAULT,
    REQUIRE_VERIFIED_EMAIL_DEFAULT, RateLimits,
    mail::{MAIL_PER_SECOND_DEFAULT, MAIL_PER_SECOND_MAX},
    table::IfUnset::{Nothing, Required, Value, Words},
};

/// Settings that are explained together.
#[derive(Clone, Debug)]
pub struct Row {
    /// The variables.
    pub names: Vec<String>,
    /// What counts where they are not set.
    pub if_unset: IfUnset,
    /// Which programs read them.
    pub read_by: &'static str,
    /// What they are for, in Markdown.
    pub meaning: String,
}

/// What counts where a setting is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfUnset {
    /// Nothing works without it, but with `make run`.
    Required,
    /// Nothing.
    Nothing,
    /// This value.
    Value(String),
    /// What these words say.
    Words(&'static str),
}

/// Whatever runs the service.
pub const ALL: &str = "all";
/// What can have a file of one's own beside it.
pub const SERVERS: &str = "container, `make run`";
/// What tells people.
pub const TELLERS: &str = "`notifications`, container, `make run`";

/// All settings that [`Config`](crate::Config) reads.
pub fn rows() -> Vec<Row> {
    let RateLimits { writes_per_minute, reads_per_minute, auth_per_minute, registrations_per_hour } =
        RateLimits::DEFAULT;
    let limit = |what: &str| format!("{what}; 0 for any number, at most {RATE_LIMIT_MAX}");
    vec![
        row(
            &["USERS_TABLE", "EVENTS_TABLE", "INVENTORY_TABLE", "BOOKINGS_TABLE"],
            Required,
            "Names of the DynamoDB tables",
        ),
        row(
            &["AUDIT_TABLE"],
            Nothing,
            "Name of the DynamoDB table that keeps what admins did. Without, they can do the same, and only the log tells of it; \
             `admin` alone uses it",
        ),
        row(
            &["AWS_ENDPOINT_URL_DYNAMODB"],
            Words("AWS's own"),
            "Another DynamoDB endpoint; `make run` then embeds none",
        ),
        row(&["REDIS_URL"], Required, "`redis://…` or `rediss://…`; `make run` then starts none"),
        row(&["UPSTASH_REDIS_URL", "UPSTASH_REDIS_PASSWORD"], Nothing, "Understood instead of `REDIS_URL`"),
        row(&["REDIS_CLUSTER"], value(REDIS_CLUSTER_DEFAULT), "`true` for cluster mode"),
        Row {
            read_by: SERVERS,
            ..row(
                &["REDIS_CA_FILE"],
                Nothing,
                "Path of a PEM file with the authorities that a `rediss://…` server is trusted by instead of the public ones, \
                 which are compiled in; refused beside `redis://…`. A function has no such file",
            )
        },
        row(
            &["JWT_SECRET"],
            Required,
            format!("Signs tokens (HS256); at least {JWT_SECRET_BYTES_MIN} bytes"),
        ),
        row(
            &["JWT_SECRET_PREVIOUS"],
            Nothing,
            "Still accepted for verifying, so that the secret can be rotated",
        ),
        row(
            &["ADMIN_EMAIL", "ADMIN_EMAIL_PASSWORD"],
            Nothing,
            "This account signs in as admin; both or none. The password has at least 12 characters and is no common one. \
             `make run` has an admin of its own. Functions with admin routes get the address alone, to tell whose tokens are an \
             admin's",
        ),
        row(
            &["RESERVATION_TTL_SECONDS"],
            value(HOLD_TTL_SECONDS_DEFAULT),
            format!("Life of a hold, 1 to {HOLD_TTL_SECONDS_MAX}"),
        ),
        row(
            &["RATE_LIMIT_WRITES_PER_MINUTE"],
            value(writes_per_minute),
            limit(
                "Requests of a client that book or change, and as many again that confirm, release or cancel",
            ),
        ),
        row(
            &["RATE_LIMIT_READS_PER_MINUTE"],
            value(reads_per_minute),
            limit("Requests of a client that read"),
        ),
        row(
            &["RATE_LIMIT_AUTH_PER_MINUTE"],
            value(auth_per_minute),
            limit("Sign-ins, registrations, changes of password and erasures from an address"),
        ),
        row(
            &["NETWORK_PLACES_MAX"],
            Words("100, or 2 % of the capacity if that is more"),
            "Places of one event that one network may hold or have bought within the hour: an IPv4 address, or the /64 of an \
             IPv6 one; its /48 ten times as many. 0 for any number",
        ),
        row(
            &["NETWORK_REGISTRATIONS_PER_HOUR"],
            value(registrations_per_hour),
            limit(
                "Accounts made from one network, an IPv4 address or the /64 of an IPv6 address, and ten times as many from its \
                 /48",
            ),
        ),
        row(
            &["CORS_ALLOW_ORIGINS"],
            Nothing,
            "Origins, with commas between, whose web pages may call the API from a browser; `http://localhost:*` for any port \
             of one's own machine, which `make run` allows unless this is set",
        ),
        Row {
            read_by: TELLERS,
            ..row(
                &["MAIL_URL"],
                Nothing,
                "Where mails go: `smtp://user:password@host:port` (with STARTTLS; `?tls=none` for none of it), `smtps://…` (TLS from \
                 the first byte), `ses:` (Amazon SES in the function's region), or `file:/a/folder`, a file each. Without, nobody is \
                 told anything. `make run` writes them to `mail` in its data folder",
            )
        },
        Row {
            read_by: "`web`, `notifications`, container, `make run`",
            ..row(
                &["MAIL_FROM"],
                Words("required with `MAIL_URL`"),
                "The sender, like `Evently <tickets@example.com>`; `make run` has one that nobody can answer",
            )
        },
        Row {
            read_by: TELLERS,
            ..row(
                &["MAIL_PER_SECOND"],
                value(MAIL_PER_SECOND_DEFAULT),
                format!(
                    "Mails that go out in a second at most, all processes together; 0 for any number, at most {MAIL_PER_SECOND_MAX}"
                ),
            )
        },
        Row {
            read_by: TELLERS,
            ..row(
                &["PUBLIC_URL"],
                Words("required with `MAIL_URL`"),
                "Where people find the pages, like `https://tickets.example.com`: mails link there; `make run` has its own address",
            )
        },
        Row {
            read_by: "`auth`, `web`, `admin`, `notifications`, container, `make run`",
            ..row(
                &["DELIVERIES_TABLE"],
                Words("required with `MAIL_URL` or `WEBHOOKS_TABLE`"),
                "Name of the DynamoDB table of who was told what, and who is to be. Without, nobody gets mails about an account",
            )
        },
        Row {
            read_by: "`admin`, `web`, `notifications`, container, `make run`",
            ..row(
                &["WEBHOOKS_TABLE"],
                Nothing,
                "Name of the DynamoDB table of the endpoints that webhooks go to. Without, there are none",
            )
        },
        Row {
            read_by: "`auth`, `reservations`, `web`, container, `make run`",
            ..row(
                &["REQUIRE_VERIFIED_EMAIL"],
                value(REQUIRE_VERIFIED_EMAIL_DEFAULT),
                "`true`: only those book who followed the link in a mail to their address, and registering tells nobody but that \
                 mail whether an address has an account. Only with `MAIL_URL`",
            )
        },
    ]
}

/// A row of the table of what everything reads.
pub fn row(names: &[&str], if_unset: IfUnset, meaning: impl Into<String>) -> Row {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    Row { names, if_unset, read_by: ALL, meaning: meaning.into() }
}

fn value(default: impl ToString) -> IfUnset {
    Value(default.to_string())
}

/// These rows as a table in Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut table = "| Name | Default | Read by | Meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for Row { names, if_unset, read_by, meaning } in rows {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let default = match if_unset {
            Required => "required".to_owned(),
            Nothing => "none".to_owned(),
            Value(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => number.clone(),
            Value(text) => format!("`{text}`"),
            Words(words) => (*words).to_owned(),
        };
        table += &format!("| {} | {default} | {read_by} | {meaning} |\n", names.join(", "));
    }
    table
}
