//! What the local server reads out of the deployment's template.

use std::{collections::BTreeSet, time::Duration};

use domain::{id::UserId, user::EndedTokensNote};
use local::template::{DEFAULT_ROUTE, Route, Routes, TableDefinition, Template};
use serde_json::{Value, json};
use telemetry::names;

const TEMPLATE: &str = include_str!("../../../../template.yaml");

fn with_function(events: &str) -> String {
    format!(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: f}}}}\n    \
         Properties:\n      Role: !GetAtt Role.Arn\n      Events:\n        E: {events}\n"
    )
}

fn refusal(yaml: &str) -> String {
    Template::parse(yaml).unwrap_err().to_string()
}

#[test]
fn the_repositorys_template_has_the_six_tables_with_their_keys() {
    let template = Template::embedded().unwrap();
    let tables: Vec<_> = template
        .tables()
        .iter()
        .map(|table| {
            let key: Vec<_> =
                table.key.iter().map(|part| format!("{} {}", part.attribute, part.role)).collect();
            let indexes: Vec<_> = table
                .indexes
                .iter()
                .map(|index| format!("{} {}", index.name, index.projection.kind))
                .collect();
            (table.logical_id.as_str(), key.join(", "), indexes.join(", "))
        })
        .collect();
    assert_eq!(
        tables,
        [
            ("AuditTable", "month HASH, id RANGE".into(), String::new()),
            ("BookingsTable", "user_id HASH, id RANGE".into(), "by_event ALL, by_due KEYS_ONLY".to_owned()),
            (
                "DeliveriesTable",
                "message_id HASH, recipient RANGE".into(),
                "by_due ALL, by_time KEYS_ONLY".into()
            ),
            ("EventsTable", "id HASH".into(), "by_start ALL".into()),
            ("InventoryTable", "shard_id HASH".into(), String::new()),
            ("UsersTable", "email HASH".into(), "by_id INCLUDE".into()),
            ("WebhooksTable", "part HASH, id RANGE".into(), String::new()),
        ]
    );
}

#[test]
fn every_key_attribute_is_defined_and_no_other() {
    for table in Template::embedded().unwrap().tables() {
        let mut used: Vec<_> = table
            .key
            .iter()
            .chain(table.indexes.iter().flat_map(|index| &index.key))
            .map(|part| &part.attribute)
            .collect();
        used.sort();
        used.dedup();
        let mut defined: Vec<_> = table.attributes.iter().map(|attribute| &attribute.name).collect();
        defined.sort();
        assert_eq!(used, defined, "{}", table.logical_id);
    }
}

#[test]
fn nothing_is_forgotten_but_what_says_when() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let forget_by =
        |table: &str| template["Resources"][table]["Properties"]["TimeToLiveSpecification"].clone();
    // Notes of ended tokens, idempotency keys of created events, who was told what, addresses that accounts left, and endpoints that
    // were removed.
    for table in ["BookingsTable", "DeliveriesTable", "EventsTable", "UsersTable", "WebhooksTable"] {
        assert_eq!(forget_by(table), json!({ "AttributeName": "forget_at", "Enabled": true }), "{table}");
    }
    for table in ["InventoryTable", "AuditTable"] {
        assert_eq!(forget_by(table), Value::Null, "{table}");
    }
    let note = EndedTokensNote { user: UserId::new(), good_from: 1, forget_at: 1 };
    assert!(serde_json::to_value(note).unwrap()["forget_at"].is_i64());
}

#[test]
fn the_repositorys_template_sends_paths_to_their_functions_and_the_rest_to_events() {
    let template = Template::embedded().unwrap();
    let routes = Routes::of(&template, |route| Some(route.function.clone())).unwrap();
    for (path, function) in [
        ("/login", "auth"),
        ("/events", "events"),
        ("/events/popular", "events"),
        ("/events/1", "events"),
        ("/events/1/book", "reservations"),
        ("/reservations/1", "reservations"),
        ("/reservations/1/confirm", "reservations"),
        ("/bookings", "bookings"),
        ("/bookings/1/cancel", "bookings"),
        ("/admin/events", "admin"),
        ("/admin/events/capacity_utilization", "admin"),
        ("/admin/events/1/bookings", "admin"),
        ("/nowhere", "events"),
        ("/reservations/1/nowhere", "events"),
        ("/", "web"),
        ("/shop/events/1", "web"),
    ] {
        assert_eq!(routes.at(path), function, "{path}");
    }
    let (_, parameters) = routes.with_parameters("/events/1/book");
    assert_eq!(parameters.into_iter().collect::<Vec<_>>(), [("id".to_owned(), "1".to_owned())]);
}

