"""An AWS on loopback: Moto's server, and what its CloudFormation lacks of the stack's.

What is below is Moto's limits, each with its reason. Everything else is Moto's own.
"""

import json
import logging
import os
import re
from contextlib import contextmanager

import boto3
from botocore.validate import ParamValidator
from moto.cloudformation import models, parsing, responses
from moto.core.common_models import CloudFormationModel
from moto.ec2.models.vpcs import VPCEndPoint
from moto.server import ThreadedMotoServer
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

REGION = "eu-central-1"
# AWS' own policies that SAM names by themselves; it would ask IAM for their ARNs.
MANAGED_POLICIES = {
    name: f"arn:aws:iam::aws:policy/{path}{name}"
    for name, path in {
        "AWSLambdaBasicExecutionRole": "service-role/",
        "AWSLambdaVPCAccessExecutionRole": "service-role/",
        "AWSXrayWriteOnlyAccess": "",
        "AWSXRayDaemonWriteAccess": "",
    }.items()
}


@contextmanager
def started():
    """Runs it; gives the environment in which the AWS SDKs and command lines find it."""
    # Not a line for each request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found_by = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        # What fails here fails again.
        "AWS_MAX_ATTEMPTS": "1",
        # Nothing of whoever runs this.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": host,
        "no_proxy": host,
    }
    before = dict(os.environ)
    os.environ.update(found_by)
    try:
        yield found_by
    finally:
        server.stop()
        os.environ.clear()
        os.environ.update(before)


# --- The transform ---------------------------------------------------------------------------------------------


class _ManagedPolicies:
    def load(self):
        return MANAGED_POLICIES


def transformed(text):
    """The template as CloudFormation has it once SAM's transform was at work; one without it as it is."""
    template = yaml_parse(text)
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        return template
    return _with_whole_attributes(transform(template, {}, _ManagedPolicies()))


def _with_whole_attributes(template):
    """Of `${Cache.Endpoint.Port}` within `Fn::Sub` Moto asks the cache for `Endpoint`: says it in a form that it understands."""
    if isinstance(template, list):
        return [_with_whole_attributes(part) for part in template]
    if not isinstance(template, dict):
        return template
    text = template.get("Fn::Sub")
    if not isinstance(text, str):
        return {key: _with_whole_attributes(value) for key, value in template.items()}
    values = {}
    for resource, attribute in re.findall(r"\$\{(\w+)\.(\w+\.\w+)\}", text):
        name = f"{resource}_{attribute}".replace(".", "_")
        text = text.replace(f"${{{resource}.{attribute}}}", f"${{{name}}}")
        values[name] = {"Fn::GetAtt": [resource, attribute]}
    return {"Fn::Sub": [text, values] if values else text}


# CloudFormation runs SAM's transform. Moto has none and takes the text as it stands; this is SAM's own.
models.Stack.parse_template = staticmethod(lambda text: transformed(text))


_by_its_url = responses.get_stack_from_s3_url

# SAM names the template that it has uploaded by the server's address; Moto understands the addresses of AWS alone.
responses.get_stack_from_s3_url = lambda url, **of: _by_its_url(
    url.replace("http://127.0.0.1", "http://localhost"), **of
)


# --- Changes ---------------------------------------------------------------------------------------------------


def _references(template):
    """All that a part of a template names, by `Ref` or within `Fn::Sub`."""
    if isinstance(template, dict):
        for key, value in template.items():
            if key == "Ref":
                yield value
            elif key == "Fn::Sub":
                text, values = value if isinstance(value, list) else (value, {})
                yield from (part.split("}")[0] for part in text.split("${")[1:])
                yield from _references(values)
            else:
                yield from _references(value)
    elif isinstance(template, list):
        for part in template:
            yield from _references(part)


def _difference(before, template, parameters=None):
    """Which resources a new template or new parameters add, change and remove.

    Moto's own finds a parameter only by `Ref`, and takes 90 and "90" for different values.
    """
    old, new = before._resource_json_map, template["Resources"]
    values = before.resolved_parameters
    changed = {name for name, value in (parameters or {}).items() if str(value) != str(values.get(name))}
    return {
        "Add": [name for name in new if name not in old],
        "Modify": [
            name
            for name in new
            if name in old and (old[name] != new[name] or changed.intersection(_references(new[name])))
        ],
        "Remove": [name for name in old if name not in new],
    }


def _has_parameters(stack, parameters):
    values = stack.resource_map.resolved_parameters
    return all(str(value) == str(values.get(name)) for name, value in parameters.items())


