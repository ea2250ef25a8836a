//! Book and confirm, beside the least that DynamoDB must be asked for it: the transaction that puts a booking and takes its
//! seats, by the SDK alone, on the same store.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::{
    id::{EventId, ReservationId, UserId},
    inventory::SHARDS_MAX,
};
use kit::{
    Failure,
    http::{Call, Connection},
};
use load::{
    people::create_event,
    scenario::general,
    server::{OwnServer, OwnStores},
};
use serde_json::json;
use stores::dynamodb;

use crate::{
    figures::{Figure, Samples, Target},
    rate::{CONNECTIONS, every_connection},
    rush::hold,
    world::{AS_DEPLOYED, admin, buyers},
};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(2);
/// Far more than are sold, in each of the shards too: the SDK alone takes any of them, whether it has seats or not.
pub(crate) const SEATS: u32 = 1_000_000;
/// What the names of the tables begin with, where nobody says otherwise.
pub(crate) const TABLES: &str = "evently";

/// Measures side by side, round after round.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let server = OwnServer::on(OwnStores::start().await?, None, &[AS_DEPLOYED]).await?;
    let event = create_event(server.address, &admin().await?, "Sold in pairs", &general(SEATS)).await?;
    let bare_event =
        create_event(server.address, &admin().await?, "Sold by the SDK", &general(SEATS)).await?;
    let bare =
        Bare { client: dynamodb::client_for_endpoint(&server.stores.dynamodb), event: bare_event.parse()? };
    let (mut pairs, mut transactions) = (Samples::default(), Samples::default());
    // The first round warms up.
    for round in 0..=ROUNDS {
        let sold =
            per_second(|| Connection::new(server.address), async |connection| buy(connection, &event).await);
        let sold = sold.await?;
        let transacted = per_second(|| (), async |()| bare.transact().await).await?;
        if round > 0 {
            pairs.0.push(sold);
            transactions.0.push(transacted);
        }
    }
    Ok(vec![
        Figure::new(
            "book → confirm pairs/s",
            format!("the SDK alone, just the two-item transaction, same store, {CONNECTIONS} at once"),
            Target::AtLeast(0.8),
            "",
            pairs.by(&transactions),
        )
        .note(format!(
            "here {:.0}/s against {:.0}/s; the embedded store does one write at a time",
            pairs.median(),
            transactions.median()
        )),
    ])
}

async fn per_second<C>(
    connect: impl Fn() -> C,
    send: impl AsyncFn(&mut C) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let started = Instant::now();
    let sent = every_connection(ROUND, connect, &send).await?;
    Ok(sent as f64 / started.elapsed().as_secs_f64())
}

/// One new buyer books a seat and confirms.
pub(crate) async fn buy(connection: &mut Connection, event: &str) -> Result<(), Failure> {
    let buyer = buyers().bearer(0)?;
    let reservation = hold(connection, event, &buyer, 201).await?;
    let path = format!("/reservations/{reservation}/confirm");
    match connection.send(&Call::post(&path, &buyer)).await?.status {
        201 => Ok(()),
        status => Err(format!("a confirm was answered with {status}").into()),
    }
}

/// The SDK alone, on a store with these tables.
pub(crate) struct Bare {
    pub(crate) client: dynamodb::Client,
    pub(crate) event: EventId,
}

impl Bare {
    pub(crate) async fn transact(&self) -> Result<(), Failure> {
        let id = ReservationId::new(self.event, jiff::Timestamp::now());
        let shard = fastrand::u16(..SHARDS_MAX);
        // As long as a real one.
        let booking = json!({
            "user_id": UserId::new().to_string(),
            "id": id.to_string(),
            "event_id": self.event.to_string(),
            "event_bucket": format!("{}#{}", self.event, fastrand::u8(..16)),
            "event_name": "Sold by the SDK",
            "starts_at": 1_924_000_000_000_u64,
            "quantity": 1,
            "unit_price": 2_500,
            "currency": "EUR",
            "draws": [[shard, 1]],
            "status": "confirmed",
            "created_at": 1_924_000_000_000_u64,
            "version": 1,
        });
        let put = Put::builder()
            .table_name(format!("{TABLES}-bookings"))
            .set_item(Some(serde_dynamo::to_item(booking)?))
            .condition_expression("attribute_not_exists(id)")
            .build()?;
        let sell = Update::builder()
            .table_name(format!("{TABLES}-inventory"))
            .key("shard_id", AttributeValue::S(format!("{}#{shard}", self.event)))
            .update_expression("SET unsold = unsold - :seats, sold = sold + :seats, version = version + :one")
            .condition_expression("unsold >= :seats")
            .expression_attribute_values(":seats", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .build()?;
        self.client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().update(sell).build())
            .send()
            .await?;
        Ok(())
    }
}
