//! The ids in an address. One that is not an id names nothing, so it is answered as such.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use rollbook_domain::cohort::Week;
use rollbook_domain::{CohortId, EnrolmentId, HubId, MaterialId, MessageId, PersonId, SiteId};
use schemars::JsonSchema;
use uuid::Uuid;

use crate::openapi::SchemaOf;
use crate::problem::ApiError;

/// What a path's placeholders stand for, in their order.
pub trait Address: Sized + Send {
    /// Their schemas.
    const SCHEMAS: &'static [SchemaOf];

    /// Reads them; none if one of them cannot be.
    fn read(values: &[&str]) -> Option<Self>;
}

/// The extractor of an [`Address`].
#[derive(Debug)]
pub struct At<P>(pub P);

impl<S: Send + Sync, P: Address> FromRequestParts<S> for At<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let nothing = || ApiError::NotFound("there is nothing at this path".to_owned());
        let raw = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        let values: Vec<&str> = raw.iter().map(|(_, value)| value).collect();
        P::read(&values).map(Self).ok_or_else(nothing)
    }
}

impl Address for () {
    const SCHEMAS: &'static [SchemaOf] = &[];

    fn read(_: &[&str]) -> Option<Self> {
        Some(())
    }
}

/// One placeholder.
pub trait Segment: Sized + Send + JsonSchema {
    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Segment for $id {
            fn read(text: &str) -> Option<Self> {
                Self::from_str(text).ok()
            }
        }
    )*};
}

ids!(CohortId, EnrolmentId, HubId, MaterialId, MessageId, PersonId, SiteId);

impl Segment for Week {
    fn read(text: &str) -> Option<Self> {
        Self::try_new(text.parse().ok()?)
    }
}

impl Segment for Uuid {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Segment for String {
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl<A: Segment> Address for A {
    const SCHEMAS: &'static [SchemaOf] = &[|schemas| schemas.subschema_for::<A>()];

    fn read(values: &[&str]) -> Option<Self> {
        A::read(values.first()?)
    }
}

impl<A: Segment, B: Segment> Address for (A, B) {
    const SCHEMAS: &'static [SchemaOf] =
        &[|schemas| schemas.subschema_for::<A>(), |schemas| schemas.subschema_for::<B>()];

    fn read(values: &[&str]) -> Option<Self> {
        Some((A::read(values.first()?)?, B::read(values.get(1)?)?))
    }
}
