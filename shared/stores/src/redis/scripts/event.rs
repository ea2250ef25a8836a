//! An event comes to Redis, changes, and goes.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    json,
    rows::{rows_as_loaded, shards_as_loaded},
};
use crate::redis::Redis;
use domain::{
    error::Error,
    event::{Area, Event},
    id::{AreaKey, AreaNumber, EventId},
    inventory::{InventoryShard, Shards, pending_of},
    row::Row,
};

script!(LOAD, "lib/state.lua", "lib/rows.lua", "load.lua");
script!(REFRESH, "lib/state.lua", "refresh.lua");
script!(UNLOAD, "lib/state.lua", "unload.lua");

impl Redis {
    /// `load.lua`: makes an area's state if it is missing; `inventory` are its shards, in their order, and `rows` what they are in a
    /// numbered area.
    pub async fn load(
        &self,
        event: &Event,
        area: AreaNumber,
        inventory: &[InventoryShard],
        rows: &[&Row],
        epoch: &str,
    ) -> Result<(), Error> {
        let shards = shards_as_loaded(inventory, rows)?;
        let answer = self.run(&LOAD, AreaKey { event: event.id, number: area }, |call| {
            call.arg(epoch).arg(facts(event, area)?).arg(shards).arg(rows_as_loaded(rows)?);
            call.arg(pending_of(inventory));
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "LOADED" | "ALREADY_LOADED" => Ok(()),
            _ => Err(answer.unknown("load")),
        }
    }

    /// Brings the event's facts up to date, for each of its areas. Answers whether they were not.
    pub async fn refresh_areas(&self, event: &Event) -> Result<bool, Error> {
        let refreshed = event.shards.areas().map(|area| self.refresh(event, area));
        Ok(try_join_all(refreshed).await?.contains(&true))
    }

    /// `refresh.lua`: brings the facts of one of its areas up to date. Answers whether they were not.
    pub async fn refresh(&self, event: &Event, area: AreaNumber) -> Result<bool, Error> {
        let mut call = REFRESH.key(self.keys.state(AreaKey { event: event.id, number: area }));
        call.arg(facts(event, area)?);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "REFRESHED" => Ok(true),
            "UP_TO_DATE" | "NOT_LOADED" => Ok(false),
            _ => Err(answer.unknown("refresh")),
        }
    }

    /// Forgets an event that is deleted: its seats, its holds and what people see of it.
    pub async fn forget_event(&self, event: EventId, shards: &Shards) -> Result<(), Error> {
        let of_areas = shards.areas().map(|number| async move {
            let area = AreaKey { event, number };
            let mut unlink = redis::cmd("UNLINK");
            unlink.arg(self.keys.state(area)).arg(self.keys.deadlines(area)).arg(self.keys.holds(area));
            unlink.arg(self.keys.turn(area));
            if number == 0 {
                unlink.arg(self.keys.copy(event));
            }
            self.ask::<i64>(&unlink).await
        });
        try_join_all(of_areas).await.map(|_| ())
    }

    /// `unload.lua`: forgets an area of an event whose sales are over. Answers whether it is forgotten.
    pub async fn unload(&self, area: impl Into<AreaKey>) -> Result<bool, Error> {
        let answer = self.run(&UNLOAD, area.into(), |_| Ok(())).await?;
        match answer.word() {
            "UNLOADED" => Ok(true),
            "HOLDS_LEFT" => Ok(false),
            _ => Err(answer.unknown("unload")),
        }
    }
}

/// The facts of an event that scripts go by in one of its areas, as `lib/state.lua` lists them. All are strings: Lua's numbers
/// would not keep every digit.
fn facts(event: &Event, area: AreaNumber) -> Result<String, Error> {
    let (details, of_area) = (&event.details, event.area(area));
    let ms = |instant: Timestamp| instant.as_millisecond().to_string();
    let rates: Vec<_> = details.rates.iter().map(|rate| (&rate.id, &rate.name, rate.percent)).collect();
    let mut facts = serde_json::json!({
        "name": details.name,
        "venue": details.venue.as_deref().unwrap_or_default(),
        "starts_at": ms(details.starts_at),
        "status": details.status.as_str(),
        "sales_open_at": details.sales_open_at.map_or_else(|| "0".to_owned(), ms),
        "sales_close_at": ms(event.sales_close_at()),
        "cancel_until": details.cancel_until.map(ms).unwrap_or_default(),
        "capacity": details.capacity.to_string(),
        "price": of_area.map_or(event.price, |area| area.price).to_string(),
        "rates": if rates.is_empty() { String::new() } else { json(&rates)? },
        "currency": details.currency.code(),
        "max_per_booking": details.max_per_booking.to_string(),
        "max_per_user": details.max_per_user.to_string(),
        "version": event.version.to_string(),
        "shards": event.shards.of(area).to_string(),
    });
    if !details.areas.is_empty() {
        // One that was taken away has no name.
        let (id, name) = of_area.map(|area| (area.id, area.name)).unwrap_or_default();
        facts["area"] = id.into();
        facts["area_name"] = name.into();
        let numbers: BTreeMap<_, _> =
            event.areas().into_iter().map(|area| (area.id.to_owned(), area.key.number)).collect();
        facts["areas"] = json(&numbers)?.into();
    }
    if event.layout_parts > 0 {
        let numbered = event.areas().into_iter().filter(Area::is_numbered);
        let numbered: BTreeMap<_, _> = numbered.map(|area| (area.id.to_owned(), area.key.number)).collect();
        facts["numbered"] = json(&numbered)?.into();
        facts["layout"] = event.layout_version().to_string().into();
    }
    if let Some(area) = of_area.filter(Area::is_numbered) {
        facts["format"] = "2".into();
        facts["kind"] = area.kind().into();
        facts["no_single_seats"] = if area.no_single_seats { "1" } else { "" }.into();
    }
    json(&facts)
}
