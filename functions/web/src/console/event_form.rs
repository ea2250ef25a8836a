//! The form of an event: how it is shown, and how it is read.

use administration::EventInput;
use domain::{
    event::{CAPACITY_MAX, Event, EventStatus, MAX_PER_BOOKING_MAX, PRICE_MAX, PRICING_PERCENT, Pricing},
    field_error::{FieldError, Kind, Wrong},
    money::{decimal, minor_units},
    time,
};
use http_api::fields::{Fields, Read, Value, text, uuid, whole};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use maud::{Markup, html};
use uuid::Uuid;

use super::{
    event,
    event_complaints::for_people,
    event_lines::{AREAS, RATES, areas, rates, written_areas, written_rates},
    status::VERSION,
};
use crate::frame::{
    form::Typed,
    parts::{Field, hidden},
    visitor::Visitor,
};

/// How browsers show and send a time without an offset. It is in UTC; with scripts people see and type their own time.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M";
const TIME_FORMAT_WITH_SECONDS: &str = "%Y-%m-%dT%H:%M:%S%.3f";
const IN_UTC: &str = "In UTC.";

pub(super) const MAIN: [Field; 5] = [
    Field::new("name", "Name", "text"),
    Field::new("venue", "Venue", "text").optional(),
    Field::new("description", "Description", "textarea").optional(),
    Field::new("starts_at", "Starts", "datetime-local").hint(IN_UTC).step("any"),
    Field::new("ends_at", "Ends", "datetime-local").optional().hint(IN_UTC).step("any"),
];
const CAPACITY: Field =
    Field::new("capacity", "Places", "number").depending().hint("Empty, if there are areas.");
const PRICE: Field = Field::new("base_price", "Price of a place", "text")
    .depending()
    .hint("Like 45.00. 0 is free. Without meaning, if there are areas.");
const CURRENCY: Field =
    Field::new("currency", "Currency", "text").hint("Three letters, like EUR, USD or JPY.");
pub(super) const MORE: [Field; 7] = [
    Field::new("time_zone", "Time zone", "text")
        .optional()
        .hint("Of the venue, like Europe/Berlin. UTC, if empty. Mails tell times in it."),
    Field::new("sales_open_at", "Sales open", "datetime-local")
        .optional()
        .hint("At once, if empty. In UTC.")
        .step("any"),
    Field::new("sales_close_at", "Sales close", "datetime-local")
        .optional()
        .hint("At the start, if empty. In UTC.")
        .step("any"),
    Field::new("cancel_until", "Bookings can be cancelled until", "datetime-local")
        .optional()
        .hint("Until the start, if empty. In UTC.")
        .step("any"),
    Field::new("max_per_booking", "Places in one booking at most", "number").optional().hint("10, if empty."),
    Field::new("max_per_user", "Places for one person at most", "number").optional().hint("10, if empty."),
    Field::new(RATES, "Rates", "textarea").optional().hint(
        "One a line, the ordinary one first: a short word, percent of the price, a name. Like: child 50 Up to 14. Everybody pays \
         the price, if empty.",
    ),
];
const OF_AREAS: Field = Field::new(AREAS, "Areas", "textarea").optional().hint(
    "If places differ, instead of the number and the price above: one a line, a short word, places, price, name. Like: floor 500 45.00 \
     Floor. If the price is to follow demand, with its bounds in percent: balcony 200 65.00 80-150 Balcony. The short word stays for \
     ever. Where seats have names, write rows in place of the places: see below.",
);
pub(super) const BOUNDS: [Field; 2] = [
    Field::new("min_percent", "Lowest price, % of the price", "number").optional().hint("80, if empty."),
    Field::new("max_percent", "Highest price, % of the price", "number").optional().hint("150, if empty."),
];
pub(super) const PRICING: &str = "pricing";
const KEY: &str = "key";
const PREVIEW: &str = "preview";

