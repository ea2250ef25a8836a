"""The receivers of docs/webhooks.md as they stand there, told by a local server.

Each verifies with the foreign library that it names. The argument is the folder of npm's packages. What the libraries take and refuse is also asked of them directly.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import httpx
from standardwebhooks import Webhook, WebhookVerificationError

PAGE = (Path(__file__).resolve().parents[2] / "docs/webhooks.md").read_text()
# A secret that was changed signs after 5 s at most.
SIGNS_AFTER = 5
PATIENCE = 30
ANOTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
# Says of each case whether the library takes it.
JUDGE = """
import { text } from "node:stream/consumers";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
const takes = ({ secret, body, headers }) => {
  try {
    return new Webhook(secret).verify(body, headers) !== undefined;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
};
console.log(JSON.stringify(JSON.parse(await text(process.stdin)).map(takes)));
"""

http = httpx.Client(base_url=os.environ["API"], trust_env=False)


def told(answer: httpx.Response):
    assert answer.is_success, f"{answer.request.url} {answer.status_code}: {answer.text}"
    return answer.json() if answer.content else None


def signed_in(route: str, **person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {told(http.post(route, json=person))['access_token']}"}


def wait(what: str, has_come: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not has_come():
        assert time.monotonic() < until, f"{what} did not come within {PATIENCE} s"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Receiver:
    """A receiver of the page, as a program of its own, and the endpoint that it is behind."""

    def __init__(self, language: str, command: list[str], folder: Path) -> None:
        (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        (folder / command[-1]).write_text(code)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.id, secret = endpoint(self.url, language)
        self.output = folder / f"{language}.out"
        with self.output.open("w") as output, (folder / f"{language}.err").open("w") as errors:
            environment = {**os.environ, "PORT": str(self.port), "SECRET": secret}
            self.program = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=errors)

    def listens(self) -> bool:
        assert self.program.poll() is None, self.output.with_suffix(".err").read_text()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def printed(self) -> list[str]:
        return self.output.read_text().splitlines()


@contextmanager
def recorder():
    """Takes all, and keeps it as it came."""
    kept: list[tuple[dict[str, str], bytes]] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, kept
    server.shutdown()


def endpoint(url: str, description: str) -> tuple[str, str]:
    made = told(http.post("/admin/webhooks", headers=admin, json={"url": url, "description": description}))
    return made["id"], made["secret"]


def in_days(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).isoformat()


def run_an_event() -> list[str]:
    """All that can happen to an event and a booking of it; gives what is to be printed of it."""
    evening = {"name": "Told Evening", "starts_at": in_days(30), "capacity": 20, "base_price": 4500, "currency": "EUR"}
    event = told(http.post("/admin/events", headers=admin, json={**evening, "status": "draft"}))

    def change(**fields: str) -> None:
        now = told(http.get(f"/admin/events/{event['id']}", headers=admin))
        headers = {"Content-Type": "application/merge-patch+json", "If-Match": f'"{now["version"]}"', **admin}
        told(http.patch(f"/admin/events/{event['id']}", headers=headers, content=json.dumps(fields)))

    change(description="Nobody is told of a draft.")
    change(status="published")
    change(venue="Opera")
    change(starts_at=in_days(31))
    key = {"Idempotency-Key": str(uuid4()), **buyer}
    held = told(http.post(f"/events/{event['id']}/book", headers=key, json={"quantity": 2}))["reservation"]["id"]
    told(http.post(f"/reservations/{held}/confirm", headers=buyer))
    told(http.post(f"/bookings/{held}/cancel", headers=buyer))
    change(status="cancelled")
    of_event = [f"event.{what} {event['id']}" for what in ("published", "updated", "rescheduled", "cancelled")]
    return [*of_event, f"booking.confirmed {held}", f"booking.cancelled {held}"]


def deliveries_of(message: str) -> dict[str, dict]:
    """What became of a message, by endpoint."""
    page = told(http.get("/admin/deliveries", headers=admin, params={"message_id": message, "limit": 100}))
    return {one["webhook_id"]: one for one in page["items"] if one["channel"] == "webhook"}


def python_takes(case: dict) -> bool:
    try:
        return Webhook(case["secret"]).verify(case["body"], case["headers"]) is not None
    except WebhookVerificationError:
        return False


def hold_the_libraries_to(cases: list[tuple[bool, dict]], folder: Path) -> None:
    """Both take what they should, and nothing else."""
    expected, asked = [taken for taken, _ in cases], [case for _, case in cases]
    assert [python_takes(case) for case in asked] == expected
    (folder / "judge.mjs").write_text(JUDGE)
    judged = subprocess.run(["node", "judge.mjs"], cwd=folder, input=json.dumps(asked), capture_output=True, text=True)
    assert judged.returncode == 0, judged.stderr
    assert json.loads(judged.stdout) == expected


def go(folder: Path, receivers: list[Receiver], port: int, kept: list[tuple[dict[str, str], bytes]]) -> None:
    recorded, first = endpoint(f"http://127.0.0.1:{port}/hook", "recorder")
    second = told(http.post(f"/admin/webhooks/{recorded}/rotate", headers=admin))["secret"]
    time.sleep(SIGNS_AFTER)
    ids = [recorded, *(one.id for one in receivers)]
    for receiver in receivers:
        wait("a receiver", receiver.listens)
    for id in ids:
        told(http.post(f"/admin/webhooks/{id}/test", headers=admin))
    wait("a ping", lambda: all(any(line.startswith("ping ") for line in one.printed()) for one in receivers))

    # Others use the server, too: of them there is more.
    expected = sorted(run_an_event())
    mine = {line.split(" ")[1] for line in expected}
    for receiver in receivers:
        of_mine = lambda: [line for line in receiver.printed() if line.split(" ")[1] in mine]
        wait("a message", lambda: len(of_mine()) >= len(expected))
        assert sorted(of_mine()) == expected

    def messages() -> dict[str, tuple[dict[str, str], bytes]]:
        return {headers["webhook-id"]: (headers, body) for headers, body in kept if body_of(body)["id"] in mine}

    wait("a record", lambda: len(messages()) >= len(expected))
    came = messages()
    assert sorted(f"{json.loads(body)['type']} {body_of(body)['id']}" for _, body in came.values()) == expected
    for message in came:
        wait("a note", lambda: all(deliveries_of(message)[id]["status"] == "delivered" for id in ids))
        sent = deliveries_of(message)
        assert all(sent[id]["tries"] == 1 for id in ids), sent

    # Again: with the same id, so that a receiver which knows it does nothing.
    message = next(id for id in came if id.startswith("booking_confirmed"))
    before = deliveries_of(message)
    for id in ids:
        told(http.post(f"/admin/deliveries/{before[id]['id']}/replay", headers=admin))
    told_again = lambda one, then: one["status"] == "delivered" and one["tried_at"] > then["tried_at"]
    wait("a replay", lambda: all(told_again(deliveries_of(message)[id], before[id]) for id in ids))
    assert Counter(headers["webhook-id"] for headers, _ in kept)[message] == 2
    for receiver in receivers:
        assert sorted(line for line in receiver.printed() if line.split(" ")[1] in mine) == expected

    # Nobody else has their secrets.
    forged, now = '{"type": "forged", "data": {"id": "forged"}}', datetime.now(timezone.utc)
    signed = {
        "webhook-id": "forged",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(ANOTHER_SECRET).sign("forged", now, forged),
    }
    assert python_takes({"secret": ANOTHER_SECRET, "headers": signed, "body": forged})
    for receiver in receivers:
        for headers in (signed, {}):
            assert http.post(receiver.url, content=forged, headers=headers).status_code == 400
        assert not any("forged" in line for line in receiver.printed())

    cases = []
    for headers, body in came.values():
        signed = {"headers": headers, "body": body.decode()}
        cases += [(True, {**signed, "secret": secret}) for secret in (first, second)]
        cases.append((False, {**signed, "secret": ANOTHER_SECRET}))
        for changed in ({"webhook-id": headers["webhook-id"] + "0"}, {"webhook-timestamp": str(int(time.time()) - 60)}):
            cases.append((False, {**signed, "headers": {**headers, **changed}, "secret": second}))
        for at in range(0, len(body), 50):
            changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            cases.append((False, {**signed, "body": changed.decode(), "secret": second}))
    hold_the_libraries_to(cases, folder)


def body_of(body: bytes) -> dict:
    return {"id": None, **json.loads(body)["data"]}


# A stop ends the receivers, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
admin = signed_in("/login", email="admin@example.com", password="evently-admin")
buyer = signed_in("/register", email=f"told-{uuid4()}@example.com", password="a well told pass phrase")
with tempfile.TemporaryDirectory() as named, recorder() as (port, kept):
    folder = Path(named)
    (folder / "node_modules").symlink_to(sys.argv[1])
    receivers = []
    try:
        receivers.append(Receiver("python", [sys.executable, "receiver.py"], folder))
        receivers.append(Receiver("js", ["node", "receiver.mjs"], folder))
        go(folder, receivers, port, kept)
        # Nobody is there any more.
        for made in told(http.get("/admin/webhooks", headers=admin))["items"]:
            told(http.delete(f"/admin/webhooks/{made['id']}", headers=admin))
    finally:
        for receiver in receivers:
            receiver.program.kill()
            receiver.program.wait()
print("Both receivers of webhooks were told all, and once.")
