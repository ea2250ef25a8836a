"""The stack is made, as SAM's own translator writes it, for each set of parameters that the documents name."""

import json
import tomllib

import boto3
import pytest
from moto.cloudformation.parsing import parse_condition

import aws
from commands import REPOSITORY
from stack import TEMPLATE, make

FUNCTIONS = 8


def environments():
    functions = boto3.client("lambda").list_functions()["Functions"]
    assert len(functions) == FUNCTIONS
    return [(function["Environment"]["Variables"], function.get("VpcConfig") or {}) for function in functions]


def holds_the_dashboard_to_the_alarms():
    """It shows each alarm that there is, and no other."""
    cloudwatch = boto3.client("cloudwatch")
    there_are = [alarm["AlarmArn"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    dashboard = json.loads(cloudwatch.get_dashboard(DashboardName="evently")["DashboardBody"])
    (shown,) = [widget["properties"]["alarms"] for widget in dashboard["widgets"] if widget["type"] == "alarm"]
    assert sorted(shown) == sorted(there_are)


def test_by_default_it_has_a_network_and_elasticache_serverless_of_its_own(empty_cloud):
    types, ids = make()
    assert types["AWS::DynamoDB::Table"] == 7
    assert types["AWS::EC2::Subnet"] == 2
    assert types["AWS::ElastiCache::ServerlessCache"] == 1
    assert not types["AWS::SNS::Subscription"]
    for environment, network in environments():
        assert environment["REDIS_URL"].startswith("rediss://evently.serverless")
        assert environment["REDIS_CLUSTER"] == "true"
        assert set(network["SubnetIds"]) == {ids["SubnetA"], ids["SubnetB"]}
    alarms = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == types["AWS::CloudWatch::Alarm"] > 15
    assert all(alarm["AlarmActions"] == [ids["AlarmTopic"]] for alarm in alarms)
    holds_the_dashboard_to_the_alarms()
    routes = boto3.client("apigatewayv2").get_routes(ApiId=ids["HttpApi"])["Items"]
    assert "$default" in [route["RouteKey"] for route in routes]
    assert len(routes) > 20


def test_with_mail_a_ninth_function_reads_the_streams(empty_cloud):
    types, ids = make(MailUrl="ses:", MailFrom="Evently <tickets@example.com>", MailPerSecond="14")
    assert types["AWS::Lambda::Function"] == FUNCTIONS + 1
    function = boto3.client("lambda").get_function(FunctionName=ids["NotificationsFunction"])["Configuration"]
    environment = function["Environment"]["Variables"]
    assert environment["MAIL_URL"] == "ses:" and environment["MAIL_FROM"] == "Evently <tickets@example.com>"
    assert str(environment["MAIL_PER_SECOND"]) == "14"
    assert environment["PUBLIC_URL"].startswith("https://")
    assert not (function.get("VpcConfig") or {}).get("SubnetIds")
    mappings = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert len(mappings) == 3
    assert all("/stream/" in mapping["EventSourceArn"] for mapping in mappings)
    holds_the_dashboard_to_the_alarms()


def test_with_webhooks_and_no_mail_the_same_function_tells_endpoints(empty_cloud):
    types, ids = make(Webhooks="true")
    assert types["AWS::Lambda::Function"] == FUNCTIONS + 1
    tables = {}
    for name in ("Notifications", "Admin", "Auth"):
        function = boto3.client("lambda").get_function(FunctionName=ids[f"{name}Function"])["Configuration"]
        environment = function["Environment"]["Variables"]
        tables[name] = [environment.get(of) for of in ("DELIVERIES_TABLE", "WEBHOOKS_TABLE")]
    both = [ids["DeliveriesTable"], ids["WebhooksTable"]]
    assert tables == {"Notifications": both, "Admin": both, "Auth": [None, None]}
    alarms = {alarm["AlarmName"] for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert ids["WebhooksDisabledAlarm"] in alarms
    assert "MailsDeadAlarm" not in ids
    holds_the_dashboard_to_the_alarms()


def test_with_a_redis_of_ones_own_it_has_no_network(empty_cloud):
    types, _ = make(RedisUrl="rediss://default:secret@name.upstash.io:6379", RedisCluster="true")
    assert not [kind for kind in types if kind.startswith(("AWS::EC2", "AWS::ElastiCache"))]
    for environment, network in environments():
        assert environment["REDIS_URL"] == "rediss://default:secret@name.upstash.io:6379"
        assert environment["REDIS_CLUSTER"] == "true"
        assert not network.get("SubnetIds")
    holds_the_dashboard_to_the_alarms()


def test_nodes_stand_in_for_serverless(empty_cloud):
    types, ids = make(RedisNodeType="cache.t4g.micro")
    assert not types["AWS::ElastiCache::ServerlessCache"]
    group = boto3.client("elasticache").describe_replication_groups()["ReplicationGroups"][0]
    assert group["TransitEncryptionEnabled"] and group["AtRestEncryptionEnabled"]
    assert group["CacheNodeType"] == "cache.t4g.micro"
    for environment, network in environments():
        assert environment["REDIS_URL"].startswith("rediss://clustercfg.")
        assert environment["REDIS_CLUSTER"] == "true"
        assert network["SecurityGroupIds"] == [ids["FunctionsSecurityGroup"]]
    # The alarms look at the members that there are.
    watched = {
        dimension["Value"]
        for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
        for metric in alarm.get("Metrics", [])
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "CacheClusterId"
    }
    assert watched == set(group["MemberClusters"])
    holds_the_dashboard_to_the_alarms()


@pytest.mark.parametrize(
    ("nodes", "only"),
    [({}, {}), ({"RedisNodeType": "cache.r7g.large"}, {"DynamoDbPrefixListId": "pl-0123456789abcdef0"})],
    ids=["serverless", "nodes and a prefix list"],
)
def test_in_a_network_of_ones_own_it_makes_the_groups_alone(network, nodes, only):
    types, ids = make(**network, **nodes, **only)
    made = {kind for kind in types if kind.startswith("AWS::EC2")}
    assert made == {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupEgress"}
    for _, config in environments():
        assert ",".join(config["SubnetIds"]) == network["SubnetIds"]
    ec2 = boto3.client("ec2")
    functions, redis = (
        ec2.describe_security_groups(GroupIds=[ids[name]])["SecurityGroups"][0]
        for name in ("FunctionsSecurityGroup", "RedisSecurityGroup")
    )
    assert functions["VpcId"] == redis["VpcId"] == network["VpcId"]
    assert functions["IpPermissions"] == []
    (way_in,) = redis["IpPermissions"]
    assert [pair["GroupId"] for pair in way_in["UserIdGroupPairs"]] == [ids["FunctionsSecurityGroup"]]
    to_redis = [rule for rule in functions["IpPermissionsEgress"] if rule.get("FromPort") == 6379]
    assert [pair["GroupId"] for pair in to_redis[0]["UserIdGroupPairs"]] == [ids["RedisSecurityGroup"]]
    assert not to_redis[0]["IpRanges"]
    # Moto makes no rules of SecurityGroupEgress within a group, and so shows none to DynamoDB.


def test_its_subnets_are_in_the_zones_that_are_named(empty_cloud):
    _, ids = make(AvailabilityZoneA="eu-central-1c", AvailabilityZoneB="eu-central-1b")
    found = boto3.client("ec2").describe_subnets(SubnetIds=[ids["SubnetA"], ids["SubnetB"]])["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in found}
    assert (zones[ids["SubnetA"]], zones[ids["SubnetB"]]) == ("eu-central-1c", "eu-central-1b")


def test_with_every_setting_of_operation_it_says_so(empty_cloud):
    types, ids = make(
        AlarmEmail="operator@example.com",
        AdminEmail="admin@example.com",
        AdminEmailPassword="correct horse battery",
        ReservedConcurrency="50",
        Architecture="x86_64",
        Tracing="PassThrough",
        LogLevel="debug",
        LogRetentionDays="90",
        DeletionProtection="false",
        RedisEngine="redis",
        CorsAllowOrigins="https://example.com",
    )
    subscriptions = boto3.client("sns").list_subscriptions_by_topic(TopicArn=ids["AlarmTopic"])["Subscriptions"]
    assert [subscription["Endpoint"] for subscription in subscriptions] == ["operator@example.com"]
    admins = [environment for environment, _ in environments() if "ADMIN_EMAIL" in environment]
    assert [environment.get("ADMIN_EMAIL_PASSWORD") for environment in admins].count("correct horse battery") == 2
    assert len(admins) == 3


@pytest.mark.parametrize("place", ["default", "dev", "prod"])
def test_each_place_of_samconfig_is_a_stack(empty_cloud, place):
    settings = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())[place]["deploy"]["parameters"]
    make(**dict(pair.split("=", 1) for pair in settings.get("parameter_overrides", [])))


def test_a_stack_asks_no_more_of_api_gateway_than_any_account_has(empty_cloud):
    _, ids = make()
    stage = boto3.client("apigatewayv2").get_stages(ApiId=ids["HttpApi"])["Items"][0]
    throttle = stage["DefaultRouteSettings"]
    assert (throttle["ThrottlingRateLimit"], throttle["ThrottlingBurstLimit"]) == (2500, 1250)


def rules_broken_by(parameters):
    template = aws.yaml_parse(TEMPLATE)
    values = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()} | parameters
    return {
        name
        for name, rule in template["Rules"].items()
        for assertion in rule["Assertions"]
        if not parse_condition(assertion["Assert"], values, {})
    }


@pytest.mark.parametrize(
    ("parameters", "broken"),
    [
        ({}, set()),
        ({"VpcId": "vpc-0a", "SubnetIds": "subnet-0a,subnet-0b", "RedisNodeType": "cache.t4g.micro"}, set()),
        ({"AvailabilityZoneA": "eu-central-1a", "AvailabilityZoneB": "eu-central-1c"}, set()),
        ({"AdminEmail": "admin@example.com"}, {"AdminIsWholeOrAbsent"}),
        ({"MailUrl": "ses:", "MailFrom": "tickets@example.com"}, set()),
        ({"MailUrl": "ses:"}, {"MailIsWholeOrAbsent"}),
        ({"MailFrom": "tickets@example.com"}, {"MailIsWholeOrAbsent"}),
        ({"VpcId": "vpc-0a"}, {"NetworkIsWholeOrAbsent"}),
        ({"SubnetIds": "subnet-0a,subnet-0b"}, {"NetworkIsWholeOrAbsent"}),
        ({"RedisUrl": "redis://x", "RedisNodeType": "cache.t4g.micro"}, {"OutsideRedisNeedsNothingElse"}),
        (
            {"RedisUrl": "redis://x", "VpcId": "vpc-0a", "SubnetIds": "subnet-0a,subnet-0b"},
            {"OutsideRedisNeedsNothingElse"},
        ),
        ({"AvailabilityZoneA": "eu-central-1a"}, {"ZonesAreOfTheStacksOwnSubnets"}),
        (
            {"AvailabilityZoneA": "eu-central-1a", "AvailabilityZoneB": "eu-central-1a"},
            {"ZonesAreOfTheStacksOwnSubnets"},
        ),
        (
            {
                "VpcId": "vpc-0a",
                "SubnetIds": "subnet-0a,subnet-0b",
                "AvailabilityZoneA": "eu-central-1a",
                "AvailabilityZoneB": "eu-central-1b",
            },
            {"ZonesAreOfTheStacksOwnSubnets"},
        ),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(parameters, broken):
    # Moto does not look at rules; the template's own conditions are read as it reads others.
    assert rules_broken_by(parameters) == broken


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("MetricName: Latency", "MetricsName: Latency"),
        ("        DataStorage:\n          Maximum", "        DataStorage:\n          Most"),
        ("PasswordLength: 64", "PasswordSize: 64"),
    ],
)
def test_what_the_api_would_not_take_is_seen(empty_cloud, monkeypatch, right, wrong):
    assert right in TEMPLATE
    monkeypatch.setattr("stack.TEMPLATE", TEMPLATE.replace(right, wrong))
    with pytest.raises(Exception, match="500 Internal Server Error"):
        make()
