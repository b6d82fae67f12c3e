//! The status table of the contract.

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
    let table = [
        (ApiError::NotJson(String::new()), 400, "not_json"),
        (ApiError::BadHeader(String::new()), 400, "bad_header"),
        (ApiError::Unauthenticated("no"), 401, "unauthenticated"),
        (ApiError::UnknownHost, 404, "unknown_host"),
        (ApiError::SiteClosed, 410, "site_closed"),
        (ApiError::SiteNotReady, 503, "site_not_ready"),
        (ApiError::SiteUnavailable, 503, "site_unavailable"),
        (SetUpError::from(SealError::NoKeys).into(), 409, "keys_missing"),
        (SetUpError::from(Unfit::Url).into(), 422, "database_url_unreadable"),
        (SetUpError::from(Unfit::Unreachable).into(), 409, "database_unreachable"),
        (SetUpError::from(Unfit::Password).into(), 422, "database_password_missing"),
        (SetUpError::from(Unfit::Parameter).into(), 422, "database_parameter_refused"),
        (SetUpError::from(Unfit::Tls).into(), 422, "database_tls_required"),
        (SetUpError::from(Unfit::Host).into(), 422, "database_host_not_allowed"),
        (SetUpError::TooOften(std::time::Duration::from_secs(9)).into(), 429, "too_many_requests"),
        (SetUpError::from(Unfit::TooOld(14)).into(), 409, "database_too_old"),
        (SetUpError::from(Unfit::NotEmpty).into(), 409, "database_not_empty"),
        (SetUpError::from(Unfit::InUse).into(), 409, "database_in_use"),
        (SetUpError::from(Unfit::Newer).into(), 409, "database_newer"),
        (SetUpError::from(Unfit::BeforeBaseline).into(), 409, "database_before_baseline"),
        (SetUpError::from(Unfit::NotWritable).into(), 409, "database_not_writable"),
        (SetUpError::from(Unfit::Unsound("42P07".into())).into(), 409, "database_unsound"),
        (SetUpError::from(SealError::KeyMissing("a".into())).into(), 500, "internal_error"),
        (ApiError::WrongHost("no"), 403, "wrong_host"),
        (ApiError::Forbidden("no"), 403, "not_allowed"),
        (refused(Refusal::NotAllowed("no")), 403, "not_allowed"),
        (ApiError::not_found("cohort"), 404, "not_found"),
        (refused(Refusal::NotFound(stream)), 404, "not_found"),
        (ApiError::MethodNotAllowed, 405, "method_not_allowed"),
        (refused(Refusal::AlreadyExists(stream)), 409, "already_exists"),
        (refused(PersonRule::EmailTaken), 409, "email_taken"),
        (ExecuteError::Contended { attempts: 5 }.into(), 409, "conflict"),
        (ExecuteError::VersionMismatch { expected: 1, actual: 2 }.into(), 412, "version_mismatch"),
        (ApiError::BrokenOff(String::new()), 400, "body_broken_off"),
        (ApiError::TooLarge, 413, "too_large"),
        (ApiError::UploadTooLarge, 413, "too_large"),
        (ApiError::NotThatRange { size: 9 }, 416, "range_not_satisfiable"),
        (ApiError::FileRefused, 422, "file_refused"),
        (ApiError::ScanUnavailable, 503, "scan_unavailable"),
        (ApiError::Overloaded, 503, "overloaded"),
        (ApiError::FilesUnavailable, 503, "files_unavailable"),
        (ApiError::FileTooLarge, 413, "too_large"),
        (ApiError::File(FileError::Empty), 422, "unreadable_file"),
        (ApiError::WrongMedia("text/csv"), 415, "unsupported_media_type"),
        (ApiError::UnsupportedMediaType, 415, "unsupported_media_type"),
        (ApiError::Invalid(Vec::new()), 422, "invalid_fields"),
        (refused(Refusal::Invalid(invalid)), 422, "invalid_fields"),
        (ExecuteError::KeyReused.into(), 422, "idempotency_key_reused"),
        (ExecuteError::Store(StoreError::Corrupt("secret".into())).into(), 500, "internal_error"),
        (unreachable().into(), 503, "store_unavailable"),
        (ExecuteError::Store(unreachable()).into(), 503, "store_unavailable"),
        (ApiError::Behind { wanted: 9 }, 503, "position_not_reached"),
        (ApiError::TimedOut, 503, "timed_out"),
        (ApiError::Account(AccountProblem::SignInRefused), 401, "sign_in_refused"),
        (ApiError::Account(AccountProblem::WrongPassword), 403, "wrong_password"),
        (ApiError::Account(AccountProblem::PasswordChangedMeanwhile), 409, "password_changed_meanwhile"),
        (
            ApiError::Account(AccountProblem::PasswordChangedRecently { retry_after: 61 }),
            429,
            "password_changed_recently",
        ),
        (ApiError::Account(AccountProblem::PasswordsOff), 403, "password_sign_in_off"),
        (ApiError::Account(AccountProblem::NoOtherWayIn), 409, "no_other_way_in"),
        (ApiError::Account(AccountProblem::InvitationGone), 409, "invitation_gone"),
        (ApiError::Account(AccountProblem::TooManyAttempts { retry_after: 61 }), 429, "too_many_attempts"),
        (ApiError::Account(AccountProblem::CrossSite), 403, "cross_site"),
        (ApiError::Account(AccountProblem::OutOfScope("no")), 403, "out_of_scope"),
        (ApiError::Account(AccountProblem::NoSuchProvider), 404, "not_found"),
        (ApiError::Account(AccountProblem::ProviderUnavailable), 503, "provider_unavailable"),
        (ApiError::Account(AccountProblem::NotVouchedFor("no")), 403, "not_vouched_for"),
        (ApiError::Account(AccountProblem::UnknownPerson), 403, "unknown_person"),
        (ApiError::Account(AccountProblem::SecondFactorRequired { has: true }), 403, "second_factor_required"),
        (ApiError::Account(AccountProblem::SecondFactorRefused), 401, "second_factor_refused"),
        (ApiError::Account(AccountProblem::HalfSignInGone), 401, "half_sign_in_gone"),
        (ApiError::Account(AccountProblem::ProofRequired), 403, "proof_required"),
        (ApiError::Account(AccountProblem::WrongSecondFactor), 403, "wrong_second_factor"),
        (ApiError::Account(AccountProblem::SetUpGone), 409, "set_up_gone"),
        (ApiError::Account(AccountProblem::NoSecondFactor), 409, "no_second_factor"),
        (ApiError::Account(AccountProblem::PasskeysUnavailable), 409, "passkeys_unavailable"),
    ];
    for (error, status, code) in table {
        let problem = error.problem();
        assert_eq!((problem.status, problem.code.as_ref()), (status, code), "{error:?}");
        assert_eq!(problem.kind, format!("/problems/{code}"));
        let response = error.into_response();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers().contains_key("retry-after"), matches!(status, 429 | 503), "{code}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{code}");
    }
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
