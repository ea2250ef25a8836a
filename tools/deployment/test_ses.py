"""Mails by Amazon SES: the local server sends them to Moto, and what arrives there is read as a mail program would.

Moto takes all that a sender whom it knows sends: where SES is to refuse something, a server in front of Moto does.
"""

import base64
import email
import itertools
import json
import os
import re
import socket
import subprocess
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from email.policy import default
from email.utils import parseaddr
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import boto3
import pytest
import requests
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

import aws
from commands import REPOSITORY

SENDER = "tickets@example.com"
SENDER_NAME = "Kasse der Größenwahn-Bühne"
EVENING = "Fidelio, für Köche & Ärztinnen — mit Überlänge"
# With all that a header, a line or HTML could take for something else.
NAME = 'Žofie "Zoe" Ångström, <Dr.> 山田'
# Starting takes a second; a run of what is due comes every minute.
PATIENCE = 30
UNTIL_A_RUN = 150
# A mail that was refused for good so often is refused once more, and given up.
TRIES_BEFORE_THE_LAST = 4
LATER = [(429, "TooManyRequestsException", "Maximum sending rate exceeded."), (500, "InternalFailure", "Try again.")]
NEVER = [(400, "MessageRejected", f"Email address is not verified: {SENDER}")]


@pytest.fixture(scope="session")
def program():
    """The local server, which `make test-deployment` builds."""
    path = REPOSITORY / os.environ.get("LOCAL_SERVER", "")
    if not path.is_file():
        pytest.fail("LOCAL_SERVER must name the program of the local server: `make test-deployment` builds it", pytrace=False)
    return path


@pytest.fixture
def ses(empty_cloud):
    """SES, which knows the sender: it takes a mail from nobody else."""
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER.split("@")[1])
    return empty_cloud["AWS_ENDPOINT_URL"]


@pytest.fixture
def moody(ses):
    """A server in front of SES, which refuses what is for those whom it should, and keeps who asked for what."""

    class Front(BaseHTTPRequestHandler):
        # The SDK keeps its connections.
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            mail = read(base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"]))
            (to,) = mail["To"].addresses
            server.asked.append((to.addr_spec, mail["Message-ID"]))
            refusals = server.refused.get(to.addr_spec)
            if refusals:
                status, code, message = next(refusals)
                self.answer(status, json.dumps({"message": message}).encode(), {"x-amzn-ErrorType": code})
            else:
                taken = requests.post(ses + self.path, data=body, headers=dict(self.headers), timeout=PATIENCE)
                self.answer(taken.status_code, taken.content, {})

        def answer(self, status, body, headers):
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.refused, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Service:
    """A local server and its admin."""

    def __init__(self, url, log):
        self.url, self.log, self.admin = url, log, None

    def call(self, method, path, token=None, **of):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= of.pop("headers", {})
        answer = requests.request(method, self.url + path, headers=headers, timeout=PATIENCE, **of)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def signed_in(self, path, **person):
        return self.call("POST", path, json=person)["access_token"]

    def evening(self):
        start = datetime.now(timezone.utc) + timedelta(days=30)
        fields = {
            "name": EVENING,
            "starts_at": start.isoformat(),
            "time_zone": "Europe/Berlin",
            "capacity": 20,
            "base_price": 4500,
            "currency": "EUR",
            "status": "published",
        }
        return self.call("POST", "/admin/events", self.admin, json=fields)["id"]

    def book(self, event, token):
        """Gives the booking's id."""
        key = {"Idempotency-Key": str(uuid4())}
        held = self.call("POST", f"/events/{event}/book", token, headers=key, json={"quantity": 2})["reservation"]["id"]
        self.call("POST", f"/reservations/{held}/confirm", token)
        return held

    def deliveries(self, booking=None):
        """What became of messages, by type."""
        listed = self.call("GET", "/admin/deliveries", self.admin, params={"limit": 100})["items"]
        return {one["type"]: one for one in listed if booking in (None, one["booking_id"])}

    def store(self):
        """A client of the store that it says it has embedded."""
        (address,) = re.findall(r"DynamoDB +embedded, (http://127\.0\.0\.1:\d+)$", self.log.read_text(), re.MULTILINE)
        return boto3.client("dynamodb", endpoint_url=address)


@pytest.fixture
def start(program, empty_cloud, tmp_path):
    """Starts a local server that takes the given address for SES."""
    started = []

    def run(endpoint):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "REDIS_SERVER") if name in os.environ}
        # Nothing else of whoever runs this: neither settings, nor a proxy. All of AWS is at Moto, so that a store that is not the
        # embedded one would be seen there. The SDK asks as often as it does by itself.
        found_by = {name: value for name, value in empty_cloud.items() if name != "AWS_MAX_ATTEMPTS"}
        environment = {
            **kept,
            **found_by,
            "AWS_REGION": aws.REGION,
            "AWS_ENDPOINT_URL_SESV2": endpoint,
            "MAIL_URL": "ses:",
            "MAIL_FROM": f"{SENDER_NAME} <{SENDER}>",
            "PORT": str(port),
            "DATA_DIR": str(tmp_path / "evently"),
            # Whoever waits asks often.
            "RATE_LIMIT_READS_PER_MINUTE": "0",
            "RATE_LIMIT_WRITES_PER_MINUTE": "0",
        }
        log = tmp_path / "log"
        with log.open("w") as output:
            process = subprocess.Popen([program], env=environment, cwd=REPOSITORY, stdout=output, stderr=output)
        started.append(process)
        service = Service(f"http://127.0.0.1:{port}", log)

        def answers():
            assert process.poll() is None, log.read_text()
            try:
                return requests.get(f"{service.url}/health", timeout=PATIENCE).ok
            except requests.ConnectionError:
                return False

        wait("the server", answers)
        service.admin = service.signed_in("/login", email="admin@example.com", password="evently-admin")
        return service

    yield run
    for process in started:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(what, has_come, patience=PATIENCE):
    """Gives what came."""
    until = time.monotonic() + patience
    while not (come := has_come()):
        assert time.monotonic() < until, f"{what} did not come within {patience} s"
        time.sleep(0.1)
    return come


