//! What there is for each week, from the database to the client as it is: a roster of a thousand students has two thousand of
//! these, and nobody reads them on the way.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Type};

/// A JSON object of weeks.
#[derive(Clone, Debug)]
pub struct ByWeek<T> {
    json: Box<RawValue>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ByWeek<T> {
    /// Week by week.
    pub fn read(&self) -> Result<BTreeMap<u8, T>, serde_json::Error> {
        serde_json::from_str(self.json.get())
    }
}

/// The database writes the same value in the same way.
impl<T> PartialEq for ByWeek<T> {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

impl<T> Type<Postgres> for ByWeek<T> {
    fn type_info() -> PgTypeInfo {
        <Json<()> as Type<Postgres>>::type_info()
    }
}

impl<'r, T> Decode<'r, Postgres> for ByWeek<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let Json(json) = <Json<&RawValue> as Decode<Postgres>>::decode(value)?;
        Ok(Self { json: json.to_owned(), of: PhantomData })
    }
}

impl<T> Serialize for ByWeek<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for ByWeek<T> {
    fn inline_schema() -> bool {
        BTreeMap::<u8, T>::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<u8, T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        BTreeMap::<u8, T>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<u8, T>::json_schema(generator)
    }
}
