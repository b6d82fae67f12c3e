//! Any event of any stream, as the log holds it: an explicit type name and version, and a payload that decodes for ever.
//!
//! The payload is serde's externally tagged form, `{"StudentAdvanced": {…}}`, the one that an unmodified cqrs-es reads.

pub(crate) mod concerns;

use cqrs_es::DomainEvent;
use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use serde::Serialize;
use serde_json::Value;

use crate::ids::StreamType;

/// A stored event that this version of the software cannot read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {stream_type} event {event_type} version {version}: {}", why(.reason))]
pub struct UnreadableEvent {
    /// The stream's type.
    pub stream_type: StreamType,
    /// The event's type name as stored.
    pub event_type: String,
    /// The event's version as stored.
    pub version: String,
    /// What serde said. It may quote a value, and values may be personal: not for logs, and so not the error's source.
    pub reason: serde_json::Error,
}

/// What is wrong with a payload, without what it says.
fn why(reason: &serde_json::Error) -> String {
    let what = match reason.classify() {
        serde_json::error::Category::Data => "it is not of the shape that this version knows",
        _ => "it is not JSON",
    };
    format!("{what} (line {}, column {})", reason.line(), reason.column())
}

macro_rules! domain_events {
    ($(
        $(#[$doc:meta])*
        $module:ident: $kind:ident, $id:ident, $event:ident, $command:ident, $facts:ident, $rule:ident;
    )*) => {
        /// An event of any aggregate.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $($(#[$doc])* $kind(crate::$module::$event),)*
        }

        $(
            impl DomainEvent for crate::$module::$event {
                fn event_type(&self) -> String {
                    <&'static str>::from(self).to_owned()
                }

                fn event_version(&self) -> String {
                    VERSION.to_owned()
                }
            }

            impl From<crate::$module::$event> for Event {
                fn from(event: crate::$module::$event) -> Self {
                    Self::$kind(event)
                }
            }
        )*

        impl Event {
            /// The stable type name, such as `StudentAdvanced`.
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$kind(event) => event.into(),)*
                }
            }

            /// The type of stream that it belongs to.
            pub fn stream_type(&self) -> StreamType {
                match self {
                    $(Self::$kind(_) => StreamType::$kind,)*
                }
            }

            /// Reads a stored event of any version.
            pub fn decode(
                stream_type: StreamType,
                event_type: &str,
                version: &str,
                payload: &str,
            ) -> Result<Self, UnreadableEvent> {
                let decoded = if version == VERSION {
                    match stream_type {
                        $(StreamType::$kind => serde_json::from_str(payload).map(Self::$kind),)*
                    }
                } else {
                    upcast(stream_type, event_type, version, payload).and_then(|payload| match stream_type {
                        $(StreamType::$kind => serde_json::from_value(payload).map(Self::$kind),)*
                    })
                };
                decoded.map_err(|reason| UnreadableEvent {
                    stream_type,
                    event_type: event_type.to_owned(),
                    version: version.to_owned(),
                    reason,
                })
            }

            /// Every event type there is, by stream type.
            pub fn type_names() -> Vec<(StreamType, &'static str)> {
                let mut names = Vec::new();
                $(names.extend(
                    <crate::$module::$event as strum::VariantNames>::VARIANTS.iter().map(|name| (StreamType::$kind, *name)),
                );)*
                names
            }
        }
    };
}

/// Every event's version today. The first event to change gets a version of its own, and an upcaster below.
const VERSION: &str = "1";

aggregates!(domain_events);

/// The steps that bring events of older versions to today's form, oldest first. None is needed yet.
pub fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    Vec::new()
}

fn upcast(stream_type: StreamType, event_type: &str, version: &str, payload: &str) -> Result<Value, serde_json::Error> {
    let stored = SerializedEvent::new(
        String::new(),
        0,
        stream_type.as_str().to_owned(),
        event_type.to_owned(),
        version.to_owned(),
        serde_json::from_str(payload)?,
        Value::Null,
    );
    let event = upcasters().iter().fold(stored, |event, upcaster| {
        if upcaster.can_upcast(&event.event_type, &event.event_version) { upcaster.upcast(event) } else { event }
    });
    if event.event_version == VERSION {
        Ok(event.payload)
    } else {
        Err(serde::de::Error::custom("the version is not known; was it written by newer software?"))
    }
}

impl Event {
    /// The version that is written today.
    pub fn version(&self) -> &'static str {
        VERSION
    }

    /// The payload as the log holds it.
    pub fn payload(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The event's fields without its type name, as the HTTP contract shows them.
    pub fn data(&self) -> Result<Value, serde_json::Error> {
        Ok(match serde_json::to_value(self)? {
            Value::Object(fields) => fields.into_iter().next().map_or(Value::Null, |(_, data)| data),
            other => other,
        })
    }
}