def read(raw):
    return email.message_from_bytes(raw, policy=default)


def sent():
    """What Moto took: what it keeps of each mail, and the mail."""
    return [(kept, read(kept.raw_data.encode())) for kept in ses_backends[DEFAULT_ACCOUNT_ID][aws.REGION].sent_messages]


def of_message(message_id):
    """The one mail of a message."""
    (found,) = [(kept, mail) for kept, mail in sent() if mail["Message-ID"] == f"<{message_id}@example.com>"]
    return found


def unfolded(calendar):
    return calendar.replace("\r\n", "\n").replace("\n ", "").splitlines()


def test_a_mail_by_ses_is_whole_and_comes_once(start, ses):
    service = start(ses)
    event = service.evening()
    person = service.signed_in("/register", email="zoe@bücher.example", password="a pass phrase of hers", name=NAME)
    booking = service.book(event, person)

    def is_told(kind):
        return wait(kind, lambda: (one := service.deliveries().get(kind)) and one["status"] == "delivered" and one)

    # A mail says what is true when it goes: only then is the booking cancelled.
    confirmed = is_told("booking.confirmed")
    service.call("POST", f"/bookings/{booking}/cancel", person)
    cancelled = is_told("booking.cancelled")
    verify = is_told("account.verify")

    for told, subject, status in [
        (confirmed, f"Booked: {EVENING}", "CONFIRMED"),
        (cancelled, f"Cancelled: {EVENING}", "CANCELLED"),
    ]:
        kept, mail = of_message(told["message_id"])
        assert (told["tries"], told["answer"]) == (1, kept.id), "its answer is the id by which SES knows the mail"
        # Nothing beside the mail says who it is from and for: SES goes by its headers.
        assert kept.source == SENDER
        assert [parseaddr(to)[1] for to in kept.destinations] == ["zoe@xn--bcher-kva.example"]
        (to,), (sender,) = mail["To"].addresses, mail["From"].addresses
        assert (to.display_name, to.addr_spec) == (NAME, "zoe@xn--bcher-kva.example")
        assert (sender.display_name, sender.addr_spec) == (SENDER_NAME, SENDER)
        assert mail["Subject"] == subject
        assert mail["Auto-Submitted"] == "auto-generated"
        assert abs(mail["Date"].datetime - datetime.now(timezone.utc)) < timedelta(minutes=5)
        # What any server on the way takes (RFC 5321, section 4.5.3.1.6; RFC 2045, section 2.7).
        assert kept.raw_data.isascii() and max(map(len, kept.raw_data.split("\r\n"))) <= 998
        assert not any(part.defects for part in mail.walk())

        text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
        link = f"{service.url}/shop/bookings/{booking}"
        assert text.startswith(f"Hello {NAME},") and EVENING in text and link in text
        assert f"Hello {escape(NAME)}," in html and escape(EVENING) in html and f'href="{link}"' in html

        (calendar,) = mail.iter_attachments()
        kind = calendar["Content-Type"]
        assert (kind.content_type, kind.params["method"]) == ("text/calendar", "PUBLISH")
        assert calendar.get_filename() == "booking.ics"
        lines = unfolded(calendar.get_content())
        summary = f"SUMMARY:{EVENING}".replace(",", "\\,")
        for line in (f"UID:{booking}@example.com", f"STATUS:{status}", f"ORGANIZER:mailto:{SENDER}", summary):
            assert line in lines

    ids = Counter(mail["Message-ID"] for _, mail in sent())
    expected = [f"<{told['message_id']}@example.com>" for told in (verify, confirmed, cancelled)]
    assert ids == Counter(expected), "each once, and no others"
    # Whatever AWS_… says, the stores are the server's own.
    assert service.store().list_tables()["TableNames"]
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []


