//! Holds each function to its policy in `template.yaml`: what it asks of DynamoDB and may not ask fails the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};
use axum::{Router, middleware};
use http_api::App;
use local::{api, template::Template};
use serde_json::Value;
use stores::dynamodb;

tokio::task_local! {
    static FUNCTION: &'static str;
}

/// An action on a table, on an index, or on a partition of a table alone, like `dynamodb:Query` on `EventsTable`, on
/// `EventsTable/index/by_start` or on `BookingsTable[ended-tokens]`.
pub(crate) type Permission = (String, String);

static TEMPLATE: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../../../../../template.yaml")).unwrap());

/// What the VPC's gateway lets through to DynamoDB.
pub(crate) fn gateway() -> BTreeSet<Permission> {
    let statements = &TEMPLATE["Resources"]["DynamoDbEndpoint"]["Properties"]["PolicyDocument"]["Statement"];
    list(statements).into_iter().flat_map(allowed).collect()
}

/// What each function may ask of DynamoDB, by its binary's name.
pub(crate) static POLICIES: LazyLock<BTreeMap<String, BTreeSet<Permission>>> = LazyLock::new(|| {
    let resources = TEMPLATE["Resources"].as_object().unwrap().values();
    let functions = resources.filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions
        .map(|function| {
            let name = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
            let policies = list(&function["Properties"]["Policies"]);
            (
                name,
                policies
                    .into_iter()
                    .flat_map(|policy| list(&policy["Statement"]))
                    .flat_map(allowed)
                    .collect(),
            )
        })
        .collect()
});

fn allowed(statement: &Value) -> Vec<Permission> {
    assert_eq!(statement["Effect"], "Allow");
    let resources: Vec<_> =
        list(&statement["Resource"]).into_iter().map(|resource| named(resource.as_str().unwrap())).collect();
    let actions: Vec<_> =
        list(&statement["Action"]).into_iter().map(|action| action.as_str().unwrap()).collect();
    assert!(
        actions.iter().copied().chain(resources.iter().map(String::as_str)).all(|name| !name.contains('*')),
        "a policy has a wildcard: {statement}"
    );
    let parts_of = parts(&statement["Condition"]);
    let on = resources.iter().flat_map(|resource| match parts_of.as_slice() {
        [] => vec![resource.clone()],
        keys => keys.iter().map(|key| within(resource, key)).collect(),
    });
    let on: Vec<_> = on.collect();
    let actions = actions.into_iter().filter(|action| action.starts_with("dynamodb:"));
    actions.flat_map(|action| on.iter().map(|on| (action.to_owned(), on.clone()))).collect()
}

/// The parts of a table that a statement's condition lets through, partitions or attributes; none stands for all.
fn parts(condition: &Value) -> Vec<String> {
    let conditions = condition.as_object().into_iter().flatten();
    let tests =
        conditions.flat_map(|(test, keys)| keys.as_object().unwrap().iter().map(move |key| (test, key)));
    let texts = |values| list(values).into_iter().map(|value| value.as_str().unwrap().to_owned()).collect();
    tests
        .flat_map(|(test, (key, values))| match (test.as_str(), key.as_str()) {
            ("ForAllValues:StringEquals", "dynamodb:LeadingKeys") => texts(values),
            ("ForAllValues:StringEquals", "dynamodb:Attributes") => vec![attributes(texts(values))],
            // Who asks, not what for; and that attributes are named at all, which says the other condition.
            ("StringEquals", "aws:PrincipalAccount" | "dynamodb:Select") => Vec::new(),
            other => panic!("a condition that is not understood: {other:?}"),
        })
        .collect()
}

fn attributes(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    format!("only {}", names.join(","))
}

fn within(table: &str, key: &str) -> String {
    format!("{table}[{key}]")
}

/// `!GetAtt EventsTable.Arn` and `!Sub "${EventsTable.Arn}/index/by_start"` without what is around the names.
fn named(resource: &str) -> String {
    resource.replace(['$', '{', '}'], "").replace(".Arn", "")
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// Does something as that function.
pub(crate) async fn as_function<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    FUNCTION.scope(name, work).await
}

/// The whole API as one service, as the template deploys it: each function has its own paths and no others, and all that it
/// does is known as its.
pub(crate) fn service(app: &Arc<App>) -> Router {
    static DEPLOYED: LazyLock<Template> = LazyLock::new(|| Template::embedded().unwrap());
    let functions = api::routes_by_function().map(|(function, routes)| {
        let scoped = middleware::from_fn(move |request, next: middleware::Next| {
            as_function(function, next.run(request))
        });
        (function, http_api::service(routes, Arc::clone(app)).layer(scoped))
    });
    api::by_template(&DEPLOYED, functions).unwrap()
}

