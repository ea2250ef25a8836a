"""Every command in the documents is one that its program takes, with all that it needs and nothing that it does not know.

The programs' own parsers say so: nothing here knows their options.
"""

import json
import os
import re
import subprocess
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml
from awscli.clidriver import create_clidriver

from commands import REPOSITORY, all_commands

# Only version 2 of the AWS CLI has these, which is no Python package: it comes as a program of its own, from AWS alone.
UNCHECKED = {("aws", "logs", "tail"): "it polls and prints; version 1 has filter-log-events instead"}


def of(program):
    found = [words for words, _ in all_commands() if words[0] == program]
    return [pytest.param(words, id=" ".join(words)[:70]) for words in found]


def is_one_of(words, listed):
    return any(words[: len(name)] == name for name in listed)


@pytest.fixture(scope="module")
def listener():
    """Where AWS should be: counts what arrives, and takes nothing."""

    class Refusal(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.arrived += 1
            self.send_response(400)
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    server.arrived = 0
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def aws(listener, monkeypatch, capsys):
    """Runs the AWS CLI; gives what it says to a command, and how often it then asked AWS."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)

    def run(words):
        listener.arrived = 0
        here = f"--endpoint-url=http://127.0.0.1:{listener.server_port}"
        # What the shell would have put there is known only when it is typed. A time must look like one.
        typed = [re.sub(r"\$\(date [^)]*\)", "1", word) for word in words[1:]]
        typed = [re.sub(r"\$AT\b", "2031-06-12T20:00:00Z", word) for word in typed]
        typed = [re.sub(r"\$\([^)]*\)|\$\{?\w+\}?", "x" * 9, word) for word in typed]
        typed = [word.replace("file:///dev/stdin", "of-standard-input") for word in typed]
        with suppress(SystemExit):
            create_clidriver().main([here, *typed])
        return capsys.readouterr().err, listener.arrived

    return run


@pytest.mark.parametrize("words", of("aws"))
def test_the_aws_cli_takes(words, aws):
    said, asked = aws(words)
    if is_one_of(words, UNCHECKED):
        assert "Invalid choice" in said, "this version knows it: check it"
    elif not any(word.startswith("-") for word in words):
        # Only its name, in a sentence. What it lacks shows that it is one.
        assert asked or "the following arguments are required" in said, said
    else:
        assert asked, said


def test_what_the_aws_cli_does_not_take_is_seen(aws):
    for wrong in (
        "aws elasticache modify-serverless-cache --cache-usage-limits ECPUPerSecond={Minimum=1}",
        "aws elasticache modify-serverless-cache --serverless-cache-name x --cache-usage-limits ECPUPerSecond={Least=1}",
        "aws dynamodb update-table --table-name x --warm-throughput WriteUnits=1",
        "aws dynamodb warm-table --table-name x",
    ):
        said, asked = aws(wrong.split())
        assert said and not asked, wrong


# For SAM's own Python, which reads commands and says for each what is wrong with it. `--help` keeps it from doing anything.
READ_BY_SAM = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from samcli.cli.main import cli
import click
wrong = []
for words in json.load(sys.stdin):
    try:
        with redirect_stdout(io.StringIO()):
            cli.main([*words[1:], "--help"], standalone_mode=False)
        wrong.append(None)
    except click.ClickException as error:
        wrong.append(error.format_message())
json.dump(wrong, sys.stdout)
"""


def sam(commands):
    python = os.path.join(os.path.dirname(os.environ["SAM"]), "python")
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    ran = subprocess.run(
        [python, "-c", READ_BY_SAM], input=json.dumps(commands), env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_sam_takes_each_and_nothing_that_it_does_not_know():
    commands = [words for words, _ in all_commands() if words[0] == "sam"]
    assert len(commands) > 8
    wrong = [["sam", "deploy", "--stage", "x"], ["sam", "destroy"]]
    *taken, option, command = sam([*commands, *wrong])
    assert not [refused for refused in zip(commands, taken, strict=True) if refused[1]]
    assert option and command


def docker(words):
    return subprocess.run([*words[:2], "--help", *words[2:]], capture_output=True, text=True)


@pytest.mark.parametrize("words", of("docker"))
def test_docker_takes(words):
    # It reads all options, and then shows its help.
    ran = docker(words)
    assert ran.returncode == 0, ran.stderr


def test_what_docker_does_not_take_is_seen():
    assert docker(("docker", "run", "--read-mostly", "x")).returncode != 0


def make(*words):
    return subprocess.run(["make", "-n", *words], cwd=REPOSITORY, capture_output=True, text=True)


# What GitHub fills in is checked below.
@pytest.mark.parametrize("words", [case for case in of("make") if "$TARGET" not in case.values[0]])
def test_make_has(words):
    ran = make(*words[1:])
    assert ran.returncode == 0, ran.stderr


def test_make_has_each_job_of_ci():
    ci = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    targets = ci["jobs"]["make"]["strategy"]["matrix"]["target"]
    assert len(targets) > 10
    for target in targets:
        assert make(target).returncode == 0, target
    assert make("no-such-target").returncode != 0
