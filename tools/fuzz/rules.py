"""What makes a request that fits the API document's schemas still unacceptable.

JSON Schema can't say that an event must not end before it starts, or that a cursor must be one that was given. So
Schemathesis' own check of accepted data (positive_data_acceptance, off in schemathesis.toml for this reason) is
replaced by a stricter one: a request that fits may be refused, but only with a code below, and a bad field only where
a rule says more than the schema.
"""

import schemathesis
from schemathesis.core.failures import Failure

# By what the request meets, or who sends it, whatever its form.
CODES = {
    # The caller, the thing, and its state.
    "unauthorized", "invalid_credentials", "forbidden",
    "event_not_found", "reservation_not_found", "booking_not_found",
    "email_taken", "sold_out", "all_held", "not_on_sale", "event_started", "capacity_below_sold",
    "event_has_bookings", "event_cancelled", "event_not_draft",
    "already_confirmed", "confirm_under_way", "reservation_expired", "reservation_released",
    "max_per_user_reached", "held_too_long", "too_many_attempts", "password_is_a_setting",
    "account_not_found", "still_open", "cancel_closed", "network_limit", "email_not_verified", "no_mail",
    "webhook_not_found", "too_many_webhooks", "delivery_not_found", "not_replayable",
    # Three mails of a kind an hour go to an address, whatever other limits there are.
    "rate_limited",
    # A rate, an area or seats that the event does not have, or no area named of several, or seats that others have.
    "unknown_seats", "seats_taken", "not_together", "seats_in_use",
    "unknown_rate", "unknown_area", "area_required", "areas_required", "area_not_found", "area_has_bookings",
    # A problem's code that there is not.
    "not_found",
    # An opaque value that was not given by the service, or was used for something else.
    "invalid_cursor", "stale_version", "idempotency_key_reused", "token_ended",
}

# Fields with a rule that a schema can't state.
FIELDS = {
    "url": "must be at an address that may be called",
    "email": "the grammar of addresses (RFC 5321) is tighter than the format; an account moves to another than it has",
    "password": "must not be a common one, nor the address",
    "new_password": "must not be a common one, nor the address",
    "name": "must not have control characters",
    "venue": "must not have control characters",
    "description": "must not have control characters but line breaks and tabs",
    "currency": "must be one of ISO 4217's codes, and stay",
    "time_zone": "must be one of the IANA's names",
    "starts_at": "must be in the future",
    "ends_at": "must be after starts_at",
    "sales_open_at": "must be before sales close",
    "sales_close_at": "must not be after the event's end",
    "cancel_until": "must not be after starts_at",
    "pricing.max_percent": "must not be below pricing.min_percent",
    "rates": "ids must differ, names have no control characters, no place costs more than a million; no more of them than quantity",
    "areas": "ids must differ, names have no control characters; a million places together, and 64 of them in an event's life",
    "area": "only with event_id",
    "capacity": "needed without areas, and not beside them",
    "base_price": "needed without areas, and not beside them",
    "pricing": "not beside areas",
    "status": "a new event can't be cancelled",
    "quantity": "at most the event's max_per_booking, and not beside seats",
    "seats": "names of seats, each once, as long as rows and labels may be",
    "together": "not beside seats",
    "accessible": "not beside seats",
    "reason": "must not have control characters",
    "from": "must not be too long before to",
    "sold_from": "must not be too long before sold_to",
    "sold_to": "must not be before sold_from",
    "to": "must not be before from, nor too long after it",
    "starts_to": "must not be before starts_from",
    "bom": "only with CSV",
}


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """What the server is asked to call is on this machine, where nobody listens: no made-up address is anybody's."""
    is_webhook = case.operation.path.startswith("/admin/webhooks") and isinstance(case.body, dict)
    url = case.body.get("url") if is_webhook else None
    if isinstance(url, str) and url.strip().lower().startswith("http"):
        case.body["url"] = "http://127.0.0.1:9/hook"


@schemathesis.check
def refused_only_by_a_rule(ctx, response, case):
    """A request that fits the schemas is accepted, or refused by a rule that they can't state."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    if "text/html" in "".join(response.headers.get("content-type", [])):
        # A page says it in words: of a link without a good token.
        return
    problem = response.json()
    if problem.get("code") in CODES:
        return
    lists = ("rates", "areas", "seats")
    of_list = lambda field: next((name for name in lists if field.startswith(f"{name}.")), field)
    bad = {of_list(error["field"]) for error in problem.get("errors", [])}
    if not bad or not bad <= set(FIELDS):
        raise Failure(
            operation=case.operation.label,
            title="A request that fits the document is refused",
            message=f"{response.status_code} {problem}",
        )
