"""What the tests share: an AWS on loopback, and the repository as it is after `sam build`."""

import shutil

import boto3
import pytest
import requests

import aws
from commands import REPOSITORY


@pytest.fixture(scope="session")
def cloud():
    with aws.started() as found_by:
        yield found_by


@pytest.fixture
def empty_cloud(cloud):
    requests.post(f"{cloud['AWS_ENDPOINT_URL']}/moto-api/reset", timeout=30).raise_for_status()
    return cloud


@pytest.fixture
def built(tmp_path):
    """A copy of what a deployment reads. `make test-lambda` builds the functions; here an empty one stands for each."""
    for name in ("samconfig.toml", "template.yaml", "Makefile", "tools", ".tools"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "samconfig.toml").unlink()
    # `sam deploy --guided` writes the answers into it.
    shutil.copy(REPOSITORY / "samconfig.toml", tmp_path)
    code = tmp_path / ".aws-sam/build/code"
    code.mkdir(parents=True)
    (code / "bootstrap").write_text("#!/bin/sh\n")
    template = (REPOSITORY / "template.yaml").read_text()
    (code.parent / "template.yaml").write_text(template.replace("CodeUri: .", "CodeUri: code"))
    return tmp_path


@pytest.fixture
def network(empty_cloud):
    """A network of the operator's, as its parameters."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"172.20.{third}.0/24", AvailabilityZone=aws.REGION + zone)
        for third, zone in enumerate("ab")
    ]
    return {"VpcId": vpc, "SubnetIds": ",".join(subnet["Subnet"]["SubnetId"] for subnet in subnets)}