/// An event as somebody wrote it into the form.
#[derive(Debug)]
pub(crate) struct EventForm {
    pub(crate) input: EventInput,
    /// Of a new event: sent twice, the form makes one.
    pub(crate) key: Option<Uuid>,
    /// Of an event that is there: the version that the form was made of.
    pub(crate) version: Option<u64>,
    /// Whether its halls are to be shown, and nothing saved.
    pub(crate) is_preview: bool,
}

impl Read for EventForm {
    /// In a form a character may take 12 bytes, as in JSON. Beside the texts there is less than two KiB.
    const BODY_BYTES_MAX: usize = administration::EVENT_BODY_BYTES_MAX + 2 * 1024;

    fn read(fields: &mut Fields) -> Option<Self> {
        let key = fields.optional(KEY, uuid);
        let version = fields.optional(VERSION, text).and_then(|version| version.parse().ok());
        let is_preview = fields.optional(PREVIEW, text).is_some();
        let currency = fields.required("currency", text).unwrap_or_default().trim().to_uppercase();
        let price = |value| price(value, &currency);
        let wants_pricing = fields.optional(PRICING, text).is_some();
        let usual = Pricing::default();
        let min_percent = fields.optional("min_percent", whole(PRICING_PERCENT));
        let max_percent = fields.optional("max_percent", whole(PRICING_PERCENT));
        if key.is_some() && !wants_pricing {
            // In the form of an event that has them they may stand for what was switched off.
            for (name, percent) in [("min_percent", min_percent), ("max_percent", max_percent)] {
                if percent.is_some() {
                    fields.complain(name, Wrong::OnlyWith { other: PRICING, value: "yes" });
                }
            }
        }
        let areas = fields.optional(AREAS, |value| areas(value, &currency)).filter(|areas| !areas.is_empty());
        let names_areas = areas.is_some() || fields.has_complaint(AREAS);
        let input = EventInput {
            unread: Vec::new(),
            name: fields.required("name", text).unwrap_or_default(),
            // Browsers send lines that end with two characters.
            description: fields.optional("description", text).map(|text| text.replace("\r\n", "\n")),
            venue: fields.optional("venue", text),
            starts_at: fields.required("starts_at", moment).unwrap_or_default(),
            time_zone: fields.optional("time_zone", text),
            ends_at: fields.optional("ends_at", moment),
            capacity: match names_areas {
                true => fields.optional("capacity", |_| Err(Wrong::Beside(AREAS))),
                false => fields.required("capacity", whole(1..=CAPACITY_MAX)),
            },
            // The form begins with one, which then has no meaning.
            base_price: match names_areas {
                true => fields.optional("base_price", |_| Ok(())).and(None),
                false => fields.required("base_price", price),
            },
            sales_open_at: fields.optional("sales_open_at", moment),
            sales_close_at: fields.optional("sales_close_at", moment),
            cancel_until: fields.optional("cancel_until", moment),
            max_per_booking: fields.optional("max_per_booking", whole(1..=MAX_PER_BOOKING_MAX)),
            max_per_user: fields.optional("max_per_user", whole(1..=CAPACITY_MAX)),
            status: fields.optional("status", administration::status),
            pricing: wants_pricing.then_some(Pricing {
                min_percent: min_percent.unwrap_or(usual.min_percent),
                max_percent: max_percent.unwrap_or(usual.max_percent),
            }),
            rates: fields.optional(RATES, rates).filter(|rates| !rates.is_empty()),
            areas,
            currency,
        };
        if names_areas && input.pricing.is_some() {
            fields.complain(PRICING, Wrong::Beside(AREAS));
        }
        Some(Self { input: EventInput { unread: fields.complaints(), ..input }, key, version, is_preview })
    }
}

/// A time as a browser sends it, or as RFC 3339 has it.
fn moment(value: Value) -> Result<Timestamp, Wrong> {
    let text = text(value)?;
    let in_utc = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let typed = text.trim().parse::<DateTime>().ok().and_then(in_utc);
    time::parse(text.trim()).or(typed).ok_or(Wrong::Type(Kind::Time))
}