def _parameters_of_update(backend, instance, incoming_params):
    # Of a parameter that was never given Moto does not know the value before.
    before = instance.resource_map.resolved_parameters
    return {
        given["ParameterKey"]: given["ParameterValue"]
        if "ParameterValue" in given
        else str(before[given["ParameterKey"]])
        for given in incoming_params
    }


models.CloudFormationBackend._resolve_update_parameters = _parameters_of_update
parsing.ResourceMap.build_resource_diff = _difference
models.Stack.has_parameters = _has_parameters


class _ChangeSet(models.ChangeSet):
    """Moto's runs no transform, lists no change by a parameter, and leaves a stack that it makes without outputs and tags."""

    __module__ = models.__name__

    def _parse_template(self):
        self.template_dict = transformed(self.template)

    def diff(self):
        by_action = self.stack.resource_map.build_resource_diff(self.template_dict, self.parameters)
        before = self.stack.resource_map._resource_json_map
        return [
            models.Change(action, name, {**before, **self.template_dict["Resources"]}[name]["Type"])
            for action, names in by_action.items()
            for name in names
        ]

    def apply(self):
        stack = self.stack
        stack.resource_map.update(self.template_dict, self.parameters)
        stack.template, stack.template_dict = self.template, self.template_dict
        stack.parameters, stack.tags = self.parameters, self.tags or stack.tags
        stack.output_map = stack._create_output_map()


models.ChangeSet = _ChangeSet


# CloudFormation deletes a network with its endpoint; Moto does not, and so refuses to delete the network.
VPCEndPoint.delete = lambda self, account, region: _client("ec2").delete_vpc_endpoints(
    VpcEndpointIds=[self.physical_resource_id]
)


_updated = parsing.parse_and_update_resource


def _updated_or_as_before(logical_id, resource_json, resources_map, **of):
    """Moto forgets what it cannot change, as tables and groups of logs, and stumbles over what a condition keeps away."""
    before = resources_map[logical_id]
    return before and (_updated(logical_id, resource_json, resources_map, **of) or before)


parsing.parse_and_update_resource = _updated_or_as_before


_cleaned = parsing.clean_json


def _without_nothings(resource_json, resources_map):
    """CloudFormation leaves out of a list what is `AWS::NoValue`; Moto keeps a nothing there, and stumbles over it."""
    cleaned = _cleaned(resource_json, resources_map)
    return [value for value in cleaned if value is not None] if isinstance(resource_json, list) else cleaned


parsing.clean_json = _without_nothings


# What a condition keeps away is a nothing among Moto's resources, over which it stumbles.
models.Stack.stack_resources = property(
    lambda stack: [resource for resource in stack.resource_map.values() if resource is not None]
)


# --- Types of resources -----------------------------------------------------------------------------------------


def _lacking(kind, make, ref=lambda made, name: name, attributes=lambda made: {}):
    """Teaches Moto's CloudFormation a type that it lacks: `make` does what CloudFormation does, by the API."""

    class Made(CloudFormationModel):
        # By it Moto knows what to forget when it is reset.
        __module__ = "moto.cloudformation.models"

        def __init__(self, name, properties):
            self.made = make(name, properties)
            self.name = name
            self.physical_resource_id = ref(self.made, name)

        @staticmethod
        def cloudformation_name_type():
            return ""

        @staticmethod
        def cloudformation_type():
            return kind

        @classmethod
        def has_cfn_attr(cls, attr):
            return True

        def get_cfn_attribute(self, name):
            return attributes(self)[name]

        @classmethod
        def create_from_cloudformation_json(cls, name, resource, account, region, **_):
            return cls(name, resource.get("Properties", {}))

        @classmethod
        def update_from_cloudformation_json(cls, original_resource, **_):
            return original_resource

        @classmethod
        def delete_from_cloudformation_json(cls, *_):
            pass

        def is_created(self):
            return True

    return Made


def _client(service):
    return boto3.client(service)


