//! Sales by rate, on the shards.
//!
//! The transaction that sells or takes back places also counts them on the shard that it changes, in attributes named after the
//! rate: `child:sold` are the places sold at the rate `child` and not cancelled, `child:revenue` is what they cost. So counting
//! costs no further item, write or round trip. Only bookings that say so are counted: those with rates, of releases that count.
//!
//! No release takes such a name for an hour's counter ([`super::sales`]): it ends in no number.

use aws_sdk_dynamodb::types::{AttributeValue, builders::UpdateBuilder};

use super::{Item, number};
use domain::{
    rate::DrawCharge,
    sales::{SoldAtRate, SoldByRate},
};

const SOLD: &str = ":sold";
const REVENUE: &str = ":revenue";

/// Whether places are sold or taken back.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Sold,
    TakenBack,
}

/// What follows in an update's `ADD`, which is not empty, to count a draw by rate.
pub(super) fn added(charge: &DrawCharge<'_>) -> String {
    (0..charge.by_rate.len())
        .map(|place| format!(", #sold{place} :sold{place}, #revenue{place} :revenue{place}"))
        .collect()
}

/// The names and the values of that.
pub(super) fn with_values(mut update: UpdateBuilder, charge: &DrawCharge<'_>, way: Way) -> UpdateBuilder {
    let signed = |value: u64| match way {
        Way::Sold => number(value),
        Way::TakenBack => AttributeValue::N(format!("-{value}")),
    };
    for (place, (rate, sold)) in charge.by_rate.iter().enumerate() {
        update = update
            .expression_attribute_names(format!("#sold{place}"), format!("{rate}{SOLD}"))
            .expression_attribute_names(format!("#revenue{place}"), format!("{rate}{REVENUE}"))
            .expression_attribute_values(format!(":sold{place}"), signed(sold.seats))
            .expression_attribute_values(format!(":revenue{place}"), signed(sold.revenue));
    }
    update
}

/// What a shard says; nothing of rates of which nothing is sold.
pub(super) fn by_rate_in(shard: &Item) -> SoldByRate {
    let mut found = SoldByRate::new();
    for (name, value) in shard {
        let Some(value) = value.as_n().ok().and_then(|value| value.parse().ok()).filter(|value| *value > 0)
        else {
            continue;
        };
        if let Some(rate) = name.strip_suffix(SOLD) {
            found.entry(rate.to_owned()).or_default().seats = value;
        } else if let Some(rate) = name.strip_suffix(REVENUE) {
            found.entry(rate.to_owned()).or_default().revenue = value;
        }
    }
    found
}

/// The attributes that say so.
pub fn attributes_of(by_rate: &SoldByRate) -> impl Iterator<Item = (String, AttributeValue)> {
    by_rate.iter().flat_map(|(rate, SoldAtRate { seats, revenue })| {
        [(format!("{rate}{SOLD}"), number(seats)), (format!("{rate}{REVENUE}"), number(revenue))]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shard_says_of_rates_is_read_as_it_is_written() {
        let by_rate = SoldByRate::from([
            ("t487231".to_owned(), SoldAtRate { seats: 2, revenue: 900 }),
            ("0".to_owned(), SoldAtRate { seats: 1, revenue: 0 }),
        ]);
        let mut shard: Item = attributes_of(&by_rate).collect();
        for (other, value) in
            [("sold", 3), ("revenue", 900), ("t487231", 3), ("gone:sold", 0), ("gone:revenue", 0)]
        {
            shard.insert(other.to_owned(), number(value));
        }
        assert_eq!(by_rate_in(&shard), by_rate);
        assert_eq!(super::super::sales::hours_in(&shard).len(), 1, "no rate is taken for an hour");
    }
}
