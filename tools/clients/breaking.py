"""What breaks a client of the release before, and is not named as breaking in the changelog.

`redocly diff` compares the API documents, all that it rates as major counts, and the API guide says what a release may change
nevertheless. The argument is the program `redocly`.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, NamedTuple

HERE = Path(__file__).parent
RELEASED = HERE / "released"
DOCUMENT = HERE / "../../functions/events/openapi.json"
CHANGELOG = HERE / "../../CHANGELOG.md"

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")
PROSE = {"description": str, "summary": str, "title": str, "deprecated": bool, "example": object, "examples": object}
# Of these lists of words the guide says that there will be more.
OPEN = re.compile(r"/(properties/code|components/schemas/(AuditAction|PriceReason))/enum$")


class Finding(NamedTuple):
    """What a line of the changelog has to name, and what was found."""

    words: frozenset[str]
    message: str


def findings(before: dict, now: dict, redocly: str) -> list[Finding]:
    """What breaks clients, each once."""
    plain = [simplified(put_together(document)) for document in (before, now)]
    found = [finding for change in changes(*plain, redocly) for finding in judged(change, *plain)]
    found = list(dict.fromkeys([*found, *moved_codes(*plain)]))
    # What breaks of a schema is not said again of those that extend it.
    of_base = {frozenset({name, *finding.words - {base}}) for name, base in extended_by(now) for finding in found if base in finding.words}
    return [finding for finding in found if finding.words not in of_base]


def extended_by(document: dict) -> Iterator[tuple[str, str]]:
    """The schemas of answers that extend others, each with what it extends."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        for part in schema.get("allOf", []):
            base = part.get("$ref", "").rpartition("/")[2]
            if base and base != "Problem" and "properties" in schemas[base]:
                yield name, base


def put_together(document: dict) -> dict:
    """With the fields of what a schema of answers extends in it, as they stand in the JSON: not who extends whom counts."""
    document = json.loads(json.dumps(document))
    schemas = document["components"]["schemas"]
    extended = list(extended_by(document))
    for name in dict(extended):
        schema, bases = schemas[name], [schemas[base] for of, base in extended if of == name]
        for part in [*bases, *(part for part in schema["allOf"] if "$ref" not in part)]:
            schema.setdefault("properties", {}).update(part.get("properties", {}))
            schema["required"] = [*schema.get("required", []), *part.get("required", [])]
        del schema["allOf"]
        schema["type"] = "object"
    return document


