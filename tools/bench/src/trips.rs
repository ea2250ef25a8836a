//! How many round trips to the stores a request waits for, one after the other: with answers that come late, its time
//! counts them.

use std::time::{Duration, Instant};

use hyper::Method;
use kit::{
    Failure,
    http::{Call, Connection},
};
use load::{
    people::create_event,
    scenario::general,
    server::{OwnServer, OwnStores},
};
use local::delayed::delayed;

use crate::{
    figures::{Figure, Samples, Target},
    rush::hold,
    world::{admin, buyers},
};

/// Far more than all else that a request takes.
const DELAY: Duration = Duration::from_millis(150);
/// What is longer than the shortest was waiting for the machine.
const TRIES: usize = 4;
/// More than is asked.
const LIMIT: &str = "10000";

/// Round trips with the limits that are deployed, and of a confirm also without.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let limits = [("RATE_LIMIT_WRITES_PER_MINUTE", LIMIT), ("RATE_LIMIT_READS_PER_MINUTE", LIMIT)];
    let [browse, book, confirm, cancel] = count(&limits).await?;
    let [_, _, confirm_unlimited, _] = count(&[]).await?;
    let row = |name: &str, target, trips| {
        let name = format!("sequential round trips: {name}");
        Figure::new(name, "counted at the stores", Target::Exactly(target), "", Samples(vec![trips]))
    };
    Ok(vec![
        row("browse", 1.0, browse),
        row("book", 1.0, book),
        row("confirm", 3.0, confirm),
        row("confirm without rate limits", 3.0, confirm_unlimited),
        row("cancel", 3.0, cancel),
    ])
}

/// Browse, book, confirm, cancel.
async fn count(settings: &[(&str, &str)]) -> Result<[f64; 4], Failure> {
    let stores = OwnStores::start().await?;
    let dynamodb = format!("http://{}", delayed(&stores.dynamodb, DELAY).await?);
    let redis = format!("redis://{}", delayed(&stores.redis, DELAY).await?);
    let server = OwnServer::on(stores, Some((&dynamodb, &redis)), settings).await?;
    let event = create_event(server.address, &admin().await?, "Far away", &general(100)).await?;
    let (mut connection, buyer) = (Connection::new(server.address), buyers().bearer(0)?);
    let mut fewest = [f64::INFINITY; 4];
    // The first time warms up.
    for round in 0..=TRIES {
        let mut counted = [0.0; 4];
        let mut started = Instant::now();
        let mut count = |step: usize| {
            counted[step] = (started.elapsed().as_millis() / DELAY.as_millis()) as f64;
            started = Instant::now();
        };
        send(&mut connection, Method::GET, &format!("/events/{event}"), &buyer, 200).await?;
        count(0);
        let id = hold(&mut connection, &event, &buyer, 201).await?;
        count(1);
        send(&mut connection, Method::POST, &format!("/reservations/{id}/confirm"), &buyer, 201).await?;
        count(2);
        send(&mut connection, Method::POST, &format!("/bookings/{id}/cancel"), &buyer, 200).await?;
        count(3);
        if round > 0 {
            fewest = std::array::from_fn(|step| fewest[step].min(counted[step]));
        }
    }
    Ok(fewest)
}

async fn send(
    connection: &mut Connection,
    method: Method,
    path: &str,
    bearer: &str,
    status: u16,
) -> Result<(), Failure> {
    let call = Call { method, path, bearer: Some(bearer), key: None, body: None };
    match connection.send(&call).await?.status {
        answered if answered == status => Ok(()),
        answered => Err(format!("{path} was answered with {answered}").into()),
    }
}
