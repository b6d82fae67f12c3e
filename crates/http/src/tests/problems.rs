//! The status table of the contract.

use std::fmt::Write as _;

use axum::response::IntoResponse;
use rollbook_domain::person::PersonRule;
use rollbook_domain::refusal::InvalidField;
use rollbook_domain::{CohortId, Refusal, StreamId};
use rollbook_import::FileError;
use rollbook_store::keys::SealError;
use rollbook_store::site_databases::Unfit;
use rollbook_store::{ExecuteError, StoreError};
use uuid::Uuid;

use crate::accounts::AccountProblem;
use crate::problem::{ApiError, FieldError};
use crate::sites::SetUpError;

fn refused(refusal: impl Into<Refusal>) -> ApiError {
    ExecuteError::Refused(refusal.into()).into()
}

fn unreachable() -> StoreError {
    StoreError::Unavailable(sqlx::Error::PoolTimedOut)
}

#[test]
fn every_problem_has_the_status_and_code_of_the_contract() {
    let stream: StreamId = CohortId(Uuid::nil()).into();
    let invalid = vec![InvalidField { pointer: "/week".into(), detail: "too far".into() }];
    let problems = [
        ApiError::NotJson(String::new()),
        ApiError::BadHeader(String::new()),
        ApiError::Unauthenticated("no"),
        ApiError::UnknownHost,
        ApiError::SiteClosed,
        ApiError::SiteNotReady,
        ApiError::SiteUnavailable,
        SetUpError::from(SealError::NoKeys).into(),
        SetUpError::from(Unfit::Url).into(),
        SetUpError::from(Unfit::Unreachable).into(),
        SetUpError::from(Unfit::Password).into(),
        SetUpError::from(Unfit::Parameter).into(),
        SetUpError::from(Unfit::Tls).into(),
        SetUpError::from(Unfit::Host).into(),
        SetUpError::TooOften(std::time::Duration::from_secs(9)).into(),
        SetUpError::from(Unfit::TooOld(14)).into(),
        SetUpError::from(Unfit::NotEmpty).into(),
        SetUpError::from(Unfit::InUse).into(),
        SetUpError::from(Unfit::Newer).into(),
        SetUpError::from(Unfit::NotWritable).into(),
        SetUpError::from(Unfit::Unsound("42P07".into())).into(),
        SetUpError::from(SealError::KeyMissing("a".into())).into(),
        ApiError::WrongHost("no"),
        ApiError::Forbidden("no"),
        refused(Refusal::NotAllowed("no")),
        ApiError::not_found("cohort"),
        refused(Refusal::NotFound(stream)),
        ApiError::MethodNotAllowed,
        refused(Refusal::AlreadyExists(stream)),
        refused(PersonRule::EmailTaken),
        ExecuteError::Contended { attempts: 5 }.into(),
        ExecuteError::VersionMismatch { expected: 1, actual: 2 }.into(),
        ApiError::BrokenOff(String::new()),
        ApiError::TooLarge,
        ApiError::UploadTooLarge,
        ApiError::NotThatRange { size: 9 },
        ApiError::FileRefused,
        ApiError::ScanUnavailable,
        ApiError::Overloaded,
        ApiError::FilesUnavailable,
        ApiError::FileTooLarge,
        ApiError::File(FileError::Empty),
        ApiError::WrongMedia("text/csv"),
        ApiError::UnsupportedMediaType,
        ApiError::Invalid(Vec::new()),
        refused(Refusal::Invalid(invalid)),
        ExecuteError::KeyReused.into(),
        ExecuteError::Store(StoreError::Corrupt("secret".into())).into(),
        unreachable().into(),
        ExecuteError::Store(unreachable()).into(),
        ApiError::Behind { wanted: 9 },
        ApiError::TimedOut,
        ApiError::Account(AccountProblem::SignInRefused),
        ApiError::Account(AccountProblem::WrongPassword),
        ApiError::Account(AccountProblem::PasswordChangedMeanwhile),
        ApiError::Account(AccountProblem::PasswordChangedRecently { retry_after: 61 }),
        ApiError::Account(AccountProblem::PasswordsOff),
        ApiError::Account(AccountProblem::NoOtherWayIn),
        ApiError::Account(AccountProblem::InvitationGone),
        ApiError::Account(AccountProblem::TooManyAttempts { retry_after: 61 }),
        ApiError::Account(AccountProblem::CrossSite),
        ApiError::Account(AccountProblem::OutOfScope("no")),
        ApiError::Account(AccountProblem::NoSuchProvider),
        ApiError::Account(AccountProblem::ProviderUnavailable),
        ApiError::Account(AccountProblem::NotVouchedFor("no")),
        ApiError::Account(AccountProblem::UnknownPerson),
        ApiError::Account(AccountProblem::SecondFactorRequired { has: true }),
        ApiError::Account(AccountProblem::SecondFactorRefused),
        ApiError::Account(AccountProblem::HalfSignInGone),
        ApiError::Account(AccountProblem::ProofRequired),
        ApiError::Account(AccountProblem::WrongSecondFactor),
        ApiError::Account(AccountProblem::SetUpGone),
        ApiError::Account(AccountProblem::NoSecondFactor),
        ApiError::Account(AccountProblem::PasskeysUnavailable),
    ];
    let mut table = String::new();
    for error in problems {
        let problem = error.problem();
        let (status, code) = (problem.status, &problem.code);
        writeln!(table, "{code} {status}").unwrap();
        assert_eq!(problem.kind, format!("/problems/{code}"));
        let response = error.into_response();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers().contains_key("retry-after"), matches!(status, 429 | 503), "{code}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{code}");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_defect_says_nothing_but_its_id() {
    let problem = ApiError::from(StoreError::Corrupt("a secret".into())).problem();
    assert!(problem.id.is_some());
    assert!(!serde_json::to_string(&problem).unwrap().contains("secret"));
}

#[test]
fn invalid_fields_are_pointed_at() {
    let fields = vec![InvalidField { pointer: "/marks/3/status".into(), detail: "is missing".into() }];
    let problem = refused(Refusal::Invalid(fields)).problem();
    assert_eq!(problem.errors, [FieldError::body("/marks/3/status", "is missing")]);
    assert_eq!(problem.title, "Invalid fields");
    assert_eq!(problem.detail, "/marks/3/status: is missing");
}