def simplified(value: object) -> object:
    """Without what is for people, as Redocly takes for the same what is alike in most; and with the fields of a schema in it
    instead of in a part of `allOf`."""
    if isinstance(value, list):
        return [simplified(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: simplified(item) for key, item in value.items() if not isinstance(item, PROSE.get(key, ()))}
    if isinstance(fields := value.get("properties"), dict):
        # A field may have any name.
        plain["properties"] = {name: simplified(field) for name, field in fields.items()}
    own = [part for part in plain.get("allOf", []) if "$ref" not in part]
    if len(own) == 1 and not own[0].keys() & plain.keys():
        plain["allOf"] = [part for part in plain["allOf"] if "$ref" in part]
        plain |= own[0]
    return plain


def changes(before: dict, now: dict, redocly: str) -> list[dict]:
    """All changes, as Redocly reports them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, document in (("before", before), ("now", now)):
            Path(folder, name + ".json").write_text(json.dumps(document))
        # Where there is no configuration, all its rules are on.
        command = [redocly, "diff", "before.json", "now.json", "--format=json", "--fail-on=none", "--output=report"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(ran.stdout + ran.stderr)
        return json.loads(Path(folder, "report").read_text())["changes"]


def judged(change: dict, before: dict, now: dict) -> Iterator[Finding]:
    """The findings of a change."""
    was, is_now = change.get("base", {}), change.get("revision", {})
    if change.get("property") == "default" and "value" in was:
        # Who leaves it out asks for another thing than before.
        yield Finding(words(change, before, now), f"The default changed from {was['value']!r} to {is_now.get('value')!r}.")
    for verdict in change["verdicts"]:
        grew = verdict["ruleId"] == "enum-values-added" and OPEN.search(was["pointer"])
        if verdict["impact"] == "major" and not grew:
            yield Finding(words(change, before, now), verdict["message"])


def words(change: dict, before: dict, now: dict) -> frozenset[str]:
    """The operation or the component, and what of it."""
    was, is_now = change.get("base", {}), change.get("revision", {})
    end, document = (was, before) if "value" in was else (is_now, now)
    steps = [step.replace("~1", "/").replace("~0", "~") for step in end["pointer"].split("/")[1:]]
    if steps[0] == "paths" and len(steps) == 2:
        return frozenset(f"{method.upper()} {steps[1]}" for method in document["paths"][steps[1]] if method in METHODS)
    if steps[0] == "paths":
        where, within = f"{steps[2].upper()} {steps[1]}", steps[3:]
    elif steps[0] == "components":
        where, within = steps[2], steps[3:]
    else:
        where, within = steps[0], steps[1:]
    lists = [end.get("value") or [] for end in (was, is_now)]
    if change.get("property") in ("required", "enum") and all(isinstance(values, list) for values in lists):
        differ = {str(value) for value in set(lists[0]) ^ set(lists[1])}
        named = innermost(within, end["pointer"], document) if change["property"] == "enum" else []
        return frozenset({where, *named, *differ})
    return frozenset({where, *innermost(within, end["pointer"], document)})


def innermost(steps: list[str], pointer: str, document: dict) -> list[str]:
    """The innermost thing on the way that has a name."""
    for at in range(len(steps) - 1, -1, -1):
        kind, name = steps[at], steps[at + 1 : at + 2]
        if kind == "parameters" and name:
            parameters = looked_up(document, "/".join(pointer.split("/")[: -(len(steps) - at - 1)]))
            return [parameters[int(name[0])]["name"]]
        if kind in ("properties", "headers", "responses", "content") and name and not (kind == "content" and steps[at + 2 :]):
            return name
        if kind in ("operationId", "requestBody", "security"):
            return [kind]
    return []


def looked_up(document: dict, pointer: str) -> object:
    """What the pointer leads to."""
    value = document
    for step in pointer.split("/")[1:]:
        value = value[step.replace("~1", "/").replace("~0", "~")]
    return value


def moved_codes(before: dict, now: dict) -> Iterator[Finding]:
    """A client that does not know a code goes by its status; so a code keeps that."""
    had, has = statuses(before), statuses(now)
    for code in had.keys() & has.keys():
        if had[code] != has[code]:
            yield Finding(frozenset({code}), f"The status of the code was {had[code]}, and is {has[code]}.")


def statuses(document: dict) -> dict[str, set[str]]:
    """The statuses that each code comes with."""
    found: dict[str, set[str]] = {}

    def resolved(value: dict) -> dict:
        return resolved(looked_up(document, value["$ref"])) if "$ref" in value else value

    for item in document["paths"].values():
        for operation in (operation for method, operation in item.items() if method in METHODS):
            for status, answer in operation["responses"].items():
                content = resolved(answer).get("content", {}).get("application/problem+json", {})
                for code in resolved(content.get("schema", {})).get("properties", {}).get("code", {}).get("enum", []):
                    found.setdefault(code, set()).add(status)
    return found


class Changelog(NamedTuple):
    """What counts of the changelog: the release before, and what breaks its clients, line by line the words in backticks."""

    release: str
    breaking: list[set[str]]


def read(changelog: str) -> Changelog:
    """The newest release, and the part `Breaking` of what is not released."""
    titles = re.findall(r"^## \[?([^\]\s:]+)", changelog, re.MULTILINE)
    texts = re.split(r"^## .*$", changelog, flags=re.MULTILINE)[1:]
    unreleased = texts[0] if titles[0] == "Unreleased" else ""
    part = re.search(r"^### Breaking\n(.*?)(?=^### |\Z)", unreleased, re.MULTILINE | re.DOTALL)
    lines = re.split(r"^- ", part[1], flags=re.MULTILINE)[1:] if part else []
    release = next(title for title in titles if title != "Unreleased")
    return Changelog(release, [set(re.findall(r"`([^`]+)`", " ".join(line.split()))) for line in lines])


def main(redocly: str) -> None:
    changelog = read(CHANGELOG.read_text())
    kept = [path.name for path in RELEASED.iterdir()]
    if kept != [f"{changelog.release}.json"]:
        sys.exit(
            f"The newest release in CHANGELOG.md is {changelog.release}, but tools/clients/released has {', '.join(kept)}: "
            f"it is to have the release's functions/events/openapi.json alone, as {changelog.release}.json."
        )
    before = json.loads((RELEASED / kept[0]).read_text())
    found = findings(before, json.loads(DOCUMENT.read_text()), redocly)
    unnamed = [finding for finding in found if not any(finding.words <= line for line in changelog.breaking)]
    if unnamed:
        print(f"Clients of the release {changelog.release} break, and CHANGELOG.md does not say so:\n", file=sys.stderr)
        for finding in unnamed:
            print(f"- {', '.join(f'`{word}`' for word in sorted(finding.words))}: {finding.message}", file=sys.stderr)
        sys.exit(
            "\nUndo this, or name it under `## Unreleased` in a part `### Breaking`: each of these in a line that has the same "
            "words in backticks, and says what a client is to do."
        )
    print(f"{len(found)} changes since the release {changelog.release} break clients, and CHANGELOG.md names them all")


if __name__ == "__main__":
    main(*sys.argv[1:])
