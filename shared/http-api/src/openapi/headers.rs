//! The headers of answers, each described once.

use serde_json::{Value, json};
use utoipa::openapi::{Header, Object, Ref, RefOr, Response, schema::Type};

/// Headers that every answer may have, but need not.
pub(super) const EVERYWHERE: [&str; 2] = ["RateLimit", "RateLimit-Policy"];

/// Headers that only some answers of a status have.
const SOMETIMES: [&str; 3] = ["Content-Disposition", "Idempotent-Replayed", "Link"];

struct Known {
    name: &'static str,
    pattern: Option<&'static str>,
    example: &'static str,
    description: &'static str,
}

const KNOWN: [Known; 13] = [
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
        name: "Content-Disposition",
        pattern: Some(
            "^attachment; filename=\"[-A-Za-z0-9]+\\.csv\"(; filename\\*=UTF-8''[-A-Za-z0-9%]+\\.csv)?$",
        ),
        example: "attachment; filename=\"bookings-open-air-2031-2031-06-12.csv\"",
        description: "Only there with CSV: what to save the file as (RFC 6266).",
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
        example: "\"1.9ae16a3b2f90404f\"",
        description: "Names what is answered, as it is encoded: for `If-None-Match`. An event's begins with its version, \
                      and is for `If-Match`, too.",
    },
    Known {
        name: "Idempotent-Replayed",
        pattern: Some("^true$"),
        example: "true",
        description: "Only there if the same request was answered before.",
    },
    Known {
        name: "Link",
        pattern: Some("^<[^<>]+>; rel=\"next\"$"),
        example: "</bookings?format=csv&cursor=eyJ0eXAiOiJjdXJzb3IifQ.e30.c2ln>; rel=\"next\"",
        description: "Where the list goes on (RFC 8288). Only there if it does.",
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

/// What the components call the `Retry-After` that is there with some codes only.
const OPTIONAL_KEY: &str = "Retry-After-if-known";
const OPTIONAL: Known = Known {
    name: "Retry-After",
    pattern: Some("^[0-9]+$"),
    example: "420",
    description: "Seconds until it is worth to try again, where that is known.",
};

/// Adds a header to what an answer has, or describes the one that is there already.
pub(super) fn describe(response: &mut Response, name: &str) {
    if matches!(response.headers.get(name), Some(RefOr::Ref(_))) {
        return;
    }
    if let Some(Known { name, .. }) = KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
        let header = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
        response.headers.insert((*name).to_owned(), header);
    }
}

/// Adds `Retry-After` to what an answer has only with some of its codes.
pub(super) fn describe_as_optional(response: &mut Response, name: &str) {
    if name.eq_ignore_ascii_case(OPTIONAL.name) {
        let header = RefOr::Ref(Ref::new(format!("#/components/headers/{OPTIONAL_KEY}")));
        response.headers.insert(OPTIONAL.name.to_owned(), header);
    } else {
        describe(response, name);
    }
}

/// The headers that answers refer to.
pub(super) fn all() -> impl Iterator<Item = (String, RefOr<Header>)> {
    let optional = (OPTIONAL_KEY.to_owned(), RefOr::T(header(&OPTIONAL, false)));
    let known = KNOWN.iter().map(|known| {
        let is_always_there = !EVERYWHERE.contains(&known.name) && !SOMETIMES.contains(&known.name);
        (known.name.to_owned(), RefOr::T(header(known, is_always_there)))
    });
    known.chain([optional])
}

fn header(known: &Known, is_always_there: bool) -> Header {
    let mut schema = Object::with_type(Type::String);
    schema.pattern = known.pattern.map(str::to_owned);
    let mut header = Header::new(schema);
    header.description = Some(known.description.to_owned());
    header.example = Some(json!(known.example));
    if is_always_there {
        // utoipa has no field for it, and writes extensions as they are.
        header.extensions = Some([("required", Value::Bool(true))].into_iter().collect());
    }
    header
}
