//! JSON objects as people write them: a field for each value. serde takes an array for a struct, too, its fields in their order,
//! so that `[80, 150]` would pass for `{"min_percent": 80, "max_percent": 150}`. No client means that.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// An object or none, for `#[serde(deserialize_with)]` on every struct within a request body.
///
/// # Errors
/// When it is no object, or not one of this type.
pub fn object_or_none<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    object: D,
) -> Result<Option<T>, D::Error> {
    struct Object<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
        fn deserialize<D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
            object.deserialize_map(Fields(PhantomData)).map(Self)
        }
    }

    Ok(Option::<Object<T>>::deserialize(object)?.map(|Object(object)| object))
}

/// Takes nothing but names and their values.
struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Pricing;

    #[derive(Debug, Deserialize)]
    struct Offer {
        #[serde(default, deserialize_with = "object_or_none")]
        pricing: Option<Pricing>,
    }

    fn pricing(json: &str) -> Result<Option<Pricing>, String> {
        let offer = serde_json::from_str::<Offer>(&format!(r#"{{"pricing": {json}}}"#));
        offer.map(|offer| offer.pricing).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_read_as_ever() {
        assert_eq!(pricing("null"), Ok(None));
        assert_eq!(pricing("{}"), Ok(Some(Pricing::default())));
        let expected = Pricing { max_percent: 120, ..Pricing::default() };
        assert_eq!(pricing(r#"{"max_percent": 120}"#), Ok(Some(expected)));
        assert!(pricing(r#"{"most": 120}"#).unwrap_err().starts_with("unknown field `most`"));
        assert!(pricing(r#"{"max_percent": "120"}"#).is_err());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for json in ["[]", "[80, 150]", "80", "\"80\"", "true"] {
            assert!(pricing(json).unwrap_err().contains("expected an object"), "{json}");
        }
    }
}
