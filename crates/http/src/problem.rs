//! What goes wrong, as RFC 9457 problem details: one type and one table of statuses; it never decides what is wrong.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rollbook_domain::Refusal;
use rollbook_files::LIMIT_BYTES;
use rollbook_import::{FileError, MAX_FILE_BYTES};
use rollbook_projections::QueryError;
use rollbook_projections::models::emails::EmailStatus;
use rollbook_store::keys::SealError;
use rollbook_store::site_databases::Unfit;
use rollbook_store::{ExecuteError, Position, StoreError};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::accounts::AccountProblem;
use crate::sites::SetUpError;

/// Everything that a request can be answered with besides what it asked for.
#[derive(Debug)]
pub enum ApiError {
    /// The body is not JSON.
    NotJson(String),
    /// A header is not of the form that the contract gives it.
    BadHeader(String),
    /// No token, or one that stands for nobody who may act.
    Unauthenticated(&'static str),
    /// No site answers on this host.
    UnknownHost,
    /// The site answers nobody any more.
    SiteClosed,
    /// The site's own database is not set up yet.
    SiteNotReady,
    /// The site's own database cannot be opened.
    SiteUnavailable,
    /// A site's own database was not set up.
    SiteDatabase(SetUpError),
    /// The host lets in others than the caller.
    WrongHost(&'static str),
    /// The caller may not read this, and may know that it is there.
    Forbidden(&'static str),
    /// Nothing that this caller may see.
    NotFound(String),
    /// The path is known, the method is not.
    MethodNotAllowed,
    /// The body is larger than the limit.
    TooLarge,
    /// The path with its query is longer than the limit.
    UrlTooLong,
    /// The headers are larger than the limit.
    HeadersTooLarge,
    /// The client asks too often.
    TooManyRequests {
        /// For how long it must not ask again.
        wait: Duration,
    },
    /// The person, or their site, has written as much as they may in a day.
    TooMuchToday {
        /// For how long they must not write again.
        wait: Duration,
    },
    /// A disk is nearly full.
    NoRoom,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The file is larger than uploads may be.
    UploadTooLarge,
    /// The operator's scanner refuses the file.
    FileRefused,
    /// The operator's scanner has no answer.
    ScanUnavailable,
    /// The body did not come to its end.
    BrokenOff(String),
    /// The file has so many bytes, and none of those that were asked for.
    NotThatRange {
        /// How many it has.
        size: u64,
    },
    /// The file is larger than the limit.
    FileTooLarge,
    /// The file is of none of the kinds that are taken: these.
    WrongMedia(&'static str),
    /// A file that cannot be read.
    File(FileError),
    /// Fields or parameters that are missing, unknown or out of range.
    Invalid(Vec<FieldError>),
    /// A command was not carried out.
    Command(ExecuteError),
    /// The database cannot be reached.
    Unavailable,
    /// The store of files cannot be reached.
    FilesUnavailable,
    /// More is waiting than the service takes on.
    Overloaded,
    /// The read model did not reach `min_position` in time.
    Behind {
        /// What was asked for.
        wanted: Position,
    },
    /// The service cannot serve as it should.
    NotReady(String),
    /// A projection's rows are not what the log says, and the request did not say that they may be replaced.
    ProjectionDiffers(String),
    /// Two rebuilds of one database do not go on at once.
    RebuildUnderWay(String),
    /// The email is not one that somebody may have sent again.
    EmailNotRetriable(EmailStatus),
    /// Signing in, or an account.
    Account(AccountProblem),
    /// The request took longer than it may.
    TimedOut,
    /// A defect; the log has what happened under this id.
    Internal(Uuid),
}

/// One field that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// A JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The parameter's name, where it is not in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// About a field of the body.
    pub fn body(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, detail: detail.into() }
    }

    /// About a query parameter.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.into()), detail: detail.into() }
    }
}

/// A problem as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do: which student, which week, which rule.
    pub detail: String,
    /// The stable name that clients hold on to, such as `student_held`.
    pub code: Cow<'static, str>,
    /// The fields that cannot be taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Of a defect: what to look for in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl ApiError {
    /// A defect: logs it under a new id, which is all that the client learns.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        let id = Uuid::new_v4();
        tracing::error!(%id, %error, "the request failed");
        Self::Internal(id)
    }

    /// There is no such thing, or none that the caller may see: both alike.
    pub fn not_found(what: &str) -> Self {
        Self::NotFound(format!("there is no such {what}"))
    }

    /// The status table of the HTTP contract, with the stable codes.
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "not_json"),
            Self::BadHeader(_) => (StatusCode::BAD_REQUEST, "bad_header"),
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::UnknownHost => (StatusCode::NOT_FOUND, "unknown_host"),
            Self::SiteClosed => (StatusCode::GONE, "site_closed"),
            Self::SiteNotReady => (StatusCode::SERVICE_UNAVAILABLE, "site_not_ready"),
            Self::SiteUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "site_unavailable"),
            Self::SiteDatabase(SetUpError::Seal(_)) => (StatusCode::CONFLICT, "keys_missing"),
            Self::SiteDatabase(SetUpError::Unfit(unfit)) => match unfit {
                Unfit::Url | Unfit::Password | Unfit::Parameter | Unfit::Tls | Unfit::Host => {
                    (StatusCode::UNPROCESSABLE_ENTITY, unfit.code())
                }
                _ => (StatusCode::CONFLICT, unfit.code()),
            },
            Self::SiteDatabase(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
            Self::WrongHost(_) => (StatusCode::FORBIDDEN, "wrong_host"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "not_allowed"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::BrokenOff(_) => (StatusCode::BAD_REQUEST, "body_broken_off"),
            Self::NotThatRange { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable"),
            Self::TooLarge | Self::FileTooLarge | Self::UploadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::UrlTooLong => (StatusCode::URI_TOO_LONG, "url_too_long"),
            Self::HeadersTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large"),
            Self::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::NoRoom => (StatusCode::INSUFFICIENT_STORAGE, "insufficient_storage"),
            Self::TooMuchToday { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_much_today"),
            Self::File(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unreadable_file"),
            Self::FileRefused => (StatusCode::UNPROCESSABLE_ENTITY, "file_refused"),
            Self::ScanUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "scan_unavailable"),
            Self::UnsupportedMediaType | Self::WrongMedia(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields"),
            Self::Command(ExecuteError::Refused(refusal)) => match refusal {
                Refusal::NotAllowed(_) => (StatusCode::FORBIDDEN, refusal.code()),
                Refusal::NotFound(_) => (StatusCode::NOT_FOUND, refusal.code()),
                Refusal::AlreadyExists(_) | Refusal::Rule { .. } => (StatusCode::CONFLICT, refusal.code()),
                Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, refusal.code()),
                Refusal::Unasked(_) => (StatusCode::INTERNAL_SERVER_ERROR, refusal.code()),
            },
            Self::Command(ExecuteError::VersionMismatch { .. }) => {
                (StatusCode::PRECONDITION_FAILED, "version_mismatch")
            }
            Self::Command(ExecuteError::KeyReused) => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::Command(ExecuteError::Contended { .. }) => (StatusCode::CONFLICT, "conflict"),
            Self::Unavailable | Self::Command(ExecuteError::Store(StoreError::Unavailable(_))) => {
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
            }
            Self::FilesUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "files_unavailable"),
            Self::Overloaded | Self::Command(ExecuteError::Store(StoreError::Overloaded)) => {
                (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
            }
            Self::Behind { .. } => (StatusCode::SERVICE_UNAVAILABLE, "position_not_reached"),
            Self::NotReady(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            Self::ProjectionDiffers(_) => (StatusCode::CONFLICT, "projection_differs"),
            Self::RebuildUnderWay(_) => (StatusCode::CONFLICT, "rebuild_under_way"),
            Self::EmailNotRetriable(_) => (StatusCode::CONFLICT, "email_not_retriable"),
            Self::Account(problem) => problem.status(),
            Self::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "timed_out"),
            Self::Internal(_) | Self::Command(ExecuteError::Store(_)) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
            }
        }
    }

    /// The stable name.
    pub fn code(&self) -> &'static str {
        self.status().1
    }

    /// What is wrong, for whoever asked. It may hold names and reasons: not for logs.
    fn detail(&self) -> String {
        match self {
            Self::NotJson(detail)
            | Self::BadHeader(detail)
            | Self::NotFound(detail)
            | Self::BrokenOff(detail)
            | Self::ProjectionDiffers(detail)
            | Self::RebuildUnderWay(detail)
            | Self::NotReady(detail) => detail.clone(),
            Self::Unauthenticated(detail) | Self::Forbidden(detail) | Self::WrongHost(detail) => (*detail).to_owned(),
            Self::UnknownHost => "no school answers on this host".to_owned(),
            Self::SiteClosed => "this school is closed".to_owned(),
            Self::SiteNotReady => "this school is not set up yet; try again later".to_owned(),
            Self::SiteUnavailable => "this school cannot be reached; try again shortly".to_owned(),
            Self::SiteDatabase(error) => error.to_string(),
            Self::MethodNotAllowed => "this path does not take this method; Allow says which it takes".to_owned(),
            Self::TooLarge => format!("a body has at most {} bytes", crate::BODY_LIMIT_BYTES),
            Self::UrlTooLong => "the path with its query is too long".to_owned(),
            Self::HeadersTooLarge => "the headers are too large".to_owned(),
            Self::TooManyRequests { wait } => {
                format!("too many requests; ask again in {} s", whole_seconds(*wait))
            }
            Self::NoRoom => "the service has no room left for it; whoever runs it must make some".to_owned(),
            Self::TooMuchToday { .. } => {
                "you, or your school, have written as much as may be written in a day; go on after midnight, UTC"
                    .to_owned()
            }
            Self::UploadTooLarge => format!("a file has at most {LIMIT_BYTES} bytes"),
            Self::NotThatRange { size } => format!("the file has {size} bytes, and none of those"),
            Self::FileRefused => "the scanner for harmful files refuses this one; it was not kept".to_owned(),
            Self::ScanUnavailable => {
                "the file cannot be scanned for what is harmful, and was not kept; try again shortly".to_owned()
            }
            Self::FilesUnavailable => "the store of files cannot be reached; try again shortly".to_owned(),
            Self::UnsupportedMediaType => "send the body as Content-Type: application/json".to_owned(),
            Self::FileTooLarge => format!("a file has at most {MAX_FILE_BYTES} bytes"),
            Self::WrongMedia(taken) => format!("send the file as Content-Type: {taken}"),
            Self::File(error) => error.to_string(),
            Self::Invalid(_) | Self::Command(ExecuteError::Refused(Refusal::Invalid(_))) => match &*self.errors() {
                [error] => {
                    let place = error.pointer.as_deref().or(error.parameter.as_deref());
                    format!("{}: {}", place.filter(|place| !place.is_empty()).unwrap_or("the body"), error.detail)
                }
                errors => format!("{} fields cannot be taken; see errors", errors.len()),
            },
            Self::Command(ExecuteError::Refused(refusal)) => refusal.detail(),
            Self::Unavailable | Self::Command(ExecuteError::Store(StoreError::Unavailable(_))) => {
                "the database cannot be reached; try again shortly".to_owned()
            }
            Self::Overloaded | Self::Command(ExecuteError::Store(StoreError::Overloaded)) => {
                StoreError::Overloaded.to_string()
            }
            Self::Behind { wanted } => {
                format!("the read model has not reached position {wanted} yet; try again shortly")
            }
            Self::EmailNotRetriable(status) => {
                format!("the email is {status}; only one that is failed or unconfirmed is sent again")
            }
            Self::Account(problem) => problem.detail(),
            Self::TimedOut => {
                "the request took too long; a command may still have been carried out: send it again under the same \
                 Idempotency-Key"
                    .to_owned()
            }
            Self::Internal(_) | Self::Command(ExecuteError::Store(_)) => {
                "a defect; the log has it under this id".to_owned()
            }
            Self::Command(error) => error.to_string(),
        }
    }

    fn errors(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(errors) => errors.clone(),
            Self::Command(ExecuteError::Refused(Refusal::Invalid(fields))) => {
                fields.iter().map(|field| FieldError::body(&field.pointer, &field.detail)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The problem as it is sent.
    pub fn problem(&self) -> Problem {
        let (status, code) = self.status();
        Problem {
            kind: format!("/problems/{code}"),
            title: title(code),
            status: status.as_u16(),
            detail: self.detail(),
            code: code.into(),
            errors: self.errors(),
            id: if let Self::Internal(id) = self { Some(*id) } else { None },
        }
    }
}

/// As `Retry-After` counts: never 0, which would say at once.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1)
}

/// `student_held` → `Student held`.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(error) => {
                tracing::warn!(%error, "the database cannot be reached");
                Self::Unavailable
            }
            StoreError::Overloaded => Self::Overloaded,
            error => Self::internal(&error),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::BadCursor => {
                Self::Invalid(vec![FieldError::parameter("after", "must be the `next` of the page before")])
            }
            QueryError::Store(error) => error.into(),
        }
    }
}

impl From<SetUpError> for ApiError {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Command(error) => error.into(),
            SetUpError::Registry(error) => error.into(),
            SetUpError::TooOften(wait) => Self::TooManyRequests { wait },
            SetUpError::Seal(SealError::NoKeys) | SetUpError::Unfit(_) => Self::SiteDatabase(error),
            SetUpError::Seal(_) | SetUpError::None => Self::internal(&error),
        }
    }
}

impl From<ExecuteError> for ApiError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Store(error) => error.into(),
            ExecuteError::Refused(Refusal::Unasked(_)) => Self::internal(&error),
            error => Self::Command(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.response()
    }
}

impl ApiError {
    /// The answer.
    pub fn response(&self) -> Response {
        let (status, _) = self.status();
        let retry_after = match self {
            Self::TooManyRequests { wait } | Self::TooMuchToday { wait } => Some(whole_seconds(*wait)),
            Self::Account(problem) => problem.retry_after(),
            _ => (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        };
        let mut response = (status, Json(self.problem())).into_response();
        let headers = response.headers_mut();
        if let Self::NotThatRange { size } = &self
            && let Ok(size) = format!("bytes */{size}").try_into()
        {
            headers.insert(CONTENT_RANGE, size);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
