"""The walk through deploy.md and operate.md: every block of commands is typed as it stands, one after the other, against Moto.

A command that fails, fails the test, unless Moto lacks what it asks for: LIMITS in typed.py lists these.
"""

import json
import os
import subprocess
from pathlib import Path

import boto3
import pytest

from commands import REPOSITORY, all_commands, blocks
from stack import make
from typed import LIMITS, NOT_RUN

# Signs that Moto does not have what it was asked for.
LACKING = ("InternalFailure", "not been implemented", "Unable to parse response", "404", "500", "DependencyViolation", "NoSuchResource")
# With all that a shell, SAM or JSON could take for something else.
PASSWORD = """correct "horse" battery's \\ $taple"""


@pytest.fixture
def typist(empty_cloud, built, tmp_path_factory):
    """Types text into a shell in the repository; gives what it printed, and a note for each command."""
    stand_ins = tmp_path_factory.mktemp("programs")
    for program in ("aws", "sam", "curl", "cargo"):
        (stand_ins / program).symlink_to(REPOSITORY / "tools/deployment/typed.py")
    journal = stand_ins / "journal"
    sam = Path(os.environ["SAM"]).parent
    environment = {
        **os.environ,
        "PATH": f"{stand_ins}:{os.environ['PATH']}:{sam}",
        "JOURNAL": str(journal),
        "PASSWORD": PASSWORD,
        "REDIS_PASSWORD": "of-redis",
        "SAM_CLI_TELEMETRY": "0",
    }

    def run(text):
        journal.write_text("")
        ran = subprocess.run(
            ["sh", "-e"], input=text, cwd=built, env=environment, capture_output=True, text=True, timeout=1_800
        )
        notes = [json.loads(line) for line in journal.read_text().splitlines()]
        assert ran.returncode == 0, f"{notes[-1:]}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        return ran.stdout, notes

    return run


def limit_of(words):
    return next((name for name in LIMITS if tuple(words[: len(name)]) == name), None)


def hold_to_limits(notes):
    """Nothing failed but what Moto lacks, and all that is said to be lacking did."""
    for note in notes:
        limit = limit_of(note["words"])
        assert bool(note["code"]) == bool(limit), note
        assert not limit or any(sign in note["said"] for sign in LACKING), note


def blocks_of(page):
    return list(blocks((REPOSITORY / page).read_text()))


BEFORE = blocks_of("docs/operate.md")[0]
SECTION = (REPOSITORY / "docs/operate.md").read_text().split("## Rotate the secret")[1].split("\n## ")[0]
NEW_VALUE, KEEPING, FORGETTING, ENDING, ADMIN = blocks(SECTION)


# Of the two functions where people sign in.
def admin_passwords():
    functions = boto3.client("lambda").list_functions()["Functions"]
    variables = [function["Environment"]["Variables"] for function in functions]
    return [each["ADMIN_EMAIL_PASSWORD"] for each in variables if "ADMIN_EMAIL_PASSWORD" in each]


def test_every_block_of_the_page_on_deploying_can_be_typed_as_it_stands(typist):
    _, notes = typist("\n".join(blocks_of("docs/deploy.md")))
    assert len(notes) > 15
    hold_to_limits(notes)
    assert admin_passwords() == [PASSWORD] * 2


def test_every_block_of_the_run_book_can_be_typed_as_it_stands(typist):
    make("evently-prod")
    # Sessions are kept or ended: each has a new value before it.
    typed = [NEW_VALUE + block if block == ENDING else block for block in blocks_of("docs/operate.md")]
    _, notes = typist("\n".join(typed))
    assert len(notes) > 60
    hold_to_limits(notes)


def test_what_moto_lacks_is_asked_for_somewhere():
    typed = [words for words, _ in all_commands()]
    for name in [*LIMITS, *NOT_RUN]:
        assert name in {("curl",), ("cargo",)} or any(words[: len(name)] == name for words in typed), name


def secrets_of_functions():
    """What CloudFormation gives each function: Moto leaves dynamic references as they are, and this reads them."""
    found = set()
    for function in boto3.client("lambda").list_functions()["Functions"]:
        reference = function["Environment"]["Variables"]["JWT_SECRET"]
        words = reference.strip("{}").removeprefix("resolve:secretsmanager:").split(":SecretString")
        version = words[1].split(":")[-1]
        asked = {"SecretId": words[0]} | ({"VersionId": version} if version else {})
        found.add(boto3.client("secretsmanager").get_secret_value(**asked)["SecretString"])
    return found