fn price(value: Value, currency: &str) -> Result<u32, Wrong> {
    // Of a currency that is none, only that is said.
    if domain::event::currency_in_use(currency).is_none() {
        return Ok(0);
    }
    let units = minor_units(&text(value)?, currency).ok_or(Wrong::Type(Kind::WholeNumber))?;
    u32::try_from(units).map_err(|_| Wrong::OutOfRange { min: 0, max: PRICE_MAX })
}

/// An event as the form changes it: rows say how many seats are in their areas.
pub(crate) fn input_of(event: &Event) -> EventInput {
    let mut input = EventInput::of(event);
    for (area, kept) in input.areas.iter_mut().flatten().zip(&event.details.areas) {
        area.capacity = area.capacity.filter(|_| kept.rows == 0);
    }
    input
}

/// An event's fields as the form shows them.
pub(crate) fn typed(event: &EventInput) -> Typed {
    let time = |at: Option<Timestamp>| at.map(written).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let pricing = event.pricing.as_ref();
    Typed::all([
        ("name", event.name.clone()),
        ("venue", text(&event.venue)),
        ("description", text(&event.description)),
        ("starts_at", written(event.starts_at)),
        ("time_zone", text(&event.time_zone)),
        ("ends_at", time(event.ends_at)),
        ("capacity", number(event.capacity)),
        (
            "base_price",
            event.base_price.and_then(|price| decimal(price.into(), &event.currency)).unwrap_or_default(),
        ),
        (
            AREAS,
            event.areas.as_deref().map(|areas| written_areas(areas, &event.currency)).unwrap_or_default(),
        ),
        ("currency", event.currency.clone()),
        ("sales_open_at", time(event.sales_open_at)),
        ("sales_close_at", time(event.sales_close_at)),
        ("cancel_until", time(event.cancel_until)),
        ("max_per_booking", number(event.max_per_booking)),
        ("max_per_user", number(event.max_per_user)),
        (RATES, event.rates.as_deref().map(written_rates).unwrap_or_default()),
        (PRICING, pricing.map_or("", |_| "yes").to_owned()),
        ("min_percent", number(pricing.map(|pricing| pricing.min_percent))),
        ("max_percent", number(pricing.map(|pricing| pricing.max_percent))),
    ])
}

/// What an event has by now, where the form has something else.
pub(crate) fn differing(form: &EventInput, now: &EventInput) -> Typed {
    let form = typed(form);
    typed(now).without(|name, value| form.get(name) == value)
}

/// A time of full minutes without its seconds, as people type it.
fn written(at: Timestamp) -> String {
    let is_full_minute = at.as_millisecond() % 60_000 == 0;
    at.strftime(if is_full_minute { TIME_FORMAT } else { TIME_FORMAT_WITH_SECONDS }).to_string()
}

/// What an empty form begins with.
pub(crate) fn empty() -> Typed {
    Typed::all([("currency", "EUR".to_owned()), ("base_price", "0.00".to_owned())])
}

/// What the form is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum For<'a> {
    /// A new event, made once by each such key.
    New(Uuid),
    /// An event, and the version of it that the form is made of: of a later one nothing is changed.
    Change(&'a Event, u64),
}

