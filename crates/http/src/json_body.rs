//! A command's body, read strictly: media type, size, JSON, and every field by its pointer; it never looks at meaning.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use rollbook_domain::Command;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment, Track};

use crate::headers::single;
use crate::in_flight::{Whole, received};
use crate::problem::{ApiError, FieldError};

/// A body that was declared as JSON and is not too large.
pub struct JsonBytes(Whole);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let declared = single(request.headers(), CONTENT_TYPE.as_str())?.unwrap_or_default();
        let essence = declared.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::UnsupportedMediaType);
        }
        received(request).await.map(Self).map_err(|error| error.or(ApiError::TooLarge))
    }
}

impl JsonBytes {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.bytes.len()
    }

    /// A body that is no command's. It is an object: a list would be taken for one whose fields come in their order.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if self.0.bytes.trim_ascii_start().first() == Some(&b'[') {
            serde_json::from_slice::<IgnoredAny>(&self.0.bytes).map_err(|error| not_json(&error))?;
            return Err(ApiError::Invalid(vec![FieldError::body("", "must be an object")]));
        }
        let mut json = serde_json::Deserializer::from_slice(&self.0.bytes);
        let mut track = Track::new();
        let read = T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
        let read = read.map_err(|error| self.refused(&error, &track.path()))?;
        json.end().map_err(|error| not_json(&error))?;
        Ok(read)
    }

    /// The command of that name.
    pub fn command(&self, name: &str) -> Result<Command, ApiError> {
        let mut json = serde_json::Deserializer::from_slice(&self.0.bytes);
        let mut track = Track::new();
        let decoded = Command::decode(name, serde_path_to_error::Deserializer::new(&mut json, &mut track))
            .ok_or_else(|| ApiError::NotFound(format!("there is no command {name}")))?;
        let command = decoded.map_err(|error| self.refused(&error, &track.path()))?;
        json.end().map_err(|error| not_json(&error))?;
        Ok(command)
    }

    /// Text that is not JSON is one thing; JSON that is not this command another, which may be noticed first.
    fn refused(&self, error: &serde_json::Error, path: &Path) -> ApiError {
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(&self.0.bytes) {
            return not_json(&error);
        }
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let (pointer, detail) = explain(message, path);
        ApiError::Invalid(vec![FieldError::body(pointer, detail)])
    }
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::NotJson(format!("the body is not JSON: {error}"))
}

/// Where serde stumbled, as a JSON pointer that names a missing or unknown field too, and why.
pub fn explain(message: &str, path: &Path) -> (String, String) {
    let mut pointer = pointer(path);
    // What was given is never repeated: it may be a secret in the wrong place.
    let wanted = message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "));
    if let Some((_, wanted)) = wanted {
        return (pointer, format!("must be {wanted}"));
    }
    let named = |prefix: &str| message.strip_prefix(prefix)?.split('`').next();
    let (field, detail) = if let Some(field) = named("missing field `") {
        (Some(field), "is missing")
    } else if let Some(field) = named("unknown field `") {
        (Some(field), "is not known here")
    } else if let Some(field) = named("duplicate field `") {
        (Some(field), "is there twice")
    } else {
        (None, message)
    };
    if let Some(field) = field.filter(|field| !pointer.ends_with(&format!("/{}", escaped(field)))) {
        push(&mut pointer, field);
    }
    let one_of = message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected "));
    (pointer, one_of.map_or_else(|| detail.to_owned(), |(_, known)| format!("must be {known}")))
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&escaped(token));
}

/// RFC 6901.
fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    fn json(body: impl Into<Bytes>) -> JsonBytes {
        JsonBytes(Whole::from(body.into()))
    }

    const ID: &str = "0198b5a0-0000-7000-8000-000000000001";

    fn errors(name: &str, body: &str) -> Vec<FieldError> {
        match json(body.to_owned()).command(name) {
            Err(ApiError::Invalid(errors)) => errors,
            other => panic!("expected invalid fields, got {other:?}"),
        }
    }

    #[test]
    fn points_at_the_field_that_cannot_be_taken() {
        let marks = format!(
            r#"{{"cohort_id":"{ID}","week":1,"marks":[{{"enrolment_id":"{ID}","status":"present"}},{{"enrolment_id":"{ID}","status":"asleep"}}]}}"#
        );
        let expected = FieldError::body("/marks/1/status", "must be one of `present`, `absent`, `late`, `excused`");
        assert_eq!(errors("TakeAttendance", &marks), [expected]);
        let week = format!(r#"{{"enrolment_id":"{ID}","to_week":53}}"#);
        assert_eq!(errors("AdvanceStudent", &week)[0].pointer.as_deref(), Some("/to_week"));
        assert_eq!(errors("AdvanceStudent", "[]")[0].pointer.as_deref(), Some(""));
    }

    #[test]
    fn points_at_a_missing_and_at_an_unknown_field() {
        let missing = format!(r#"{{"enrolment_id":"{ID}"}}"#);
        assert_eq!(errors("AdvanceStudent", &missing), [FieldError::body("/to_week", "is missing")]);
        let unknown = format!(r#"{{"enrolment_id":"{ID}","to_week":2,"actor":"me"}}"#);
        assert_eq!(errors("AdvanceStudent", &unknown), [FieldError::body("/actor", "is not known here")]);
        let nested = format!(r#"{{"cohort_id":"{ID}","week":1,"marks":[{{"a/b":1}}]}}"#);
        assert_eq!(errors("TakeAttendance", &nested)[0].pointer.as_deref(), Some("/marks/0/a~1b"));
    }

    #[test]
    fn tells_text_that_is_not_json_from_json_that_is_not_the_command() {
        for body in ["", "{", "week=2", r#"{"enrolment_id": "#, r#"{"unknown": "#, r#"{"to_week": 99, x"#] {
            let decoded = json(body.to_owned()).command("AdvanceStudent");
            assert!(matches!(decoded, Err(ApiError::NotJson(_))), "{body}");
        }
        let trailing = format!(r#"{{"enrolment_id":"{ID}","to_week":2}} x"#);
        let decoded = json(trailing).command("AdvanceStudent");
        assert!(matches!(decoded, Err(ApiError::NotJson(_))));
    }

    #[test]
    fn a_list_is_no_object() {
        #[derive(Debug, serde::Deserialize)]
        struct Two {
            _one: Option<u8>,
            _two: Option<u8>,
        }
        for list in ["[null, null]", " \n[1, 2]", "[]"] {
            let ApiError::Invalid(errors) = json(list).read::<Two>().unwrap_err() else { panic!("{list}") };
            assert_eq!(errors, [FieldError::body("", "must be an object")]);
        }
        assert!(matches!(json("[null, null").read::<Two>(), Err(ApiError::NotJson(_))));
    }

    #[test]
    fn offers_no_command_of_the_system() {
        let decoded = json("{}").command("BootstrapOwner");
        assert!(matches!(decoded, Err(ApiError::NotFound(_))));
    }
}
