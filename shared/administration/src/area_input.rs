//! The areas of an event as an admin writes them, and the rows of those with named seats.

use std::collections::HashSet;

use domain::{
    event::{AreaDetails, CAPACITY_MAX, PRICE_MAX, PRICING_PERCENT, Pricing},
    field_error::{FieldError, Wrong},
    row::{LABEL_CHARS_MAX, Labels, ROW_NAME_CHARS_MAX, ROWS_MAX, Row, SEATS_PER_ROW_MAX, SeatSet, seats_of},
    text::{in_one_piece, is_line, is_visible},
};
use http_api::fields::{Fields, Value, text, texts, truth, whole, whole_within};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type},
};

/// An area: a number of places, or rows of seats with names.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AreaInput {
    /// By which a booking asks for it, unique in the event, and its own for ever.
    #[schema(example = "floor", pattern = "^[a-z0-9-]{1,32}$")]
    pub id: String,
    /// 1 to 200 characters, something to be seen among them, and none of them a control character.
    #[schema(example = "Floor", max_length = 200)]
    pub name: String,
    /// Places in it. Needed unless it has rows, which have so many seats as they have.
    #[schema(value_type = u32, required = false, example = 500, minimum = 1, maximum = 1_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Price of a seat, in minor units of the event's currency. A new base price is the new price, too.
    #[schema(example = 4500, minimum = 0, maximum = 100_000_000)]
    pub base_price: u32,
    /// Bounds of demand pricing, `{}` for the usual ones. Without, the price is the base price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// Rows of seats with names, the best one first: at most 2,000 of an event, with 100,000 seats together. If they are left out when an
    /// event is changed, an area keeps those that it has; none of them can be changed or taken away, but others be added behind them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<RowInput>>,
    /// Where the system chooses, it leaves no single seat free between taken ones if it can. If it is left out, an area keeps what it
    /// has; a new one has none of it.
    #[schema(value_type = bool, required = false, default = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_single_seats: Option<bool>,
}

/// A row of seats. Neighbours are those that stand beside each other in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RowInput {
    /// What it is called, unique in its area: 1 to 32 characters, none of them a slash or a control character.
    #[schema(example = "A", min_length = 1, max_length = 32)]
    pub name: String,
    /// What its seats are called: how many they are, if they are called 1, 2, 3 and so on; or a list of their labels of 1 to 8
    /// characters, none of them a slash, each once.
    #[schema(schema_with = seats_schema)]
    pub seats: SeatsInput,
    /// The labels of those that are meant for people who need them.
    #[schema(required = false, example = json!(["1"]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accessible: Vec<String>,
}

/// The seats of a row: how many they are, or their labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SeatsInput {
    /// So many, from `1` on.
    Count(u32),
    /// These, in the order in which they stand.
    Labels(Vec<String>),
}

fn seats_schema() -> Schema {
    let count =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(SEATS_PER_ROW_MAX));
    let label =
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(LABEL_CHARS_MAX));
    let labels = ArrayBuilder::new().items(label).min_items(Some(1)).max_items(Some(SEATS_PER_ROW_MAX));
    OneOfBuilder::new().item(count).item(labels).examples([24]).into()
}

impl From<&Row> for RowInput {
    fn from(row: &Row) -> Self {
        let accessible = row.accessible.iter().map(|seat| row.labels.label(seat).into_owned()).collect();
        let seats = match &row.labels {
            Labels::Numbers(count) => SeatsInput::Count(u32::from(*count)),
            Labels::Listed(labels) => SeatsInput::Labels(labels.clone()),
        };
        Self { name: row.name.clone(), seats, accessible }
    }
}

impl From<AreaDetails> for AreaInput {
    /// An area as it is, to change something of it or of its event. Its rows stay.
    fn from(area: AreaDetails) -> Self {
        let AreaDetails { id, name, capacity, base_price, pricing, no_single_seats, .. } = area;
        Self {
            id,
            name,
            capacity: Some(capacity),
            base_price,
            pricing,
            rows: None,
            no_single_seats: Some(no_single_seats),
        }
    }
}

