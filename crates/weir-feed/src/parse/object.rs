//! Structs that are JSON objects and nothing else: serde's derive also takes an array of the fields in order.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::FeedError;

/// Reads a whole body in one pass; only one that fails is read again, to name the place.
pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, FeedError> {
    // One look at all of the body, which is then text, is quicker than one at each string in it.
    let Ok(text) = std::str::from_utf8(body) else {
        return from_json_naming_the_place(body);
    };
    let mut json = serde_json::Deserializer::from_str(text);
    match one(&mut json).and_then(|read| json.end().map(|()| read)) {
        Ok(read) => Ok(read),
        Err(_) => from_json_naming_the_place(body),
    }
}

/// By way of a `Value`, where the last of repeated keys holds, as it does for the pydantic models.
fn from_json_naming_the_place<T: DeserializeOwned>(body: &[u8]) -> Result<T, FeedError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| FeedError::not_json(body, &error))?;
    let mut track = serde_path_to_error::Track::new();
    one(serde_path_to_error::Deserializer::new(value, &mut track))
        .map_err(|error| FeedError::at(&track.path(), &error))
}

/// A struct that must be an object.
pub(crate) fn one<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(std::marker::PhantomData))
}

/// An object, or nothing for `null`.
pub(crate) fn optional<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|object| object.0))
}

/// A list of objects.
pub(crate) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one(deserializer).map(Self)
    }
}

struct ObjectVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
