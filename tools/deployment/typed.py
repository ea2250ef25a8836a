#!/usr/bin/env python3
"""Stands for `aws`, `sam`, `curl` and `cargo` while the documents' blocks run: runs the real one, and notes what became of it.

It goes by the name that it is called by. JOURNAL is where it notes, a line of JSON for each command.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# What Moto lacks. The command line has read the command and sent it; nothing answers.
LIMITS = {
    ("aws", "elasticache", "modify-serverless-cache"): "Moto has no ElastiCache Serverless",
    ("aws", "elasticache", "describe-serverless-caches"): "Moto has no ElastiCache Serverless",
    ("aws", "service-quotas", "request-service-quota-increase"): "Moto lists quotas and raises none",
    ("aws", "service-quotas", "get-service-quota"): "Moto knows those of networks alone",
    ("sam", "delete"): "Moto deletes a network before what is in it, and so refuses",
}
# What is not asked at all.
NOT_RUN = {
    ("aws", "logs", "tail"): "version 2 of the AWS CLI alone has it: see test_commands.py",
    ("sam", "build"): "compiles for minutes: `make test-lambda` does it",
    ("curl",): "Moto's API Gateway passes no request to a function: `make test-lambda` does",
    ("cargo",): "compiles, and restores what Moto has not: `make restore-drill` does",
}


def real(program):
    here = Path(sys.argv[0]).parent
    for folder in os.environ["PATH"].split(":"):
        if Path(folder) != here and os.access(Path(folder, program), os.X_OK):
            return str(Path(folder, program))
    sys.exit(f"{program} is not on the PATH")


def reason(words, listed):
    return next((why for name, why in listed.items() if tuple(words[: len(name)]) == name), None)


def main():
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    note = {"words": words, "code": 0, "said": reason(words, NOT_RUN)}
    if not note["said"]:
        # For SQS version 1 of the CLI asks AWS whatever the environment says, but not against an option.
        here = [f"--endpoint-url={os.environ['AWS_ENDPOINT_URL']}"] if words[0] == "aws" else []
        given = {"input": "y\n" * 20, "text": True} if words[0] == "sam" else {}
        ran = subprocess.run([real(words[0]), *here, *words[1:]], stderr=subprocess.PIPE, **given)
        said = ran.stderr if isinstance(ran.stderr, str) else ran.stderr.decode()
        note |= {"code": ran.returncode, "said": said, "limit": reason(words, LIMITS)}
        sys.stderr.write(said)
    with open(os.environ["JOURNAL"], "a") as journal:
        journal.write(json.dumps(note) + "\n")
    sys.exit(0 if note.get("limit") else note["code"])


if __name__ == "__main__":
    main()
