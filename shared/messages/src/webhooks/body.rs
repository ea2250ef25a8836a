//! What an endpoint is told: what kind of thing happened, when, and the thing as it is now.

use domain::{
    delivery::Delivery,
    error::Error,
    event::{Available, Event},
    message::Kind,
    time::shown,
};
use http_api::views::{BookingView, EventWithAreas};
use serde_json::{Value, json};
use stores::dynamodb::Store;

/// The body of a delivery, or why there is nothing to say any more.
///
/// # Errors
/// When the store fails.
pub(super) async fn of(store: &Store, delivery: &Delivery) -> Result<Result<String, &'static str>, Error> {
    let data = match (delivery.kind, delivery.user_id.zip(delivery.booking_id), delivery.event_id) {
        (Kind::Ping, ..) => json!({ "webhook_id": delivery.endpoint() }),
        (_, Some((user, booking)), _) => match store.booking(user, booking).await? {
            Some(booking) => {
                without("event", json!(BookingView::new(booking, None)), Some(("user_id", json!(user))))
            }
            None => return Ok(Err("the booking is gone")),
        },
        (_, None, Some(event)) => match store.event(event).await? {
            // How many seats are free is another number a moment later.
            Some(event) => of_event(event),
            None => return Ok(Err("the event is gone")),
        },
        _ => return Ok(Err("it is about nothing")),
    };
    let body = json!({ "type": delivery.kind, "timestamp": shown(delivery.happened_at), "data": data });
    Ok(Ok(body.to_string()))
}

fn of_event(event: Event) -> Value {
    let mut view = json!(EventWithAreas::new(event, &Available::default()));
    for area in view["areas"].as_array_mut().into_iter().flatten() {
        *area = without("available", area.take(), None);
    }
    without("available", view, None)
}

fn without(field: &str, mut view: Value, and: Option<(&str, Value)>) -> Value {
    if let Value::Object(fields) = &mut view {
        fields.remove(field);
        fields.extend(and.map(|(name, value)| (name.to_owned(), value)));
    }
    view
}