def _with_lower_names(value):
    """As CloudWatch Logs names its parameters."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _with_lower_names(part) for name, part in value.items()}
    return [_with_lower_names(part) for part in value] if isinstance(value, list) else value


def _secret(name, properties):
    wanted = properties["GenerateSecretString"]
    password = _client("secretsmanager").get_random_password(**wanted)["RandomPassword"]
    return _client("secretsmanager").create_secret(
        Name=name, Description=properties["Description"], SecretString=password
    )


def _alarm(name, properties):
    _client("cloudwatch").put_metric_alarm(AlarmName=name, **properties)
    return _client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]


def _api(name, properties):
    # Moto cannot import an API; this makes of its document what an import does.
    client, body = _client("apigatewayv2"), properties["Body"]
    api = client.create_api(Name=body["info"]["title"], ProtocolType="HTTP")
    for path, operations in body["paths"].items():
        (operation,) = operations.values()
        to = operation["x-amazon-apigateway-integration"]
        integration = client.create_integration(
            ApiId=api["ApiId"],
            IntegrationType=to["type"].upper(),
            IntegrationMethod=to["httpMethod"],
            IntegrationUri=to["uri"],
            PayloadFormatVersion=to["payloadFormatVersion"],
        )
        client.create_route(
            ApiId=api["ApiId"],
            RouteKey=path if path == "$default" else f"ANY {path}",
            Target=f"integrations/{integration['IntegrationId']}",
        )
    return api


def _stage(name, properties):
    return _client("apigatewayv2").create_stage(**properties)


def _subscription(name, properties):
    return _client("sns").subscribe(**properties)


def _schedule(name, properties):
    return _client("scheduler").create_schedule(**properties)


def _metric_filter(name, properties):
    return _client("logs").put_metric_filter(filterName=name, **_with_lower_names(properties))


def _invoke_config(name, properties):
    return _client("lambda").put_function_event_invoke_config(**properties)


def _serverless_cache(name, properties):
    # Moto has no such caches at all; what is asked for is held to the API's own shapes.
    client = _client("elasticache")
    shape = client.meta.service_model.operation_model("CreateServerlessCache").input_shape
    errors = ParamValidator().validate(properties, shape)
    assert not errors.has_errors(), errors.generate_report()
    return properties


def _replication_group(name, properties):
    return _client("elasticache").create_replication_group(
        ReplicationGroupId=name.lower()[:40], **properties
    )["ReplicationGroup"]


def _subnet_group(name, properties):
    return _client("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName=name.lower(),
        CacheSubnetGroupDescription=properties["Description"],
        SubnetIds=properties["SubnetIds"],
    )["CacheSubnetGroup"]


def _egress(name, properties):
    rule = {key: properties[key] for key in ("IpProtocol", "FromPort", "ToPort")}
    to = {"GroupId": properties["DestinationSecurityGroupId"], "Description": properties["Description"]}
    return _client("ec2").authorize_security_group_egress(
        GroupId=properties["GroupId"], IpPermissions=[{**rule, "UserIdGroupPairs": [to]}]
    )


# Moto's CloudFormation knows none of these. It has the services behind them, but for ElastiCache Serverless.
LACKING = [
    _lacking("AWS::SecretsManager::Secret", _secret, ref=lambda made, _: made["ARN"]),
    _lacking(
        "AWS::CloudWatch::Alarm",
        _alarm,
        attributes=lambda it: {"Arn": it.made["AlarmArn"]},
    ),
    _lacking(
        "AWS::ApiGatewayV2::Api",
        _api,
        ref=lambda made, _: made["ApiId"],
        attributes=lambda it: {"ApiEndpoint": it.made["ApiEndpoint"]},
    ),
    _lacking("AWS::ApiGatewayV2::Stage", _stage, ref=lambda made, _: made["StageName"]),
    _lacking("AWS::SNS::Subscription", _subscription, ref=lambda made, _: made["SubscriptionArn"]),
    _lacking("AWS::Scheduler::Schedule", _schedule),
    _lacking("AWS::Logs::MetricFilter", _metric_filter),
    _lacking("AWS::Lambda::EventInvokeConfig", _invoke_config),
    _lacking("AWS::EC2::SecurityGroupEgress", _egress),
    _lacking(
        "AWS::ElastiCache::ServerlessCache",
        _serverless_cache,
        ref=lambda made, _: made["ServerlessCacheName"],
        attributes=lambda it: {
            "Endpoint.Address": f"{it.physical_resource_id}.serverless.cache.example",
            "Endpoint.Port": "6379",
        },
    ),
    _lacking(
        "AWS::ElastiCache::SubnetGroup", _subnet_group, ref=lambda made, _: made["CacheSubnetGroupName"]
    ),
    _lacking(
        "AWS::ElastiCache::ReplicationGroup",
        _replication_group,
        ref=lambda made, _: made["ReplicationGroupId"],
        attributes=lambda it: {
            "ConfigurationEndPoint.Address": it.made["ConfigurationEndpoint"]["Address"],
            "ConfigurationEndPoint.Port": str(it.made["ConfigurationEndpoint"]["Port"]),
        },
    ),
]
