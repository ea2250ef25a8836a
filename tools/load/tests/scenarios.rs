//! Each scenario against a service in this process, for a second or two.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use http_api::App;
use load::{Settings, Target, scenario::Scenario, server::JWT_SECRET};
use local::{
    api,
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
    serve::{self, Limits},
    stack::table_name,
    tables,
    template::Template,
};
use serde_json::Value;
use settings::Config;
use stores::dynamodb;
use tokio::net::TcpListener;

const SEATS: u32 = 20;

/// A running service; its stores end with it.
struct Service {
    address: SocketAddr,
    _store: EmbeddedStore,
    _redis: RedisServer,
}

impl Service {
    async fn start() -> Self {
        let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
        let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
        let config = Config::from_lookup(|name| {
            Some(match name {
                "REDIS_URL" => redis.url().to_owned(),
                "JWT_SECRET" => JWT_SECRET.to_owned(),
                "ADMIN_EMAIL" => "admin@example.com".to_owned(),
                "ADMIN_EMAIL_PASSWORD" => "evently-admin".to_owned(),
                "NETWORK_REGISTRATIONS_PER_HOUR" | "NETWORK_PLACES_MAX" => "0".to_owned(),
                name if name.starts_with("RATE_LIMIT") => "0".to_owned(),
                name if name.ends_with("_TABLE") => name.to_owned(),
                _ => return None,
            })
        })
        .unwrap();
        let (client, names) = (dynamodb::client_for_endpoint(store.endpoint()), config.tables.clone());
        tables::create_missing(&client, |id| table_name(&names, id)).await.unwrap();
        let app = App::new(config, client).unwrap();
        let service = api::with_peers(api::service(&Template::embedded().unwrap(), &app).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve::serve(listener, service, Limits::default(), std::future::pending()));
        Self { address, _store: store, _redis: redis }
    }

    /// Puts it under load; answers with the report for machines.
    async fn under(&self, scenario: Scenario, rate: u64, jwt_secret: Option<&str>) -> Value {
        let settings = Settings {
            scenario,
            rate,
            time: Duration::from_secs(2),
            warmup: Duration::ZERO,
            connections: 8,
            seats: SEATS,
            events: 5,
            mails: false,
            target: Some(Target {
                address: self.address,
                jwt_secret: jwt_secret.map(str::to_owned),
                accounts: 3,
                admin: ("admin@example.com".to_owned(), "evently-admin".to_owned()),
            }),
            out: PathBuf::new(),
        };
        let report = load::run(&settings).await.unwrap();
        let report = serde_json::to_value(report).unwrap();
        assert_eq!(report["check"]["violations"].as_array().unwrap().len(), 0, "{report}");
        assert_eq!(report["failures"], serde_json::json!({}), "{report}");
        report
    }
}

fn count(report: &Value, step: &str, outcome: &str) -> u64 {
    report["steps"][step]["outcomes"][outcome].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn a_hot_sale_sells_every_seat_and_refuses_the_others() {
    let report = Service::start().await.under(Scenario::Hot, 40, Some(JWT_SECRET)).await;
    assert_eq!(count(&report, "confirm", "done"), u64::from(SEATS));
    assert_eq!(count(&report, "book", "done") + count(&report, "book", "refused"), 80, "40 people, for 2 s");
    assert_eq!(report["check"]["sold"], SEATS);
}

#[tokio::test]
async fn a_hall_is_sold_out_area_by_area() {
    let report = Service::start().await.under(Scenario::Hall, 40, Some(JWT_SECRET)).await;
    assert_eq!(report["check"]["sold"], SEATS);
    let areas = report["check"]["by_area"].as_array().unwrap();
    let ids: Vec<_> = areas.iter().map(|area| area["area"].as_str().unwrap()).collect();
    assert_eq!(ids, ["floor", "balcony", "boxes"]);
    assert!(
        areas.iter().all(|area| area["sold"] == area["capacity"] && area["sold"].as_u64() > Some(0)),
        "{report}"
    );
}

#[tokio::test]
async fn registered_buyers_buy_as_well() {
    let report = Service::start().await.under(Scenario::Hot, 20, None).await;
    assert_eq!(report["check"]["sold"], SEATS);
}

#[tokio::test]
async fn whoever_comes_late_is_refused() {
    let report = Service::start().await.under(Scenario::SoldOut, 0, Some(JWT_SECRET)).await;
    assert!(count(&report, "book", "refused") > 0, "{report}");
    assert_eq!(report["check"]["sold"], report["check"]["capacity"]);
}

#[tokio::test]
async fn people_browse_and_some_buy_and_cancel() {
    let service = Service::start().await;
    let report = service.under(Scenario::Browse, 0, Some(JWT_SECRET)).await;
    for step in ["list", "event", "search", "popular"] {
        assert!(count(&report, step, "done") > 0, "{step}: {report}");
    }
    let report = service.under(Scenario::Mixed, 0, Some(JWT_SECRET)).await;
    assert!(count(&report, "event", "done") > count(&report, "book", "done"), "{report}");
    assert!(report["check"]["sold"].as_i64() > Some(0), "{report}");
}
