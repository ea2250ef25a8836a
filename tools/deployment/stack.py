"""The stack as CloudFormation makes it, without the command line in between."""

import io
import zipfile
from collections import Counter

import boto3
from moto.cloudformation.parsing import parse_condition

import aws
from commands import REPOSITORY

TEMPLATE = (REPOSITORY / "template.yaml").read_text()


def make(name="evently", **parameters):
    """Makes the stack; gives its resources by type, and their physical ids by logical ones."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("bootstrap", "")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="built", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
    s3.put_object(Bucket="built", Key="code.zip", Body=archive.getvalue())
    template = TEMPLATE.replace("CodeUri: .", "CodeUri: s3://built/code.zip")
    s3.put_object(Bucket="built", Key="template.yaml", Body=template)
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"https://built.s3.{aws.REGION}.amazonaws.com/template.yaml",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    assert cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    assert {resource["LogicalResourceId"] for resource in resources} == expected_resources(parameters)
    return (
        Counter(resource["ResourceType"] for resource in resources),
        {resource["LogicalResourceId"]: resource.get("PhysicalResourceId") for resource in resources},
    )


def expected_resources(parameters):
    """What the template says is there with these parameters."""
    template = aws.transformed(TEMPLATE.replace("CodeUri: .", "CodeUri: s3://built/code.zip"))
    values = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()} | parameters
    conditions = {}
    for name, condition in template["Conditions"].items():
        conditions[name] = parse_condition(condition, values, conditions)
    return {
        name
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or conditions[resource["Condition"]]
    }