/// Watches what functions ask of DynamoDB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permissions(Arc<Mutex<BTreeMap<String, BTreeSet<Permission>>>>);

impl Permissions {
    /// The same client, watched.
    pub(crate) fn watched(&self, client: &dynamodb::Client) -> dynamodb::Client {
        dynamodb::Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// What each function asked so far.
    pub(crate) fn used(&self) -> BTreeMap<String, BTreeSet<Permission>> {
        self.0.lock().unwrap().clone()
    }
}

impl Intercept for Permissions {
    fn name(&self) -> &'static str {
        "watches permissions"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // What a test does itself stands under no policy.
        let Ok(function) = FUNCTION.try_with(|function| *function) else { return Ok(()) };
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        for (action, on, part) in needed(target.rsplit('.').next().unwrap(), &body) {
            let whole = (action.clone(), on.clone());
            let part = part.map(|key| (action.clone(), within(&on, &key)));
            let permitted = [Some(whole), part].into_iter().flatten();
            let mut permitted = permitted.filter(|permission| POLICIES[function].contains(permission));
            let Some(used) = permitted.next() else {
                panic!("{function} may not {action} on {on}: see its policy in template.yaml");
            };
            self.0.lock().unwrap().entry(function.to_owned()).or_default().insert(used);
        }
        Ok(())
    }
}

/// What a request needs to be permitted: actions, each with what it is on, and the one part of a table that it stays in.
type Needed = (String, String, Option<String>);

fn needed(operation: &str, body: &Value) -> Vec<Needed> {
    match operation {
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().unwrap().keys();
            tables.map(|table| (format!("dynamodb:{operation}"), logical_id(table), None)).collect()
        }
        // Each of its parts needs what the same call alone would; a condition alone has an action of its own.
        "TransactWriteItems" => {
            let parts = body["TransactItems"].as_array().unwrap().iter();
            parts
                .flat_map(|part| part.as_object().unwrap())
                .inspect(|(kind, item)| assert_never_overwrites(kind, item))
                .map(|(kind, item)| match kind.as_str() {
                    "ConditionCheck" => on("ConditionCheckItem", item),
                    kind => on(&format!("{kind}Item"), item),
                })
                .collect()
        }
        _ => vec![on(operation, body)],
    }
}

/// A role that may put an item may put it over another: only a condition keeps what is in the audit trail as it is.
fn assert_never_overwrites(kind: &str, item: &Value) {
    if logical_id(item["TableName"].as_str().unwrap()) == "AuditTable" {
        let condition = item["ConditionExpression"].as_str();
        assert_eq!((kind, condition), ("Put", Some("attribute_not_exists(id)")), "{item}");
    }
}

fn on(action: &str, body: &Value) -> Needed {
    let table = logical_id(body["TableName"].as_str().unwrap());
    match body["IndexName"].as_str() {
        Some(index) => (format!("dynamodb:{action}"), format!("{table}/index/{index}"), None),
        None => (format!("dynamodb:{action}"), table.clone(), part(&table, body)),
    }
}

/// What part of a table a request stays in: the attributes that it reads of one item, or else the value of the hash key.
fn part(table: &str, body: &Value) -> Option<String> {
    if let (Some(key), Some(read)) = (body["Key"].as_object(), body["ProjectionExpression"].as_str()) {
        let read = read.split(", ").map(str::to_owned);
        return Some(attributes(read.chain(key.keys().cloned()).collect()));
    }
    let key = list(&TEMPLATE["Resources"][table]["Properties"]["KeySchema"]);
    let name = key.iter().find(|part| part["KeyType"] == "HASH")?["AttributeName"].as_str()?;
    let of_query = || {
        let conditions = body["KeyConditionExpression"].as_str()?.split(" AND ");
        let value =
            conditions.filter_map(|condition| condition.split_once(" = ")).find(|(key, _)| *key == name)?.1;
        body["ExpressionAttributeValues"].get(value)
    };
    let value = body["Item"].get(name).or_else(|| body["Key"].get(name)).or_else(of_query)?;
    Some(value["S"].as_str()?.to_owned())
}

/// The table's name in the template. Each test has its own prefix.
fn logical_id(table: &str) -> String {
    let name = table.rsplit('-').next().unwrap();
    format!("{}{}Table", name[..1].to_uppercase(), &name[1..])
}
