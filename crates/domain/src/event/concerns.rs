//! Events of one stream in several enums, by what they are about, so that whoever folds them names only those that concern
//! them. What is stored is the same as of one enum: the event's type name, and its fields.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, IntoDeserializer, MapAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

/// Makes the enum of a stream's events from those of its concerns.
macro_rules! concerns {
    ($(#[$doc:meta])* $event:ident { $($(#[$concern_doc:meta])* $concern:ident($of:ident)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(untagged)]
        pub enum $event {
            $($(#[$concern_doc])* $concern($of),)+
        }

        $(
            impl From<$of> for $event {
                fn from(event: $of) -> Self {
                    Self::$concern(event)
                }
            }

            impl From<$of> for crate::event::Event {
                fn from(event: $of) -> Self {
                    $event::from(event).into()
                }
            }
        )+

        impl From<&$event> for &'static str {
            fn from(event: &$event) -> Self {
                match event {
                    $($event::$concern(event) => event.into(),)+
                }
            }
        }

        impl strum::VariantNames for $event {
            const VARIANTS: &'static [&'static str] = {
                const LEN: usize = 0 $(+ <$of as strum::VariantNames>::VARIANTS.len())+;
                const NAMES: [&str; LEN] =
                    crate::event::concerns::concatenated([$(<$of as strum::VariantNames>::VARIANTS),+]);
                &NAMES
            };
        }

        impl crate::event::concerns::Tagged for $event {
            fn read<'de, A: serde::de::MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
                $(
                    if <$of as strum::VariantNames>::VARIANTS.contains(&name) {
                        return crate::event::concerns::variant(name, map).map(Self::$concern);
                    }
                )+
                Err(serde::de::Error::unknown_variant(name, <Self as strum::VariantNames>::VARIANTS))
            }
        }

        impl<'de> serde::Deserialize<'de> for $event {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::event::concerns::tagged(deserializer)
            }
        }
    };
}
pub(crate) use concerns;

/// The names of all concerns, one after the other.
pub(crate) const fn concatenated<const OF: usize, const LEN: usize>(
    concerns: [&[&'static str]; OF],
) -> [&'static str; LEN] {
    let mut names = [""; LEN];
    let (mut concern, mut at) = (0, 0);
    while concern < OF {
        let mut nth = 0;
        while nth < concerns[concern].len() {
            names[at] = concerns[concern][nth];
            (nth, at) = (nth + 1, at + 1);
        }
        concern += 1;
    }
    names
}

/// What is read from a map of one entry, `{"StudentAdvanced": {…}}`: serde's externally tagged form.
pub(crate) trait Tagged: Sized {
    /// Reads the entry's value as the event of that name.
    fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error>;
}

/// Reads an event by its tag.
pub(crate) fn tagged<'de, T: Tagged, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Entry<T>(PhantomData<T>);

    impl<'de, T: Tagged> Visitor<'de> for Entry<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an event under its name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let name: Cow<'_, str> = map.next_key()?.ok_or_else(|| A::Error::custom("there is no event"))?;
            let event = T::read(&name, &mut map)?;
            match map.next_key::<IgnoredAny>()? {
                Some(_) => Err(A::Error::custom("there is more than one event")),
                None => Ok(event),
            }
        }
    }

    deserializer.deserialize_map(Entry(PhantomData))
}

/// Reads the value of a map's entry as the variant of that name.
pub(crate) fn variant<'de, T: Deserialize<'de>, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<T, A::Error> {
    struct Named<'n, T>(&'n str, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Named<'_, T> {
        type Value = T;

        fn deserialize<D: Deserializer<'de>>(self, fields: D) -> Result<T, D::Error> {
            T::deserialize(Variant { name: self.0, fields })
        }
    }

    map.next_value_seed(Named(name, PhantomData))
}

/// An enum whose variant's name has been read already.
struct Variant<'n, D> {
    name: &'n str,
    fields: D,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Variant<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, 'n, D: Deserializer<'de>> EnumAccess<'de> for Variant<'n, D> {
    type Error = D::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), D::Error> {
        let name: StrDeserializer<'n, D::Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Variant<'_, D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        Deserialize::deserialize(self.fields)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.fields)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.fields.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.fields.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, from_value, json, to_string};

    use crate::enrolment::{EnrolmentEvent, ProgressionEvent};

    #[test]
    fn an_event_is_stored_under_its_name_whatever_it_concerns() {
        let held = EnrolmentEvent::from(ProgressionEvent::StudentHeld { week: 3, reason: "ill".into() });
        let stored = r#"{"StudentHeld":{"week":3,"reason":"ill"}}"#;
        assert_eq!(to_string(&held).unwrap(), stored);
        assert_eq!(from_str::<EnrolmentEvent>(stored).unwrap(), held);
        assert_eq!(
            from_value::<EnrolmentEvent>(json!({ "StudentHeld": { "week": 3, "reason": "ill" } })).unwrap(),
            held
        );
        let names = <EnrolmentEvent as strum::VariantNames>::VARIANTS;
        assert_eq!((names.len(), names[0], names[19]), (20, "StudentEnrolled", "MarkAmended"));
    }

    #[test]
    fn what_is_no_event_of_the_stream_is_refused() {
        for (text, why) in [
            ("{}", "there is no event"),
            (r#"{"EnrolmentCompleted":{},"HubLeft":{}}"#, "there is more than one event"),
            (r#"{"EnrolmentCompleted":{},"EnrolmentCompleted":{}}"#, "there is more than one event"),
            (r#"{"HubClosed":{}}"#, "unknown variant `HubClosed`"),
            (r#"{"StudentHeld":{"week":3}}"#, "missing field `reason`"),
            (r#"{"StudentHeld":3}"#, "invalid type: integer `3`"),
            (r#""EnrolmentCompleted""#, "an event under its name"),
            ("[]", "an event under its name"),
        ] {
            let error = from_str::<EnrolmentEvent>(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