/// The form. Of an event that others changed meanwhile, `now` is what differs by then.
pub(crate) fn show(
    visitor: &Visitor,
    form: For<'_>,
    typed: &Typed,
    errors: &[FieldError],
    now: &Typed,
) -> Markup {
    // Sales that close at the start, as nobody said otherwise, are no second mistake beside an end before it.
    let is_said =
        |error: &&FieldError| error.field != "sales_close_at" || !typed.get("sales_close_at").is_empty();
    let errors: Vec<_> = errors.iter().filter(is_said).map(|error| for_people(error, typed)).collect();
    let field = |field: &Field| {
        let there = now.find(field.name());
        html! {
            div {
                (field.show(typed, &errors))
                @if let Some(there) = there { p.hint { "Now it is: " b { (said(field, there)) } } }
            }
        }
    };
    let (action, currency) = match form {
        For::New(_) => (super::edit::NEW_PATH.to_owned(), CURRENCY),
        For::Change(event, _) => (super::edit::href(event.id), CURRENCY.fixed().hint("It can't be changed.")),
    };
    let is_more_open = MORE.iter().chain(&BOUNDS).any(|field| {
        !typed.get(field.name()).is_empty() || errors.iter().any(|error| error.field == field.name())
    });
    html! {
        form.event method="post" action=(action) autocomplete="off" {
            (hidden(&visitor.glimpse, None))
            @match form {
                For::New(key) => input type="hidden" name=(KEY) value=(key);,
                For::Change(_, version) => input type="hidden" name=(VERSION) value=(version);,
            }
            @for one in &MAIN { (field(one)) }
            div.row { (field(&CAPACITY)) (field(&PRICE)) (field(&currency)) }
            (field(&OF_AREAS))
            (how_rows_are_typed())
            details open[is_more_open] {
                summary { "When sales open and close, limits, rates, demand pricing" }
                @for one in &MORE { (field(one)) }
                div.field.tick {
                    input #(PRICING) name=(PRICING) type="checkbox" value="yes" checked[!typed.get(PRICING).is_empty()];
                    label for=(PRICING) { "Let the price follow demand, once a day" }
                }
                @for error in errors.iter().filter(|error| error.field == PRICING) { p.error { (error.message) } }
                div.row { @for one in &BOUNDS { (field(one)) } }
            }
            div.actions {
                @match form {
                    For::New(_) => {
                        button name="status" value=(EventStatus::Draft.as_str()) class="quiet" { "Save as a draft" }
                        button name="status" value=(EventStatus::Published.as_str()) { "Publish" }
                        // Behind what saves: Enter in a field does what the first button does.
                        button.quiet name=(PREVIEW) value="yes" formnovalidate { "Preview the halls" }
                    },
                    For::Change(event, _) => {
                        button { "Save" }
                        a.button.quiet href=(event::href(event.id)) { "Discard the changes" }
                    },
                }
            }
        }
    }
}

/// What a hint has no room for.
fn how_rows_are_typed() -> Markup {
    let lines = [
        ("balcony rows 65.00 Balcony", "its places are in rows, which stand below it, the best one first"),
        ("+ A 24", "row A, with the seats 1 to 24"),
        ("+ B 1,2,5", "row B, with these"),
        ("+ C..K 20 : 1,20", "rows C to K, whose seats 1 and 20 are accessible"),
        ("+ no single seats", "where seats are chosen for people, none is left alone"),
    ];
    html! {
        details {
            summary { "Areas whose seats have names" }
            ul { @for (line, means) in lines { li { code { (line) } ": " (means) } } }
            p.hint { "Rows that an area has stay, and are not written again. Its page adds others, and takes seats out of sale." }
        }
    }
}

/// What stands in a field, for people.
fn said(field: &Field, value: &str) -> Markup {
    html! {
        @match moment(Value::Parameter(value.to_owned())) {
            _ if value.is_empty() => { "nothing" }
            Ok(at) if is_time(field.name()) => { (crate::frame::words::time(at)) }
            _ => { (value) }
        }
    }
}

pub(super) fn is_time(field: &str) -> bool {
    field.ends_with("_at") || field == "cancel_until"
}

