//! The columns of each file: those of the guide, in their order, whatever there is to be shown.

use super::*;

const GUIDE: &str = include_str!("../../../../../docs/api-guide.md");

/// The paths and their columns, as the guide has them.
pub(super) fn columns_of_guide() -> Vec<(String, Vec<String>)> {
    let block = GUIDE.split("<!-- columns -->\n```text\n").nth(1).unwrap().split("```").next().unwrap();
    let of_path = |text: &str| {
        let (path, columns) = text.split_once('\n').unwrap();
        (path.to_owned(), columns.split(',').map(|column| column.trim().to_owned()).collect())
    };
    block.split("GET ").skip(1).map(of_path).collect()
}

fn header_of(content: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().from_reader(content.as_bytes());
    reader.headers().unwrap().iter().map(str::to_owned).collect()
}

/// The columns of 2026-11-26: people count them, so they stay where they are, and new ones come behind.
const COLUMNS: [(&str, &str); 8] = [
    (
        "/bookings",
        "id,event_id,event_name,starts_at,quantity,unit_price,unit_price_decimal,total,total_decimal,currency,status,\
         created_at,cancelled_at,version,event_name_now,event_starts_at_now,event_venue_now,event_cancel_until_now,\
         event_status_now",
    ),
    (
        "/admin/events",
        "id,name,venue,starts_at,ends_at,sales_open_at,sales_close_at,cancel_until,status,capacity,available,\
         base_price,base_price_decimal,price,price_decimal,currency,max_per_booking,max_per_user,min_percent,\
         max_percent,version,description,time_zone",
    ),
    (
        "/admin/events/{id}/prices",
        "number,changed_at,price,price_decimal,previous_price,previous_price_decimal,base_price,base_price_decimal,\
         currency,reason,utilization,tickets_per_day,days_left,target_percent",
    ),
    (
        "/admin/events/{id}/bookings",
        "id,user_id,event_id,event_name,starts_at,quantity,unit_price,total,currency,status,created_at,cancelled_at,\
         version,user_email,user_name,unit_price_decimal,total_decimal",
    ),
    (
        "/admin/events/capacity_utilization",
        "event_id,name,starts_at,capacity,sold,held,available,utilization",
    ),
    (
        "/admin/analytics",
        "total_bookings,confirmed_bookings,cancelled_bookings,cancellation_rate,tickets_sold,tickets_cancelled,\
         capacity,capacity_utilization,generated_at,currency,revenue,revenue_decimal,\
         most_popular_1_event_id,most_popular_1_name,most_popular_1_starts_at,most_popular_1_tickets_sold,\
         most_popular_1_capacity,most_popular_1_utilization,\
         most_popular_2_event_id,most_popular_2_name,most_popular_2_starts_at,most_popular_2_tickets_sold,\
         most_popular_2_capacity,most_popular_2_utilization,\
         most_popular_3_event_id,most_popular_3_name,most_popular_3_starts_at,most_popular_3_tickets_sold,\
         most_popular_3_capacity,most_popular_3_utilization,\
         most_popular_4_event_id,most_popular_4_name,most_popular_4_starts_at,most_popular_4_tickets_sold,\
         most_popular_4_capacity,most_popular_4_utilization,\
         most_popular_5_event_id,most_popular_5_name,most_popular_5_starts_at,most_popular_5_tickets_sold,\
         most_popular_5_capacity,most_popular_5_utilization",
    ),
    (
        "/admin/analytics/timeline",
        "start,bookings,tickets_sold,tickets_cancelled,bookings_cancelled,currency,revenue,revenue_decimal,refunds,\
         refunds_decimal",
    ),
    (
        "/admin/audit",
        "id,at,admin_id,admin_email,action,event_id,event_name,version_before,version_after,changes,request_id",
    ),
];

#[tokio::test]
async fn columns_are_those_of_the_guide_and_stay_with_rows_and_without() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    // Nothing was ever sold, nor done to an event.
    let event = evently.event_created(3, |_| {}).await;
    let guide = columns_of_guide();
    assert_eq!(guide.len(), COLUMNS.len());
    for n in 0..2 {
        for (path, columns) in &guide {
            let (_, before) = COLUMNS.iter().find(|(of, _)| of == path).unwrap();
            assert!(columns.join(",").starts_with(before), "{path}: a new column comes last");
            let file = admin.get(&with_query(&path.replace("{id}", &event), "format=csv")).await;
            assert_eq!(header_of(content(&file)), *columns, "{path}");
            assert!(content(&file).ends_with("\r\n") && !content(&file).replace("\r\n", "").contains('\r'));
            let begins_empty = ["/bookings", "/admin/audit", "/admin/events/{id}/bookings"];
            let is_empty = n == 0 && begins_empty.contains(&path.as_str());
            assert_eq!(rows_of(content(&file)).is_empty(), is_empty, "{path}");
        }
        // In two currencies.
        for currency in ["EUR", "BHD"] {
            let event = evently.event_with(json!({ "currency": currency })).await;
            admin.buy(&event, 1).await;
        }
        let sold = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
        let now = Timestamp::now();
        let booking = booked(&admin, sold.id, now, now);
        evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap();
    }
}