def previous_secrets():
    functions = boto3.client("lambda").list_functions()["Functions"]
    return {function["Environment"]["Variables"].get("JWT_SECRET_PREVIOUS", "") for function in functions}


def test_a_rotation_reaches_every_function_and_keeps_or_ends_sessions(typist):
    make("evently-prod")
    (first,) = secrets_of_functions()
    printed, _ = typist(BEFORE + NEW_VALUE + KEEPING)
    assert "has changed" in printed
    (second,) = secrets_of_functions()
    assert second != first and len(second) == 64
    assert previous_secrets() == {first}
    typist(BEFORE + FORGETTING)
    assert secrets_of_functions() == {second} and previous_secrets() == {""}
    typist(BEFORE + NEW_VALUE + ENDING)
    (third,) = secrets_of_functions()
    assert third not in {first, second} and previous_secrets() == {""}
    typist(BEFORE + ADMIN)
    assert admin_passwords() == [PASSWORD] * 2
    assert secrets_of_functions() == {third}


def test_a_new_value_alone_changes_nothing_and_its_version_makes_a_change_set(typist):
    printed, _ = typist(
        "sam deploy --config-env prod\n" + BEFORE + NEW_VALUE + "echo AGAIN; sam deploy --config-env prod"
    )
    printed = printed.split("AGAIN")[1]
    assert "No changes to deploy" in printed
    printed, _ = typist(
        BEFORE + 'sam deploy --config-env prod --parameter-overrides JwtSecretVersionId="$(aws secretsmanager '
        'get-secret-value --secret-id "$(resource JwtSecret)" --query VersionId --output text)"'
    )
    changed = {line.split()[2] for line in printed.splitlines() if line.startswith("* Modify")}
    functions = {"Auth", "Events", "Reservations", "Bookings", "Admin", "Janitor", "Pricing"}
    assert {f"{name}Function" for name in functions} <= changed
    # What the command line does not name stays: samconfig.toml's values of the first deployment.
    parameters = boto3.client("cloudformation").describe_stacks(StackName="evently-prod")["Stacks"][0]["Parameters"]
    assert {"ParameterKey": "LogRetentionDays", "ParameterValue": "90"} in parameters


def test_a_change_that_changes_nothing_says_so(typist):
    make("evently-prod")
    with pytest.raises(AssertionError, match="nothing was changed"):
        typist(BEFORE + 'tools/deployment/change "$STACK" LogLevel=info')
    with pytest.raises(AssertionError, match="has no parameter LogLevels: "):
        typist(BEFORE + 'tools/deployment/change "$STACK" LogLevels=info')
    with pytest.raises(AssertionError, match="usage: "):
        typist(BEFORE + 'tools/deployment/change "$STACK" LogLevel')


def test_a_change_that_fails_says_why(tmp_path):
    # Moto lets no update fail. This AWS has one function too many for its account.
    refused = "Specified ReservedConcurrentExecutions decreases UnreservedConcurrentExecution below its minimum"
    events = [
        ("evently-prod", "UPDATE_ROLLBACK_COMPLETE", None),
        ("AuthFunction", "UPDATE_FAILED", "Resource update cancelled"),
        ("AdminFunction", "UPDATE_FAILED", refused),
        ("evently-prod", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("AdminFunction", "UPDATE_FAILED", "of an earlier change"),
    ]
    names = ("LogicalResourceId", "ResourceStatus", "ResourceStatusReason")
    said = {
        "describe-stacks": {"Stacks": [{"Parameters": [{"ParameterKey": "ReservedConcurrency"}]}]},
        "update-stack": {},
        "describe-stack-events": {"StackEvents": [dict(zip(names, event, strict=True)) for event in events]},
    }
    stand_in = tmp_path / "aws"
    stand_in.write_text(
        f"#!/usr/bin/env python3\nimport json, sys\nsaid = {said!r}.get(sys.argv[2])\n"
        "print(json.dumps(said))\nsys.exit('Waiter StackUpdateComplete failed' if said is None else 0)\n"
    )
    stand_in.chmod(0o755)
    ran = subprocess.run(
        [REPOSITORY / "tools/deployment/change", "evently-prod", "ReservedConcurrency=900"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr == f"evently-prod is as it was before, or on its way there:\nAdminFunction: {refused}\n"