#[cfg(test)]
mod tests {
    use http_api::fields::read;

    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("name", "Open Air"),
        ("starts_at", "2031-06-12T18:00"),
        ("capacity", "500"),
        ("base_price", "45.5"),
        ("currency", "eur"),
    ];

    fn of(more: &[(&str, &str)]) -> EventForm {
        let fields = GOOD.iter().filter(|(name, _)| !more.iter().any(|(other, _)| name == other)).chain(more);
        // An empty field is as none, as in what a browser sends.
        let fields = fields.filter(|(_, value)| !value.is_empty());
        let given = fields.map(|(name, value)| ((*name).to_owned(), Value::Parameter((*value).to_owned())));
        read(given.collect()).unwrap()
    }

    #[test]
    fn what_people_type_is_an_event() {
        let form = of(&[
            ("description", "one\r\ntwo"),
            ("pricing", "yes"),
            ("max_percent", "120"),
            ("status", "draft"),
        ]);
        let EventInput { unread, base_price, currency, starts_at, description, pricing, status, .. } =
            form.input;
        assert!(unread.is_empty(), "{unread:?}");
        assert_eq!((base_price, currency.as_str()), (Some(4_550), "EUR"));
        assert_eq!(starts_at.to_string(), "2031-06-12T18:00:00Z");
        assert_eq!(description.as_deref(), Some("one\ntwo"));
        assert_eq!(pricing, Some(Pricing { min_percent: 80, max_percent: 120 }));
        assert_eq!(status, Some(EventStatus::Draft));
        // Bounds alone do not switch it on.
        assert_eq!(of(&[("max_percent", "120")]).input.pricing, None);
    }

    #[test]
    fn areas_stand_in_place_of_places_and_a_price() {
        let fields = |form: &EventForm| {
            let unread = form.input.unread.iter();
            unread.map(|error| (error.field.clone(), error.code)).collect::<Vec<_>>()
        };
        let form = of(&[("areas", "floor 5 45.00 Floor\r\nbox 2 90.00 Box"), ("capacity", "")]);
        assert_eq!(fields(&form), [], "the price that the form begins with has no meaning");
        let EventInput { areas, capacity, base_price, .. } = form.input;
        assert_eq!((areas.unwrap().len(), capacity, base_price), (2, None, None));
        let both = of(&[("areas", "floor 5 45.00 Floor"), ("pricing", "yes")]);
        assert_eq!(fields(&both), [("capacity".to_owned(), "beside"), ("pricing".to_owned(), "beside")]);
        let broken = of(&[("areas", "floor 5"), ("capacity", "")]);
        assert_eq!(fields(&broken), [("areas".to_owned(), "wrong_type")]);
    }

    const PRICE: &str = "base_price: must be an amount like 45.00, with as many digits behind the point as the currency has, and none \
                         but that point: a million at most";

    #[test]
    fn what_can_not_be_read_is_said_in_the_words_of_the_form() {
        let wrong = |more: &[(&str, &str)]| {
            let unread = of(more)
                .input
                .unread
                .iter()
                .map(|error| for_people(error, &Typed::default()))
                .collect::<Vec<_>>();
            unread.into_iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&[("base_price", "many")]), [PRICE]);
        assert_eq!(wrong(&[("base_price", "4000000000000")]), [PRICE]);
        assert_eq!(wrong(&[("starts_at", "tomorrow")]), ["starts_at: must be a day and a time"]);
        assert_eq!(wrong(&[("capacity", "1.5")]), ["capacity: must be a whole number"]);
        // The currency is looked at with the rest of the event.
        assert_eq!(wrong(&[("currency", "XXX"), ("base_price", "many")]), [""; 0]);
        let below = FieldError::new("pricing.max_percent", Wrong::Below("pricing.min_percent"));
        assert!(
            for_people(&below, &Typed::default()).message.contains("“Lowest price, % of the price”"),
            "{below:?}"
        );
    }

    #[test]
    fn a_time_is_shown_as_it_is_read() {
        for at in ["2031-06-12T18:00:00Z", "2031-06-12T18:00:30Z", "2031-06-12T18:00:30.123Z"] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(moment(Value::Parameter(written(at))), Ok(at));
        }
        assert_eq!(written("2031-06-12T18:00:00Z".parse().unwrap()), "2031-06-12T18:00");
        let with_offset = Value::Parameter("2031-06-12T20:00:00+02:00".to_owned());
        assert_eq!(moment(with_offset).unwrap().to_string(), "2031-06-12T18:00:00Z");
    }
}
