//! What a booking costs: DynamoDB's capacity units, counted as it tells them, and the price of all that is billed by use.

use kit::{Failure, http::Call};
use load::server::OwnStores;
use local::consumed::{Consumed, Units};
use stores::dynamodb;

use crate::{
    figures::{Figure, Samples, Target},
    world::{Service, app},
};

/// Prices in us-east-1, on demand, without a free tier, in dollars, as AWS publishes them in November 2026: written down,
/// not looked up by this program.
mod price {
    /// DynamoDB, a million write request units.
    pub(super) const WRITE_UNITS: f64 = 0.625;
    /// DynamoDB, a million read request units.
    pub(super) const READ_UNITS: f64 = 0.125;
    /// API Gateway HTTP API, a million requests.
    pub(super) const API_REQUESTS: f64 = 1.0;
    /// Lambda, a million requests.
    pub(super) const LAMBDA_REQUESTS: f64 = 0.2;
    /// Lambda on arm64, a GB-second.
    pub(super) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
}

/// As template.yaml has it.
const FUNCTION_GB: f64 = 0.5;
/// Assumed, for no machine but Lambda knows: what a round trip takes there, and the function's own work.
const REDIS_MS: f64 = 1.0;
const DYNAMODB_MS: f64 = 4.0;
const OWN_MS: f64 = 1.0;
/// Round trips to Redis and to DynamoDB that are waited for: of *book* and of a look; of *confirm*, with its rate limit.
const BOOK_TRIPS: (f64, f64) = (1.0, 0.0);
const CONFIRM_TRIPS: (f64, f64) = (3.0, 1.0);
const BROWSES: f64 = 10.0;
const BUYERS: usize = 5;

/// Counts what a booked and confirmed seat consumes, and puts a price on it.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let stores = OwnStores::start().await?;
    let consumed = Consumed::default();
    let client = consumed.counted(&dynamodb::client_for_endpoint(&stores.dynamodb));
    let service = Service::new(app(&stores.redis, "cost", client, |_| {}).await?)?;
    let event = service.event(1, 1_000).await?;
    let path = format!("/events/{event}");
    service.buy(event).await?;
    service.send(Call::get(&path), 200).await?;
    consumed.take();
    service.send(Call::get(&path), 200).await?;
    let browse = consumed.take();
    let (mut writes, mut reads) = (Samples::default(), Samples::default());
    for _ in 0..BUYERS {
        service.buy(event).await?;
        let Units { writes: written, reads: read } = consumed.take();
        writes.0.push(written);
        reads.0.push(read);
    }
    if writes.median() == 0.0 {
        return Err("the store does not tell what a booking consumes".into());
    }
    let booking = Units { writes: writes.median(), reads: reads.median() };
    let without = of_units(booking) + of_request(BOOK_TRIPS) + of_request(CONFIRM_TRIPS);
    let with = without + BROWSES * (of_units(browse) + of_request(BOOK_TRIPS));
    let said = "`ReturnConsumedCapacity`";
    let priced = "price table × counted units";
    Ok(vec![
        Figure::new("DynamoDB writes of a booked and confirmed seat, warm", said, Target::AtMost(5.0), " WRU", writes)
            .note(
                "2 the booking, 1 its entry in the index of the event's bookings, 2 the inventory shard, and 2 the item \
                 that counts one user's seats for `max_per_user`: a write in a transaction costs two",
            ),
        Figure::new("DynamoDB reads of the same", said, Target::AtMost(0.0), " RRU", reads),
        Figure::new("$ per million bookings", priced, Target::AtMost(6.0), " $", Samples(vec![without])).note(format!(
            "DynamoDB {:.2}, API Gateway and Lambda requests {:.2}, Lambda time {:.2}; Redis is paid by the hour. Prices of \
             us-east-1 as published in November 2026; assumed {REDIS_MS} ms to Redis, {DYNAMODB_MS} ms to DynamoDB, \
             {OWN_MS} ms of work, {FUNCTION_GB} GB on arm64",
            of_units(booking),
            2.0 * (price::API_REQUESTS + price::LAMBDA_REQUESTS),
            of_time(BOOK_TRIPS) + of_time(CONFIRM_TRIPS)
        )),
        Figure::new("the same with 10 browses each", priced, Target::AtMost(18.0), " $", Samples(vec![with]))
            .note("a browse costs no unit: these are requests of API Gateway and Lambda, none of them cached on the way"),
    ])
}

/// Dollars of a million times so many units.
fn of_units(units: Units) -> f64 {
    units.writes * price::WRITE_UNITS + units.reads * price::READ_UNITS
}

/// Dollars of a million requests that wait for these round trips.
fn of_request(trips: (f64, f64)) -> f64 {
    price::API_REQUESTS + price::LAMBDA_REQUESTS + of_time(trips)
}

/// Dollars of the time of a million such requests.
fn of_time((redis, dynamodb): (f64, f64)) -> f64 {
    let seconds = (redis * REDIS_MS + dynamodb * DYNAMODB_MS + OWN_MS) / 1_000.0;
    seconds * FUNCTION_GB * price::LAMBDA_GB_SECOND * 1e6
}
