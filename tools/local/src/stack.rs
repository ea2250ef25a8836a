//! The stores that the local server runs on: its own, or those that the settings name.

use std::{sync::Arc, time::Duration};

use http_api::{App, StartError};
use messages::MailerError;
use server::teller::{self, Telling};
use settings::{ConfigError, Tables};
use stores::dynamodb;
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{
    embedded_store::{EmbeddedStore, Location, StoreError},
    redis_server::{RedisError, RedisOptions, RedisServer},
    settings::Settings,
    tables::{self, TablesError},
};

const RESTART_REDIS_AFTER: Duration = Duration::from_millis(200);
const RESTART_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The stores and the app over them.
#[derive(Debug)]
pub struct Stack {
    /// The app.
    pub app: Arc<App>,
    /// Where DynamoDB is, for people.
    pub dynamodb: String,
    /// Where Redis is, for people.
    pub redis: String,
    client: dynamodb::Client,
    endpoint: String,
    embedded: Option<EmbeddedStore>,
    keeper: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

/// Why the stack can't start. Each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The embedded store did not start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis did not start.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The tables could not be made.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A setting is missing or malformed.
    #[error("setting {0}")]
    Config(#[from] ConfigError),
    /// The app refused its settings.
    #[error(transparent)]
    App(#[from] StartError),
    /// No mail can go out.
    #[error(transparent)]
    Mail(#[from] MailerError),
}

impl Stack {
    /// Starts what the settings do not name, makes missing tables and builds the app.
    ///
    /// # Errors
    /// When a store can't be started or reached, or a setting is malformed.
    pub async fn start(settings: &Settings) -> Result<Self, StackError> {
        // Malformed settings are told before anything is started.
        settings.config(Some("redis://127.0.0.1"))?;
        settings.mail()?;
        let (embedded, endpoint) = match &settings.dynamodb_endpoint {
            Some(endpoint) => (None, endpoint.clone()),
            None => {
                let file = settings.data_dir.join("dynamodb.sqlite");
                let store = EmbeddedStore::start(Location::File(file), None).await?;
                let endpoint = store.endpoint().to_owned();
                (Some(store), endpoint)
            }
        };
        let redis = if settings.has_redis {
            None
        } else {
            let data = Some(settings.data_dir.join("redis"));
            Some(RedisServer::start(RedisOptions { data, ..RedisOptions::default() }).await?)
        };
        let config = settings.config(redis.as_ref().map(RedisServer::url))?;
        let client = dynamodb::client_for_endpoint(&endpoint);
        let names = config.tables.clone();
        tables::create_missing(&client, |logical_id| table_name(&names, logical_id)).await?;
        let redis_described = match &redis {
            Some(server) => {
                format!("{} (process {}, {})", server.url(), server.pid(), server.program().display())
            }
            None => "as set in REDIS_URL".to_owned(),
        };
        Ok(Self {
            app: App::new(config, client.clone())?,
            client,
            endpoint: endpoint.clone(),
            dynamodb: if embedded.is_some() { format!("embedded, {endpoint}") } else { endpoint },
            redis: redis_described,
            embedded,
            keeper: redis.map(keep_running),
        })
    }

    /// Starts telling people what happens from now on.
    ///
    /// # Errors
    /// When a setting of mail can't be used.
    pub async fn tell(&self, settings: &Settings) -> Result<Telling, StackError> {
        let streams = teller::streams_of_endpoint(&self.endpoint);
        Ok(teller::start(&self.app, Some(settings.mail()?), self.client.clone(), streams).await?)
    }

    /// Stops what was started; Redis writes its data first.
    pub async fn stop(self) {
        if let Some((stop, keeper)) = self.keeper {
            let _ = stop.send(true);
            let _ = keeper.await;
        }
        if let Some(store) = self.embedded {
            store.stop().await;
        }
    }
}

/// The name of a table of the template.
pub fn table_name(tables: &Tables, logical_id: &str) -> String {
    match logical_id {
        "UsersTable" => tables.users.clone(),
        "EventsTable" => tables.events.clone(),
        "InventoryTable" => tables.inventory.clone(),
        "BookingsTable" => tables.bookings.clone(),
        "DeliveriesTable" => tables.deliveries.clone().unwrap_or_else(|| logical_id.to_owned()),
        "WebhooksTable" => tables.webhooks.clone().unwrap_or_else(|| logical_id.to_owned()),
        "AuditTable" => tables.audit.clone().unwrap_or_else(|| logical_id.to_owned()),
        other => other.to_owned(),
    }
}

/// Starts the server again whenever it dies, until it is told to stop.
fn keep_running(mut server: RedisServer) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, mut stopping) = watch::channel(false);
    let keeper = tokio::spawn(async move {
        loop {
            tokio::select! {
                how = server.wait_dead() => tracing::warn!("Redis {how}; starting it again"),
                _ = stopping.changed() => break,
            }
            sleep(RESTART_REDIS_AFTER).await;
            while let Err(error) = server.restart().await {
                tracing::error!(%error, "Redis does not start; trying again");
                tokio::select! {
                    () = sleep(RESTART_AGAIN_AFTER) => {}
                    _ = stopping.changed() => return,
                }
            }
            tracing::info!(process = server.pid(), "Redis runs again");
        }
        server.stop().await;
    });
    (stop, keeper)
}
