//! The headers of answers, each described once.

use serde_json::{Value, json};
use utoipa::openapi::{Header, Object, Ref, RefOr, Response, schema::Type};

/// Headers that every answer may have, but need not.
pub(super) const EVERYWHERE: [&str; 2] = ["RateLimit", "RateLimit-Policy"];

struct Known {
    name: &'static str,
    pattern: Option<&'static str>,
    example: &'static str,
    description: &'static str,
}

const KNOWN: [Known; 11] = [
    Known {
        name: "Accept-Patch",
        pattern: Some("^application/merge-patch\\+json$"),
        example: "application/merge-patch+json",
        description: "The media types that a patch may have (RFC 5789).",
    },
    Known {
        name: "Allow",
        pattern: Some("^[A-Z]+(, [A-Z]+)*$"),
        example: "GET, HEAD",
        description: "The methods that this path has.",
    },
    Known {
        name: "Cache-Control",
        pattern: Some("^(no-store|public, max-age=[0-9]+, stale-while-revalidate=[0-9]+)$"),
        example: "no-store",
        description: "How long anybody may keep the answer; `no-store` for a personal one.",
    },
    Known {
        name: "Content-Security-Policy",
        pattern: Some("^default-src 'none'"),
        example: "default-src 'none'",
        description: "What a browser may load for the page: nothing from elsewhere.",
    },
    Known {
        name: "ETag",
        pattern: Some("^(W/)?\"[!-~]*\"$"),
        example: "\"1\"",
        description: "Names what is answered: for `If-None-Match`; an event's for `If-Match`, too.",
    },
    Known {
        name: "Idempotent-Replayed",
        pattern: Some("^true$"),
        example: "true",
        description: "Only there if the same request was answered before.",
    },
    Known {
        name: "Location",
        pattern: Some("^/"),
        example: "/bookings/019ae3c1-8f5b-7a0e-9c52-6d1f0a7b3e48",
        description: "Where to find it.",
    },
    Known {
        name: "RateLimit",
        pattern: None,
        example: "\"reads\";r=119;t=60",
        description: "What is left of the limit (draft-ietf-httpapi-ratelimit-headers).",
    },
    Known {
        name: "RateLimit-Policy",
        pattern: None,
        example: "\"reads\";q=120;w=60",
        description: "The limit that this request counts for (draft-ietf-httpapi-ratelimit-headers).",
    },
    Known {
        name: "Retry-After",
        pattern: Some("^[0-9]+$"),
        example: "1",
        description: "Seconds to wait before the same request is sent again.",
    },
    Known {
        name: "WWW-Authenticate",
        pattern: Some("^Bearer"),
        example: "Bearer error=\"invalid_token\"",
        description: "How to sign in, and what is wrong with the token (RFC 6750).",
    },
];

/// Adds a header to what an answer has, or describes the one that is there already.
pub(super) fn describe(response: &mut Response, name: &str) {
    if let Some(Known { name, .. }) = KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
        let header = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
        response.headers.insert((*name).to_owned(), header);
    }
}

/// The headers that answers refer to.
pub(super) fn all() -> impl Iterator<Item = (String, RefOr<Header>)> {
    KNOWN.iter().map(|known| (known.name.to_owned(), RefOr::T(header(known))))
}

fn header(known: &Known) -> Header {
    let mut schema = Object::with_type(Type::String);
    schema.pattern = known.pattern.map(str::to_owned);
    let mut header = Header::new(schema);
    header.description = Some(known.description.to_owned());
    header.example = Some(json!(known.example));
    let is_always_there = !EVERYWHERE.contains(&known.name) && known.name != "Idempotent-Replayed";
    if is_always_there {
        // utoipa has no field for it, and writes extensions as they are.
        header.extensions = Some([("required", Value::Bool(true))].into_iter().collect());
    }
    header
}