/// An area. What is said of it beyond its kind, the event's details know. What could not be read only stands for it.
pub fn area(fields: &mut Fields) -> Option<AreaInput> {
    let (id, name) = (fields.required("id", text), fields.required("name", text));
    let capacity = match fields.has("rows") {
        true => fields.optional("capacity", |_| Err(Wrong::Beside("rows"))),
        false => fields.optional("capacity", whole(1..=CAPACITY_MAX)),
    };
    let base_price = fields.required("base_price", whole(0..=PRICE_MAX));
    let pricing = fields.object("pricing", pricing).flatten();
    let rows = fields.objects("rows", row).flatten();
    let no_single_seats = fields.optional("no_single_seats", truth);
    let (id, name) = (id.unwrap_or_default(), name.unwrap_or_default().trim().to_owned());
    let base_price = base_price.unwrap_or_default();
    Some(AreaInput { id, name, capacity, base_price, pricing, rows, no_single_seats })
}

/// Bounds of demand pricing.
pub(crate) fn pricing(fields: &mut Fields) -> Pricing {
    let usual = Pricing::default();
    Pricing {
        min_percent: fields.given("min_percent", whole(PRICING_PERCENT)).unwrap_or(usual.min_percent),
        max_percent: fields.given("max_percent", whole(PRICING_PERCENT)).unwrap_or(usual.max_percent),
    }
}

/// A row of an area. What could not be read only stands for it.
pub fn row(fields: &mut Fields) -> Option<RowInput> {
    let (name, seats) = (fields.required("name", text), fields.required("seats", seats));
    let accessible = fields.optional("accessible", texts).unwrap_or_default();
    let accessible = accessible.iter().map(|label| tidy(label)).collect();
    let name = tidy(&name.unwrap_or_default());
    Some(RowInput { name, seats: seats.unwrap_or(SeatsInput::Count(1)), accessible })
}

/// What looks alike is the same name: without spaces around it, and with each character in one piece.
fn tidy(name: &str) -> String {
    in_one_piece(name.trim())
}

fn seats(value: Value) -> Result<SeatsInput, Wrong> {
    let most = u32::try_from(SEATS_PER_ROW_MAX).unwrap_or(u32::MAX);
    match value {
        Value::List(_) => {
            texts(value).map(|labels| SeatsInput::Labels(labels.iter().map(|label| tidy(label)).collect()))
        }
        other => whole_within(1..=most)(other).map(SeatsInput::Count),
    }
}

/// Rows as they are kept, and what is wrong with them: their fields stand `within` others, like `areas.1.`. Of those that could not be
/// read nothing is said.
pub fn rows_of(input: &[RowInput], within: &str, unread: &[String]) -> (Vec<Row>, Vec<FieldError>) {
    let (rows, mut errors) = read_rows(input, within, unread);
    errors.retain(|error| !unread.contains(&error.field));
    (rows, errors)
}

fn read_rows(input: &[RowInput], within: &str, unread: &[String]) -> (Vec<Row>, Vec<FieldError>) {
    let mut errors = Vec::new();
    if input.is_empty() || input.len() > ROWS_MAX {
        errors.push(FieldError::new(format!("{within}rows"), Wrong::Count { min: 1, max: ROWS_MAX }));
        return (Vec::new(), errors);
    }
    let mut names = HashSet::new();
    let mut rows = Vec::new();
    for (index, row) in input.iter().enumerate() {
        let field = |name: &str| format!("{within}rows.{index}.{name}");
        if let Some(wrong) = wrong_with(&row.name, ROW_NAME_CHARS_MAX) {
            errors.push(FieldError::new(field("name"), wrong));
        }
        if !names.insert(row.name.as_str()) {
            errors.push(FieldError::new(field("name"), Wrong::Twice));
        }
        let labels = labels_of(&row.seats, &field("seats"), &mut errors);
        let mut kept = Row { name: row.name.clone(), labels, accessible: SeatSet::default() };
        if unread.contains(&field("seats")) {
            continue;
        }
        for (nth, label) in row.accessible.iter().enumerate() {
            match kept.seat(label) {
                Some(seat) if kept.accessible.add(seat) => {}
                Some(_) => {
                    errors.push(FieldError::new(format!("{}.{nth}", field("accessible")), Wrong::Twice))
                }
                None => errors.push(FieldError::new(format!("{}.{nth}", field("accessible")), Wrong::NoSeat)),
            }
        }
        rows.push(kept);
    }
    if errors.is_empty() {
        errors.extend(called_alike(&rows, within));
    }
    (rows, errors)
}

