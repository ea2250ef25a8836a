"""That what breaks clients is found, and what does not is not. REDOCLY is the program."""

import copy
import json
import os
import unittest
from typing import Callable

from breaking import DOCUMENT, findings, read

REDOCLY = os.environ["REDOCLY"]


def compared(*edits: Callable[[dict], object]) -> set[frozenset[str]]:
    """What the changelog would have to name, if the document were changed like this."""
    before = json.loads(DOCUMENT.read_text())
    now = copy.deepcopy(before)
    for edit in edits:
        edit(now)
    return {finding.words for finding in findings(before, now, REDOCLY)}


def operation(document: dict, name: str) -> dict:
    method, path = name.split()
    return document["paths"][path][method.lower()]


def fields(document: dict, schema: str) -> dict:
    return document["components"]["schemas"][schema]["properties"]


def required(document: dict, schema: str) -> list[str]:
    return document["components"]["schemas"][schema].setdefault("required", [])


def words(document: dict, schema: str) -> list[str]:
    return document["components"]["schemas"][schema]["enum"]


def codes(document: dict, schema: str) -> list[str]:
    return document["components"]["schemas"][schema]["allOf"][1]["properties"]["code"]["enum"]


class Breaking(unittest.TestCase):
    maxDiff = None

    def test_what_was_promised_and_is_another_is_found(self):
        def serve_less(document):
            del document["paths"]["/events/popular"]
            del document["paths"]["/me"]["patch"]
            del operation(document, "POST /reservations/{id}/confirm")["responses"]["200"]
            del operation(document, "POST /bookings/{id}/cancel")["responses"]["409"]
            del operation(document, "POST /events/{id}/book")["responses"]["201"]["headers"]["Location"]
            del operation(document, "GET /admin/audit")["responses"]["200"]["content"]["text/csv"]
            operation(document, "GET /health")["operationId"] = "look_after"

        def answer_less(document):
            fields(document, "Event").pop("venue")
            required(document, "Event").remove("venue")
            required(document, "Event").remove("capacity")
            fields(document, "Event")["price"]["type"] = "string"
            fields(document, "Event")["name"]["type"] = ["string", "null"]
            fields(document, "Problem").pop("retry_at")
            words(document, "BookingStatus").append("refunded")
            codes(document, "HoldSeatsConflict").remove("all_held")
            codes(document, "HoldSeatsBadRequest").append("all_held")

        def ask_for_more(document):
            fields(document, "BookRequest")["gate"] = {"type": "string"}
            required(document, "BookRequest").append("gate")
            fields(document, "BookRequest")["quantity"] |= {"maximum": 10, "default": 2}
            required(document, "Registration").append("name")
            fields(document, "Credentials").pop("email")
            required(document, "Credentials").remove("email")
            words(document, "Bucket").remove("day")
            parameters = operation(document, "GET /events")["parameters"]
            parameters[:] = [item for item in parameters if item["name"] != "q"]
            gate = {"name": "gate", "in": "query", "required": True, "schema": {"type": "string"}}
            operation(document, "GET /admin/audit")["parameters"].append(gate)
            operation(document, "GET /events/{id}")["security"] = [{"bearer": []}]

        found = compared(serve_less, answer_less, ask_for_more)
        expected = [
            {"GET /events/popular"},
            {"PATCH /me"},
            {"POST /reservations/{id}/confirm", "200"},
            {"POST /bookings/{id}/cancel", "409"},
            {"POST /events/{id}/book", "Location"},
            {"GET /admin/audit", "text/csv"},
            {"GET /health", "operationId"},
            {"Event", "venue"},
            {"Event", "venue", "capacity"},
            {"Event", "price"},
            {"Event", "name"},
            {"Problem", "retry_at"},
            {"BookingStatus", "refunded"},
            {"all_held"},
            {"BookRequest", "gate"},
            {"BookRequest", "quantity"},
            {"Registration", "name"},
            {"Credentials", "email"},
            {"Bucket", "day"},
            {"GET /events", "q"},
            {"GET /admin/audit", "gate"},
            {"GET /events/{id}", "security"},
        ]
        self.assertEqual(found, {frozenset(line) for line in expected})

    def test_what_comes_new_and_what_is_told_otherwise_is_not(self):
        def add(document):
            document["paths"]["/me/tickets"] = copy.deepcopy(document["paths"]["/me"])
            for item in document["paths"]["/me/tickets"].values():
                item["operationId"] += "_tickets"
            fields(document, "Event")["gates"] = {"type": "array", "items": {"type": "string"}}
            required(document, "Event").append("gates")
            fields(document, "BookRequest")["gate"] = {"type": "string"}
            fields(document, "BookRequest")["quantity"]["maximum"] = 100
            fields(document, "Problem")["gate"] = {"type": ["string", "null"]}
            codes(document, "HoldSeatsConflict").append("gate_closed")
            words(document, "AuditAction").append("event_copied")
            words(document, "PriceReason").append("sold_fast")
            operation(document, "GET /events/{id}")["responses"]["418"] = {"description": "A teapot."}
            parameters = operation(document, "GET /events")["parameters"]
            # What it was called stays: as it does with the bounds of analytics.
            query = next(item for item in parameters if item["name"] == "q")
            parameters.append(query | {"deprecated": True, "description": "What `text` was called."})
            query["name"] = "text"

        def tell_otherwise(document):
            document["info"]["description"] = "Other words."
            operation(document, "GET /me")["summary"] = "Other words."
            document["components"]["examples"]["sold_out"]["value"]["title"] = "Gone"
            operation(document, "GET /events")["parameters"].reverse()
            required(document, "Event").reverse()
            schemas = document["components"]["schemas"]
            schemas["Problem"]["properties"]["detail"]["description"] = "Other words."
            # A schema by another name is the same.
            renamed = json.dumps(document).replace("schemas/BookRequest", "schemas/Wish")
            document.update(json.loads(renamed))
            document["components"]["schemas"]["Wish"] = document["components"]["schemas"].pop("BookRequest")

        self.assertEqual(compared(add, tell_otherwise), set())


class Changelog(unittest.TestCase):
    def test_only_what_is_not_released_yet_can_name_what_breaks(self):
        changelog = read(
            "# Changelog\n\n## Unreleased\n\n### Breaking\n\n- `GET /a` and `GET /b` have another\n  `operationId`.\n"
            "- `Event` has no `venue`.\n\n### Changed\n\n- `GET /c`, `q`\n\n## [1.2.0] - 2027-01-31\n\n### Breaking\n\n- `old`\n"
        )
        self.assertEqual(changelog.release, "1.2.0")
        self.assertEqual(changelog.breaking, [{"GET /a", "GET /b", "operationId"}, {"Event", "venue"}])

    def test_a_release_and_what_came_before_need_no_such_part(self):
        self.assertEqual(read("## 2026-11-25: a step\n\n### Breaking\n\n- `a`\n"), ("2026-11-25", []))
        self.assertEqual(read("## Unreleased\n\n## 1.0.0\n"), ("1.0.0", []))


if __name__ == "__main__":
    unittest.main()
