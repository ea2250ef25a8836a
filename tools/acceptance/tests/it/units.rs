//! What DynamoDB charges for a request, in capacity units. AWS's DynamoDB Local counts transactions twice, so this looks
//! at the embedded store only.

use http_api::App;
use local::{
    consumed::{Consumed, Units},
    embedded_store::{EmbeddedStore, Location},
};
use stores::dynamodb;

use crate::common::{TestApp, own_redis};

/// Of one seat, booked and confirmed: 2 the booking and 1 its entry in the index `by_event`, 2 its inventory shard, 2 the
/// item that counts its user's seats. In a transaction a write costs two units.
const WRITES_TO_BUY: f64 = 7.0;

#[tokio::test]
async fn each_request_consumes_few_units_and_none_is_read() {
    let dynamodb = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let redis = own_redis().await;
    let evently = TestApp::on(dynamodb.endpoint(), redis.url(), |_| {}).await;
    let consumed = Consumed::default();
    let client = consumed.counted(&dynamodb::client_for_endpoint(dynamodb.endpoint()));
    let evently = TestApp::serve(App::new(evently.app.config.clone(), client).unwrap()).await;
    let (event, warm) = (evently.event(100).await, evently.user());
    let booking = warm.buy(&event, 1).await;
    for path in ["/events", "/events/popular"] {
        warm.get(path).await;
    }
    consumed.take();

    let none = Units::default();
    for path in [format!("/events/{event}"), "/events".to_owned(), "/events/popular".to_owned()] {
        warm.get(&path).await;
        assert_eq!(consumed.take(), none, "{path}");
    }
    let ada = evently.user();
    let hold = ada.hold(&event, 1).await;
    assert_eq!(consumed.take(), none, "book");
    assert_eq!(ada.confirm(&hold).await.status, 201);
    assert_eq!(consumed.take(), Units { writes: WRITES_TO_BUY, reads: 0.0 }, "confirm");
    warm.cancel(&booking).await;
    // The booking is read first, with strong consistency.
    assert_eq!(consumed.take(), Units { writes: WRITES_TO_BUY, reads: 1.0 }, "cancel");
}