def test_what_ses_refuses_for_now_comes_later_and_what_it_refuses_for_good_is_given_up_and_can_be_told_again(start, moody):
    service = start(moody.url)
    event = service.evening()
    later, never = "later@example.com", "never@example.com"
    moody.refused = {later: itertools.cycle(LATER), never: itertools.cycle(NEVER)}
    tokens = {to: service.signed_in("/register", email=to, password="a pass phrase of theirs") for to in (later, never)}
    bookings = {to: service.book(event, token) for to, token in tokens.items()}

    def told(to, status, patience=PATIENCE):
        def has_come():
            one = service.deliveries(bookings[to]).get("booking.confirmed")
            return one and one["status"] == status and one

        return wait(f"{status} of {to}", has_come, patience)

    def asked(to, one):
        return moody.asked.count((to, f"<{one['message_id']}@example.com>"))

    delayed, refused = told(later, "failed"), told(never, "failed")
    # The admin is told why, and no address.
    assert "TooManyRequestsException" in delayed["answer"] or "InternalFailure" in delayed["answer"], delayed
    assert "MessageRejected" in refused["answer"] and "@" not in refused["answer"], refused
    for one in (delayed, refused):
        waits = datetime.fromisoformat(one["next_try_at"]) - datetime.fromisoformat(one["tried_at"])
        assert timedelta(seconds=5) <= waits < timedelta(seconds=6)
    # The SDK asks again at once where that may help.
    assert asked(later, delayed) > 1 and asked(never, refused) == 1
    assert not sent()

    # The tries between would take two and a half hours: the next one is the last.
    last_is_next(service, refused)
    del moody.refused[later]
    delayed = told(later, "delivered", UNTIL_A_RUN)
    kept, _ = of_message(delayed["message_id"])
    assert delayed["tries"] > 1 and delayed["answer"] == kept.id
    refused = told(never, "dead", UNTIL_A_RUN)
    assert (refused["tries"], refused["next_try_at"]) == (TRIES_BEFORE_THE_LAST + 1, None)
    assert "MessageRejected" in refused["answer"]

    # Somebody has made the identity.
    del moody.refused[never]
    service.call("POST", f"/admin/deliveries/{refused['id']}/replay", service.admin)
    refused = told(never, "delivered")
    kept, _ = of_message(refused["message_id"])
    assert (refused["tries"], refused["answer"]) == (1, kept.id)
    for to in (later, never):
        ids = {message_id for asked_for, message_id in moody.asked if asked_for == to}
        assert len(ids) == 2, "one of the booking and one of the account, however often they were tried"


def last_is_next(service, one):
    """Writes into the store that a delivery was tried as often as may be but once, and is due."""
    service.store().update_item(
        TableName="evently-deliveries",
        Key={"message_id": {"S": one["message_id"]}, "recipient": {"S": one["user_id"]}},
        UpdateExpression="SET tries = :tries, due_at = :now",
        ConditionExpression="tries < :tries",
        ExpressionAttributeValues={
            ":tries": {"N": str(TRIES_BEFORE_THE_LAST)},
            ":now": {"N": str(int(time.time() * 1_000))},
        },
    )
