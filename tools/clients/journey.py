"""The journey of a buyer and of an organiser, through a client that openapi-python-client made from the API document."""

import os
from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

from evently_client import AuthenticatedClient, Client
from evently_client.api.accounts import erase_me, register_account, sign_in, update_me
from evently_client.api.admin import (
    create_event,
    get_analytics,
    get_inventory,
    get_timeline,
    list_audit_entries,
    list_capacity_utilization,
    list_event_bookings,
    list_prices,
    update_event,
)
from evently_client.api.booking import (
    cancel_booking,
    confirm_reservation,
    get_reservation,
    hold_seats,
    list_bookings,
    list_reservations,
    release_reservation,
)
from evently_client.api.events import get_event, list_events, list_popular_events
from evently_client.models import (
    AccountPatch,
    BookingStatus,
    BookRequest,
    Bucket,
    Credentials,
    Erasure,
    Event,
    EventInput,
    EventPatch,
    EventStatus,
    HoldSeatsConflict,
    PricingInput,
    Registration,
    ReservationStatus,
    StaleVersionProblem,
)

API = os.environ["API"]
anybody = Client(base_url=API)


def signed_in(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=API, token=token)


def told(answer, status: int = 200):
    """What was answered with that status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.content!r}"
    return answer.parsed


def organise() -> tuple[AuthenticatedClient, Event]:
    admin = Credentials(email="admin@example.com", password="evently-admin")
    organiser = signed_in(told(sign_in.sync_detailed(client=anybody, body=admin)).access_token)
    evening = EventInput(
        name="Generated Evening",
        starts_at=datetime.now(timezone.utc) + timedelta(days=30),
        capacity=20,
        base_price=4500,
        currency="EUR",
        status=EventStatus.DRAFT,
        pricing=PricingInput(),
    )
    key = str(uuid4())
    draft = told(create_event.sync_detailed(client=organiser, body=evening, idempotency_key=key), 201)
    assert draft.pricing.max_percent == 150, "what is always sent is there"
    publish = EventPatch(status=EventStatus.PUBLISHED, venue="Opera")
    seen = f'"{draft.version}"'
    event = told(update_event.sync_detailed(draft.id, client=organiser, body=publish, if_match=seen))
    stale = told(update_event.sync_detailed(draft.id, client=organiser, body=publish, if_match=seen), 412)
    assert isinstance(stale, StaleVersionProblem) and stale.current_version == event.version
    return organiser, event


def buy(event: Event) -> None:
    person = Registration(email=f"generated-{uuid4()}@example.com", password="a generated pass phrase", name="Ada")
    buyer = signed_in(told(register_account.sync_detailed(client=anybody, body=person), 201).access_token)
    listed = told(list_events.sync_detailed(client=anybody, q="generated evening", limit=100))
    assert event.id in [item.id for item in listed.items]
    told(list_popular_events.sync_detailed(client=anybody))
    assert told(get_event.sync_detailed(event.id, client=anybody)).available == 20

    def book(quantity: int, status: int = 201):
        request, key = BookRequest(quantity=quantity), str(uuid4())
        return told(hold_seats.sync_detailed(event.id, client=buyer, body=request, idempotency_key=key), status)

    held = book(2).reservation
    refused = book(9, 409)
    assert isinstance(refused, HoldSeatsConflict) and refused.left == 8
    looked = told(get_reservation.sync_detailed(held.id, client=buyer)).reservation
    assert looked.status == ReservationStatus.HELD
    assert len(told(list_reservations.sync_detailed(client=buyer)).items) == 1
    booking = told(confirm_reservation.sync_detailed(held.id, client=buyer), 201).booking
    assert (booking.total, booking.event.venue) == (9000, "Opera")
    bought = told(list_bookings.sync_detailed(client=buyer, status=BookingStatus.CONFIRMED))
    assert [item.id for item in bought.items] == [booking.id]
    cancelled = told(cancel_booking.sync_detailed(booking.id, client=buyer)).booking
    assert cancelled.status == BookingStatus.CANCELLED
    told(release_reservation.sync_detailed(book(1).reservation.id, client=buyer), 204)
    assert told(update_me.sync_detailed(client=buyer, body=AccountPatch(name=None))).user.name is None
    told(erase_me.sync_detailed(client=buyer, body=Erasure(password=person.password)), 204)


def look(organiser: AuthenticatedClient, event: Event) -> None:
    assert told(get_inventory.sync_detailed(event.id, client=organiser)).sold == 0
    bookings = told(list_event_bookings.sync_detailed(event.id, client=organiser)).items
    assert [(item.status, item.user) for item in bookings] == [(BookingStatus.CANCELLED, None)]
    timeline = told(get_timeline.sync_detailed(client=organiser, bucket=Bucket.HOUR, event_id=UUID(str(event.id))))
    assert sum(hour.bookings for hour in timeline.items) == 1
    assert told(get_analytics.sync_detailed(client=organiser)).total_bookings >= 1
    told(list_capacity_utilization.sync_detailed(client=organiser))
    assert len(told(list_prices.sync_detailed(event.id, client=organiser)).items) == 1
    audited = told(list_audit_entries.sync_detailed(client=organiser, event=str(event.id))).items
    assert [entry.action.value for entry in audited] == ["event_changed", "event_created"]


organiser, event = organise()
buy(event)
look(organiser, event)
print("The journey through the Python client ended well.")