/// The resources of that type in the template.
fn resources_of(kind: &str) -> Vec<(String, Value)> {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap().clone().into_iter();
    resources.filter(|(_, resource)| resource["Type"] == kind).collect()
}

#[test]
fn every_function_with_a_route_has_one_permission_for_all_of_them() {
    let mut permitted = Vec::new();
    for (name, permission) in resources_of("AWS::Lambda::Permission") {
        let properties = &permission["Properties"];
        assert_eq!(properties["Action"], "lambda:InvokeFunction", "{name}");
        assert_eq!(properties["Principal"], "apigateway.amazonaws.com", "{name}");
        let of_this_api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/*";
        assert_eq!(properties["SourceArn"], of_this_api, "{name}");
        permitted.push(properties["FunctionName"].as_str().unwrap().to_owned());
    }
    permitted.sort();
    let routed: BTreeSet<String> =
        Template::embedded().unwrap().routes().iter().map(|route| route.function.clone()).collect();
    let functions = resources_of("AWS::Serverless::Function").into_iter();
    let called = functions.filter_map(|(id, function)| {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
        routed.contains(binary).then_some(id)
    });
    assert_eq!(permitted, called.collect::<Vec<_>>());
}

#[test]
fn every_path_names_its_parameters_as_api_gateway_wants_it() {
    let (_, api) = resources_of("AWS::Serverless::HttpApi").remove(0);
    for (path, item) in api["Properties"]["DefinitionBody"]["paths"].as_object().unwrap() {
        let operation = &item["x-amazon-apigateway-any-method"];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let named: Vec<String> =
            parameters.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap())).collect();
        let in_path: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
        assert_eq!(named, in_path, "{path}");
        assert_eq!(operation["isDefaultRoute"] == true, path == DEFAULT_ROUTE, "{path}");
        assert_eq!(operation["x-amazon-apigateway-integration"]["payloadFormatVersion"], "2.0", "{path}");
    }
}

#[test]
fn a_route_that_no_server_could_serve_as_deployed_is_refused_by_name() {
    let api = |paths: &str| {
        let function = with_function("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}");
        format!(
            "{function}  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {{DefinitionBody: {{paths: {{{paths}}}}}}}\n"
        )
    };
    let call = |method: &str, function: &str| {
        let uri = format!(
            "arn:${{AWS::Partition}}:lambda:path/2015-03-31/functions/${{{function}.Arn}}/invocations"
        );
        format!("{method}: {{x-amazon-apigateway-integration: {{uri: !Sub '{uri}'}}}}")
    };
    let any = call("x-amazon-apigateway-any-method", "F");
    let known = Template::parse(&api(&format!("/a: &f {{{any}}}, /b: *f"))).unwrap();
    assert_eq!(known.routes().iter().map(Route::key).collect::<Vec<_>>(), ["ANY /a", "ANY /b"]);
    let unknown = Routes::of(&known, |_| None::<()>).unwrap_err().to_string();
    assert_eq!(unknown, "the route ANY /a of template.yaml goes to f, which is nowhere");
    let no_default = Routes::of(&known, |_| Some(())).unwrap_err().to_string();
    assert_eq!(no_default, "the route $default of template.yaml is missing");
    let get = call("get", "F");
    for (paths, refused) in [
        (format!("/a: {{{get}}}"), "A, path /a, in template.yaml takes the method `get`; only"),
        (format!("/a: {{{any}, {get}}}"), "A, path /a, in template.yaml needs one operation"),
        ("/a: {}".to_owned(), "A, path /a, in template.yaml needs one operation"),
        (format!("/a: {{{}}}", any.replace("F.Arn", "G.Arn")), "A, path /a, in template.yaml calls `arn:"),
    ] {
        let refusal = refusal(&api(&paths));
        assert!(refusal.starts_with(refused), "{refusal}");
    }
    let twice = Template::parse(&api(&format!("'/{{a}}': &f {{{any}}}, '/{{b}}': *f"))).unwrap();
    let unclear = Routes::of(&twice, |_| Some(())).unwrap_err().to_string();
    assert!(unclear.starts_with("the route ANY /{b} of template.yaml is not clear: "), "{unclear}");
}

#[test]
fn the_janitor_and_notifications_run_every_minute_and_pricing_every_day() {
    let template = Template::embedded().unwrap();
    for (function, seconds) in [("janitor", 60), ("notifications", 60), ("pricing", 24 * 60 * 60)] {
        let job = template.schedules().iter().find(|schedule| schedule.function == function).unwrap();
        assert_eq!(job.every, Duration::from_secs(seconds), "{function}");
    }
}

#[test]
fn rates_are_read_in_every_unit() {
    for (rate, seconds) in [("1 minute", 60), ("5 minutes", 300), ("24 hours", 86_400), ("1 day", 86_400)] {
        let yaml =
            with_function(&format!("{{Type: ScheduleV2, Properties: {{ScheduleExpression: rate({rate})}}}}"));
        let template = Template::parse(&yaml).unwrap();
        assert_eq!(template.schedules()[0].every, Duration::from_secs(seconds), "{rate}");
    }
}

#[test]
fn a_schedule_that_is_no_rate_is_refused_by_name() {
    for expression in ["cron(0 3 * * ? *)", "rate(0 minutes)", "rate(soon)", "rate(1 fortnight)"] {
        let event = format!("{{Type: ScheduleV2, Properties: {{ScheduleExpression: '{expression}'}}}}");
        let refusal = refusal(&with_function(&event));
        assert!(refusal.starts_with("F.Events.E in template.yaml has the schedule"), "{refusal}");
        assert!(refusal.contains(expression), "{refusal}");
    }
}

#[test]
fn a_route_with_a_permission_of_its_own_is_refused() {
    let yaml = with_function("{Type: HttpApi, Properties: {Path: /x, Method: GET}}");
    let refused = "F.Events.E in template.yaml is a route, and those stand in the API's DefinitionBody";
    assert_eq!(refusal(&yaml), refused);
}

#[test]
fn what_is_no_template_is_refused_in_a_sentence() {
    assert!(refusal("Resources: [").starts_with("template.yaml cannot be read: "));
    let table = "Resources: {T: {Type: 'AWS::DynamoDB::Table', Properties: {KeySchema: []}}}";
    let refusal = refusal(table);
    assert!(refusal.starts_with("T in template.yaml is not understood: missing field"), "{refusal}");
}

/// The text of the dashboard, before what only some deployments have is put into it.
fn dashboard(template: &Value) -> &str {
    template["Resources"]["Dashboard"]["Properties"]["DashboardBody"][0].as_str().unwrap()
}

/// All metrics of the namespace `Evently` in alarms, and in the dashboard.
fn watched_metrics() -> Vec<String> {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let mut watched = Vec::new();
    for resource in resources.values().map(|resource| &resource["Properties"]) {
        let of_math = resource["Metrics"].as_array().into_iter().flatten();
        let of_math = of_math.map(|metric| &metric["MetricStat"]["Metric"]);
        for metric in of_math.chain([resource]).filter(|metric| metric["Namespace"] == "Evently") {
            watched.push(metric["MetricName"].as_str().unwrap().to_owned());
        }
    }
    let dashboard: Value = serde_json::from_str(dashboard(&template)).unwrap();
    for widget in dashboard["widgets"].as_array().unwrap() {
        let metrics = widget["properties"]["metrics"].as_array().into_iter().flatten();
        watched.extend(
            metrics
                .filter(|metric| metric[0] == "Evently")
                .map(|metric| metric[1].as_str().unwrap().to_owned()),
        );
    }
    watched
}

/// Metrics that CloudWatch makes of lines in the log.
fn metrics_of_the_log() -> Vec<String> {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap().values();
    let filters = resources.filter(|resource| resource["Type"] == "AWS::Logs::MetricFilter");
    let metrics = filters.map(|filter| &filter["Properties"]["MetricTransformations"][0]["MetricName"]);
    metrics.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn alarms_and_the_dashboard_watch_metrics_that_there_are() {
    let watched = watched_metrics();
    assert!(watched.len() > 30);
    let filtered = metrics_of_the_log();
    for metric in watched {
        let is_measured = names::ALL.contains(&metric.as_str()) || filtered.contains(&metric);
        assert!(is_measured, "nothing measures {metric}");
    }
}

fn alarms() -> Vec<(String, Value)> {
    let alarms = resources_of("AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 10);
    alarms
}

/// What docs/operate.md says of each alarm: its name, what it means, what to do.
fn explained_alarms() -> Vec<(String, String, String)> {
    let page = include_str!("../../../../docs/operate.md");
    let table = page.split_once("\n| Alarm | Means | Do |\n| --- | --- | --- |\n").unwrap().1;
    let rows = table.lines().take_while(|line| line.starts_with("| "));
    rows.flat_map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [names, means, to_do] = cells[..] else { panic!("{row}") };
        let names = names.split(", ").map(|name| name.trim_matches('`').to_owned());
        names.map(|name| (name, means.to_owned(), to_do.to_owned())).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn the_run_book_says_of_every_alarm_what_to_do_and_of_no_other() {
    let mut explained: Vec<_> = explained_alarms()
        .into_iter()
        .map(|(name, means, to_do)| {
            assert!(means.len() > 15 && to_do.len() > 15, "{name}");
            name
        })
        .collect();
    explained.sort();
    let names: Vec<_> = alarms().iter().map(|(id, _)| id.strip_suffix("Alarm").unwrap().to_owned()).collect();
    assert_eq!(explained, names);
}

#[test]
fn every_alarm_tells_where_to_read_on_and_is_in_the_dashboard() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let of_some = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"][1];
    let of_redis = &of_some["RedisAlarms"];
    for (id, alarm) in alarms() {
        let description = alarm["Properties"]["AlarmDescription"].as_str().unwrap();
        assert!(description.ends_with(" docs/operate.md#alarms"), "{id}: {description}");
        let shown = match alarm["Condition"].as_str() {
            None => dashboard(&template),
            Some("HasServerless") => of_redis[1].as_str().unwrap(),
            Some("HasNodes") => of_redis[2][1].as_str().unwrap(),
            Some("TellsAnybody") => of_some["TellingAlarms"][1].as_str().unwrap(),
            Some("HasMail") => of_some["MailAlarms"][1].as_str().unwrap(),
            Some("HasWebhooks") => of_some["WebhookAlarms"][1].as_str().unwrap(),
            Some(other) => panic!("{id}: the dashboard has no alarms of {other}"),
        };
        assert!(shown.contains(&format!("${{{id}.Arn}}")), "{id}");
    }
}

#[test]
fn no_alarm_rests_on_one_period_whose_metrics_may_come_late() {
    for (id, alarm) in alarms() {
        let properties = &alarm["Properties"];
        let (looked_at, needed) =
            (properties["EvaluationPeriods"].as_i64(), properties["DatapointsToAlarm"].as_i64());
        assert!(looked_at >= Some(5) && needed.is_some() && needed <= looked_at, "{id}");
        for metric in properties["Metrics"].as_array().into_iter().flatten() {
            let period = metric["MetricStat"]["Period"].as_i64().unwrap_or(60);
            assert_eq!(period, 60, "{id}");
        }
        // The most that CloudWatch takes, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html.
        let metrics = metrics_of(&alarm);
        assert!((1..=10).contains(&metrics), "{id} is of {metrics} metrics");
    }
}

/// How many metrics an alarm is paid for.
fn metrics_of(alarm: &Value) -> usize {
    let metrics = alarm["Properties"]["Metrics"].as_array();
    metrics.map_or(1, |metrics| metrics.iter().filter(|metric| metric["MetricStat"].is_object()).count())
}

#[test]
fn what_alarms_cost_is_what_the_template_has() {
    let count = |is_meant: fn(&Value) -> bool| -> usize {
        alarms()
            .iter()
            .filter(|(_, alarm)| is_meant(&alarm["Condition"]))
            .map(|(_, alarm)| metrics_of(alarm))
            .sum()
    };
    let counted = count(|condition| condition.is_null() || condition == "HasServerless");
    let page = include_str!("../../../../docs/pay.md");
    assert!(page.contains(&format!("| alarms | {counted} metrics × $0.10 |")), "{counted}");
    let of_mail = count(|condition| condition == "HasMail" || condition == "TellsAnybody");
    let dollars = of_mail as f64 / 10.0;
    assert!(page.contains(&format!("{of_mail} metrics in alarms ({dollars:.2})")), "{of_mail}");
    assert_eq!(count(|condition| condition == "HasWebhooks"), 1);
    assert!(page.contains("the alarm `WebhooksDisabled` (0.10)"));
}

/// The table, or the index of a table, that a metric is of.
fn watched_by(metric: &Value) -> String {
    let dimensions = metric["MetricStat"]["Metric"]["Dimensions"].as_array().unwrap().iter();
    dimensions.map(|dimension| dimension["Value"].as_str().unwrap()).collect::<Vec<_>>().join("/")
}

#[test]
fn throttles_of_every_table_and_index_ring() {
    let tables = Template::embedded().unwrap();
    let named = |table: &TableDefinition| {
        let indexes = table.indexes.iter().map(|index| format!("{}/{}", table.logical_id, index.name));
        indexes.chain([table.logical_id.clone()]).collect::<Vec<_>>()
    };
    // These are there where nobody is told anything, too, and nobody pays for alarms of them then. Of endpoints there are 20 at
    // most.
    let tables = tables.tables().iter().filter(|table| table.logical_id != "WebhooksTable");
    let (of_mail, of_all): (Vec<_>, Vec<_>) = tables.partition(|table| table.logical_id == "DeliveriesTable");
    let (_, alarm) = alarms().into_iter().find(|(alarm, _)| alarm == "DeliveriesThrottlesAlarm").unwrap();
    let watched: BTreeSet<_> =
        alarm["Properties"]["Metrics"].as_array().unwrap()[1..].iter().map(watched_by).collect();
    assert_eq!(watched, of_mail.into_iter().flat_map(named).collect());
    assert_eq!(metrics_of(&alarm), 5, "reads and writes, and what is read of one index only now and then");
    for (id, metric_name) in [
        ("DynamoDbWriteThrottlesAlarm", "WriteThrottleEvents"),
        ("DynamoDbReadThrottlesAlarm", "ReadThrottleEvents"),
    ] {
        let (_, alarm) = alarms().into_iter().find(|(alarm, _)| alarm == id).unwrap();
        let metrics = alarm["Properties"]["Metrics"].as_array().unwrap().clone();
        let expression = metrics[0]["Expression"].as_str().unwrap().to_owned();
        let mut watched = BTreeSet::new();
        for metric in &metrics[1..] {
            assert!(
                expression.contains(&format!("FILL({}, 0)", metric["Id"].as_str().unwrap())),
                "{expression}"
            );
            assert_eq!(metric["MetricStat"]["Metric"]["MetricName"], metric_name);
            watched.insert(watched_by(metric));
        }
        assert_eq!(watched, of_all.iter().copied().flat_map(named).collect(), "{id}");
    }
}

/// Everywhere below a value where the text of a dynamic reference stands.
fn dynamic_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("{{resolve:") => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| dynamic_references(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| dynamic_references(value, found)),
        _ => {}
    }
}

/// CloudFormation sees no new value behind a dynamic reference, but it does see another version in it.
#[test]
fn every_secret_has_its_version_in_each_function_that_gets_it() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let mut references = Vec::new();
    dynamic_references(&template, &mut references);
    let by_version = "{{resolve:secretsmanager:${JwtSecret}:SecretString:::${JwtSecretVersionId}}}";
    let at_first = "{{resolve:secretsmanager:${JwtSecret}:SecretString}}";
    // One place, for all functions, and no other secret.
    assert_eq!(references, [by_version, at_first]);
    let of_all = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(of_all["JWT_SECRET"], json!(["HasJwtSecretVersion", by_version, at_first]));
    for (id, function) in resources_of("AWS::Serverless::Function") {
        let own = &function["Properties"]["Environment"]["Variables"];
        assert!(own["JWT_SECRET"].is_null(), "{id} has another");
    }
}

#[test]
fn every_parameter_is_explained() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let explained = include_str!("../../../../docs/deploy.md");
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        assert!(explained.contains(&format!("`{parameter}`")), "docs/deploy.md does not explain {parameter}");
    }
}

/// What a booking takes of Redis was measured once, and is told to whoever sets a limit by it.
#[test]
fn what_a_booking_takes_of_redis_is_the_same_everywhere() {
    let figures = include_str!("../../../../docs/figures.md");
    let measured = |row: &str| {
        let row = figures.lines().find(|line| line.starts_with(row)).unwrap();
        row.split('|').nth(2).unwrap().trim().parse::<u32>().unwrap()
    };
    let of_its_slot = measured("| a booking: *book* and *confirm*");
    let paid = measured("| the same with the limits of clients");
    let operate = include_str!("../../../../docs/operate.md");
    assert!(operate.contains(&format!("takes some {of_its_slot} of them")), "{of_its_slot}");
    assert!(operate.contains(&format!("{paid} units for each booking")), "{paid}");
    let pay = include_str!("../../../../docs/pay.md");
    assert!(pay.contains(&format!("some {paid} processing units")), "{paid}");
    let deploy = include_str!("../../../../docs/deploy.md");
    assert!(deploy.contains(&format!("[some {paid} units]")), "{paid}");
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let parameter = &template["Parameters"]["RedisMaxEcpuPerSecond"];
    let description = parameter["Description"].as_str().unwrap();
    assert!(description.contains(&format!("a booking some {paid}.")), "{description}");
    // Rounded to hundreds.
    let all = parameter["Default"].as_u64().unwrap() / u64::from(paid) / 100;
    let all = format!("{},{}00 bookings a second", all / 10, all % 10);
    assert!(operate.contains(&all) && deploy.contains(&all), "{all}");
}
