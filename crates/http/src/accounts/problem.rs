//! What goes wrong with signing in and with accounts: a part of the table of statuses. Who has no account, no password or no right
//! to sign in is told the same as who has a wrong password.

use axum::http::StatusCode;

use crate::problem::ApiError;

/// What somebody is told who was let in when they asked, and whom something has ended since.
pub const ENDED: ApiError = ApiError::Unauthenticated("what you came in by has ended meanwhile; nothing was done");

/// Why somebody is not let in, or may not change how they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountProblem {
    /// Address and password do not belong together, or the person may not sign in: all alike.
    SignInRefused,
    /// The site's owners let nobody in by a password.
    PasswordsOff,
    /// Nobody who looks after the site would come in any more.
    NoOtherWayIn,
    /// The person's password is another one.
    WrongPassword,
    /// Whoever asks has not shown that they are the person.
    SignInAgain,
    /// Somebody was faster: it was the right password when it was looked at.
    PasswordChangedMeanwhile,
    /// The password was changed a moment ago.
    PasswordChangedRecently {
        /// How many seconds to wait.
        retry_after: u64,
    },
    /// The link was used, has run out, was replaced, or never was.
    InvitationGone,
    /// The person has come in before: a link is for them alone to see.
    LinkIsMailed,
    /// Too much failed in a short time.
    TooManyAttempts {
        /// How many seconds to wait.
        retry_after: u64,
    },
    /// A cookie came with a request that another site's page may have made.
    CrossSite,
    /// The token is not for this.
    OutOfScope(&'static str),
    /// There is no such system to sign in by.
    NoSuchProvider,
    /// The other system cannot be reached, or does not answer as it should.
    ProviderUnavailable,
    /// The other system's word does not hold, or they did not come back as they went.
    NotVouchedFor(&'static str),
    /// The other system's word holds, and says somebody who is not registered here.
    UnknownPerson,
    /// A second factor must be shown, or be set up first.
    SecondFactorRequired {
        /// Whether there is one, which this session has not shown.
        has: bool,
    },
    /// What was shown besides is not theirs, or was used before: all alike.
    SecondFactorRefused,
    /// Half a sign-in was used, has run out, was tried too often or ended, or never was.
    HalfSignInGone,
    /// It takes the password or a code, and neither was given.
    ProofRequired,
    /// What was shown is not theirs, or was used before.
    WrongSecondFactor,
    /// What was begun was ended already, has run out, or never was.
    SetUpGone,
    /// There is none that anything could be done with.
    NoSecondFactor,
    /// Passkeys are bound to a host, and the site has none.
    PasskeysUnavailable,
}

impl AccountProblem {
    /// The status, with the stable code.
    pub fn status(self) -> (StatusCode, &'static str) {
        match self {
            Self::SignInRefused => (StatusCode::UNAUTHORIZED, "sign_in_refused"),
            Self::PasswordsOff => (StatusCode::FORBIDDEN, "password_sign_in_off"),
            Self::NoOtherWayIn => (StatusCode::CONFLICT, "no_other_way_in"),
            Self::WrongPassword => (StatusCode::FORBIDDEN, "wrong_password"),
            Self::SignInAgain => (StatusCode::FORBIDDEN, "sign_in_again"),
            Self::PasswordChangedMeanwhile => (StatusCode::CONFLICT, "password_changed_meanwhile"),
            Self::PasswordChangedRecently { .. } => (StatusCode::TOO_MANY_REQUESTS, "password_changed_recently"),
            Self::InvitationGone => (StatusCode::CONFLICT, "invitation_gone"),
            Self::LinkIsMailed => (StatusCode::CONFLICT, "link_is_mailed"),
            Self::TooManyAttempts { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross_site"),
            Self::OutOfScope(_) => (StatusCode::FORBIDDEN, "out_of_scope"),
            Self::NoSuchProvider => (StatusCode::NOT_FOUND, "not_found"),
            Self::ProviderUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable"),
            Self::NotVouchedFor(_) => (StatusCode::FORBIDDEN, "not_vouched_for"),
            Self::UnknownPerson => (StatusCode::FORBIDDEN, "unknown_person"),
            Self::SecondFactorRequired { .. } => (StatusCode::FORBIDDEN, "second_factor_required"),
            Self::SecondFactorRefused => (StatusCode::UNAUTHORIZED, "second_factor_refused"),
            Self::HalfSignInGone => (StatusCode::UNAUTHORIZED, "half_sign_in_gone"),
            Self::ProofRequired => (StatusCode::FORBIDDEN, "proof_required"),
            Self::WrongSecondFactor => (StatusCode::FORBIDDEN, "wrong_second_factor"),
            Self::SetUpGone => (StatusCode::CONFLICT, "set_up_gone"),
            Self::NoSecondFactor => (StatusCode::CONFLICT, "no_second_factor"),
            Self::PasskeysUnavailable => (StatusCode::CONFLICT, "passkeys_unavailable"),
        }
    }

    /// What is wrong, for whoever asked.
    pub fn detail(self) -> String {
        match self {
            Self::SignInRefused => {
                "this address and this password do not belong together, or the person may not sign in".to_owned()
            }
            Self::PasswordsOff => "nobody signs in with a password here; use the other system".to_owned(),
            Self::NoOtherWayIn => "owners would have no way in: no system that is privileged vouches in this school, which the \
                installation's configuration must say first"
                .to_owned(),
            Self::WrongPassword => "this is not the present password; nothing was changed".to_owned(),
            Self::SignInAgain => "this needs your password in the body's field password; who has none signs in again, and asks within \
                10 minutes"
                .to_owned(),
            Self::PasswordChangedMeanwhile => {
                "the password was changed meanwhile, by another request; this one changed nothing".to_owned()
            }
            Self::PasswordChangedRecently { retry_after } => {
                format!("the password was changed a moment ago; change it again in {}", minutes(retry_after))
            }
            Self::InvitationGone => {
                "this link was used, has run out, or was replaced by a newer one; ask for another".to_owned()
            }
            Self::LinkIsMailed => "this person has signed in before: a link is mailed to them and shown to nobody else; ask with \
                {\"send\": true}"
                .to_owned(),
            Self::TooManyAttempts { retry_after } => {
                format!("too many attempts failed; try again in {}", minutes(retry_after))
            }
            Self::CrossSite => "a request with the session's cookie must come from this site's own pages; programs send \
                the token as Authorization: Bearer <token>"
                .to_owned(),
            Self::OutOfScope(detail) | Self::NotVouchedFor(detail) => detail.to_owned(),
            Self::NoSuchProvider => "there is no such system to sign in by".to_owned(),
            Self::ProviderUnavailable => {
                "the system that you sign in by cannot be reached; try again shortly, or use your password".to_owned()
            }
            Self::SecondFactorRequired { has: false } => {
                "you must have a second factor here: set one up at /second-factors, and all else is open again".to_owned()
            }
            Self::SecondFactorRequired { has: true } => {
                "this was begun without your second factor; sign in again, with it".to_owned()
            }
            Self::SecondFactorRefused => {
                "this is not right, or was used before; wait for the next code, or use a recovery code".to_owned()
            }
            Self::HalfSignInGone => "this took too long, was tried too often, or was ended; sign in again".to_owned(),
            Self::ProofRequired => "send your password, or a code, to show that it is you".to_owned(),
            Self::WrongSecondFactor => "this is not right, or was used before; nothing was changed".to_owned(),
            Self::SetUpGone => "this was not begun by you, took too long, or is done already; begin again".to_owned(),
            Self::NoSecondFactor => "there is no such second factor here; set one up first".to_owned(),
            Self::PasskeysUnavailable => {
                "passkeys are bound to a host, and this site has none: it is asked for by an address".to_owned()
            }
            Self::UnknownPerson => {
                "nobody is registered here under the verified address that this system gives; ask an admin to register it"
                    .to_owned()
            }
        }
    }

    /// How long to wait before trying again, in seconds.
    pub fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { retry_after } | Self::PasswordChangedRecently { retry_after } => Some(retry_after),
            Self::ProviderUnavailable => Some(1),
            _ => None,
        }
    }
}

fn minutes(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        1 => "a minute".to_owned(),
        more => format!("{more} minutes"),
    }
}
