//! What the local server reads out of the deployment's template.

use std::time::Duration;

use local::template::{DEFAULT_ROUTE, Template};
use serde_json::{Value, json};
use shared::{domain::id::UserId, store::EndedTokensNote, telemetry::names};

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
fn the_repositorys_template_has_the_four_tables_with_their_keys() {
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
            ("BookingsTable", "user_id HASH, id RANGE".into(), "by_event ALL".to_owned()),
            ("EventsTable", "id HASH".into(), "by_start ALL".into()),
            ("InventoryTable", "shard_id HASH".into(), String::new()),
            ("UsersTable", "email HASH".into(), String::new()),
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
fn nothing_is_forgotten_but_what_has_the_notes_attribute() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let forget_by =
        |table: &str| template["Resources"][table]["Properties"]["TimeToLiveSpecification"].clone();
    assert_eq!(forget_by("BookingsTable"), json!({ "AttributeName": "forget_at", "Enabled": true }));
    for table in ["UsersTable", "EventsTable", "InventoryTable"] {
        assert_eq!(forget_by(table), Value::Null, "{table}");
    }
    let note = EndedTokensNote { user: UserId::new(), good_from: 1, forget_at: 1 };
    assert!(serde_json::to_value(note).unwrap()["forget_at"].is_i64());
}

#[test]
fn the_repositorys_template_routes_every_path_once_and_the_rest_to_events() {
    let template = Template::embedded().unwrap();
    let mut endpoints: Vec<_> = template.routes().iter().map(|route| (&route.method, &route.path)).collect();
    let total = endpoints.len();
    endpoints.sort();
    endpoints.dedup();
    assert_eq!(endpoints.len(), total, "a route is there twice");

    let function_of = |method: &str, path: &str| {
        let route = template.routes().iter().find(|route| route.method == method && route.path == path);
        route.map(|route| route.function.as_str())
    };
    assert_eq!(function_of(DEFAULT_ROUTE, DEFAULT_ROUTE), Some("events"));
    assert_eq!(function_of("POST", "/events/{id}/book"), Some("reservations"));
    assert_eq!(function_of("PUT", "/admin/events/{id}"), Some("admin"));
}

#[test]
fn the_janitor_runs_every_minute_and_pricing_every_day() {
    let template = Template::embedded().unwrap();
    for (function, seconds) in [("janitor", 60), ("pricing", 24 * 60 * 60)] {
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
fn half_a_route_is_refused() {
    let yaml = with_function("{Type: HttpApi, Properties: {Path: /x}}");
    assert_eq!(refusal(&yaml), "F.Events.E in template.yaml needs both a Method and a Path, or neither");
}

#[test]
fn what_is_no_template_is_refused_in_a_sentence() {
    assert!(refusal("Resources: [").starts_with("template.yaml cannot be read: "));
    let table = "Resources: {T: {Type: 'AWS::DynamoDB::Table', Properties: {KeySchema: []}}}";
    let refusal = refusal(table);
    assert!(refusal.starts_with("T in template.yaml is not understood: missing field"), "{refusal}");
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
    let dashboard = resources["Dashboard"]["Properties"]["DashboardBody"].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
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

#[test]
fn alarms_and_the_dashboard_watch_metrics_that_there_are() {
    let watched = watched_metrics();
    assert!(watched.len() > 30);
    for metric in watched {
        assert!(names::ALL.contains(&metric.as_str()), "nothing measures {metric}");
    }
}

#[test]
fn every_alarm_is_in_the_dashboard_and_in_the_readme() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let dashboard = resources["Dashboard"]["Properties"]["DashboardBody"].as_str().unwrap();
    let readme = include_str!("../../../../README.md");
    let alarms: Vec<_> =
        resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm").collect();
    assert!(alarms.len() > 10);
    for (alarm, resource) in alarms {
        // The dashboard can't name what only some deployments have.
        assert!(dashboard.contains(alarm.as_str()) || resource["Condition"].is_string(), "{alarm}");
        let name = alarm.strip_suffix("Alarm").unwrap();
        assert!(readme.contains(&format!("`{name}`")), "README does not say what to do about {name}");
    }
}

#[test]
fn every_parameter_is_in_the_readme() {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let readme = include_str!("../../../../README.md");
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        assert!(readme.contains(&format!("`{parameter}`")), "README does not explain {parameter}");
    }
}