fn labels_of(seats: &SeatsInput, field: &str, errors: &mut Vec<FieldError>) -> Labels {
    let labels = match seats {
        SeatsInput::Count(count) => return Labels::Numbers(u8::try_from(*count).unwrap_or(u8::MAX)),
        SeatsInput::Labels(labels) => labels,
    };
    if labels.is_empty() || labels.len() > SEATS_PER_ROW_MAX {
        errors.push(FieldError::new(field, Wrong::Count { min: 1, max: SEATS_PER_ROW_MAX }));
        return Labels::Numbers(1);
    }
    let mut known = HashSet::new();
    for (nth, label) in labels.iter().enumerate() {
        let wrong = wrong_with(label, LABEL_CHARS_MAX);
        let wrong = wrong.or_else(|| (!known.insert(label.as_str())).then_some(Wrong::Twice));
        errors.extend(wrong.map(|wrong| FieldError::new(format!("{field}.{nth}"), wrong)));
    }
    Labels::listed(labels.clone())
}

/// What is wrong with the name of a row, or with a label.
fn wrong_with(name: &str, chars_max: usize) -> Option<Wrong> {
    if !(1..=chars_max).contains(&name.chars().count()) {
        return Some(Wrong::Length { min: 1, max: Some(chars_max) });
    }
    if !is_line(name) {
        return Some(Wrong::ControlCharacters { but_lines: false });
    }
    if !is_visible(name) {
        return Some(Wrong::Invisible);
    }
    name.contains('/').then_some(Wrong::Slash)
}

/// Where rows and labels have hyphens of their own, two seats could be called alike: `1` of row `A-1`, and `1-1` of row `A`.
fn called_alike(rows: &[Row], within: &str) -> Option<FieldError> {
    if !rows.iter().any(|row| row.name.contains('-')) {
        return None;
    }
    let mut known = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        for (nth, label) in row.labels.iter().enumerate() {
            if !known.insert(format!("{}-{label}", row.name)) {
                return Some(FieldError::new(format!("{within}rows.{index}.seats.{nth}"), Wrong::Twice));
            }
        }
    }
    None
}

impl AreaInput {
    /// The area as it is kept, with its rows if any are given, and what is wrong with them. `before` is the area of that id that
    /// it is to replace, if there is one; `within` are the fields that its own stand in, and `unread` those that could not be read.
    pub(crate) fn details(
        self,
        before: Option<&AreaDetails>,
        within: &str,
        unread: &[String],
    ) -> (AreaDetails, Option<Vec<Row>>, Vec<FieldError>) {
        let Self { id, name, capacity, base_price, pricing, rows, no_single_seats } = self;
        let numbered = before.filter(|before| before.rows > 0);
        let mut errors = Vec::new();
        let mut complain = |name: &str, wrong| {
            let field = format!("{within}{name}");
            if !unread.contains(&field) {
                errors.push(FieldError::new(field, wrong));
            }
        };
        let rows_are_unread = unread.iter().any(|field| field.starts_with(&format!("{within}rows")));
        let (given, kept) = match (rows, numbered) {
            (Some(rows), _) if before.is_none() || numbered.is_some() => {
                let (rows, wrong) = rows_of(&rows, within, unread);
                errors.extend(wrong);
                // Some seats of the rows that it has may be out of sale.
                let (had, known) =
                    numbered.map_or((0, 0), |before| (before.capacity, usize::from(before.rows)));
                let new = seats_of(rows.get(known..).unwrap_or_default());
                let kept = ((had + new).max(1), u16::try_from(rows.len()).unwrap_or(u16::MAX));
                (Some(rows), kept)
            }
            (Some(_), _) => {
                complain("rows", Wrong::Fixed);
                (None, (1, 0))
            }
            (None, Some(numbered)) => {
                if capacity.is_some_and(|capacity| capacity != numbered.capacity) {
                    complain("capacity", Wrong::Fixed);
                }
                (None, (numbered.capacity, numbered.rows))
            }
            (None, None) => {
                if capacity.is_none() && !rows_are_unread {
                    complain("capacity", Wrong::Missing);
                }
                (None, (capacity.unwrap_or(1), 0))
            }
        };
        let (capacity, rows) = kept;
        let had = numbered.is_some_and(|before| before.no_single_seats);
        let no_single_seats = no_single_seats.unwrap_or(had) && rows > 0;
        let details = AreaDetails { id, name, capacity, base_price, pricing, rows, no_single_seats };
        (details, given, errors)
    }
}
