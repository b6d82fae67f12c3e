//! The rules that a command about a hub can break.

/// Why a command about a hub was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum HubRule {
    /// Nobody meets there any more.
    #[error("the hub is closed; found another one")]
    HubClosed,
    /// Only those who may act can be appointed.
    #[error("the person is deactivated; reactivate them before appointing them")]
    PersonInactive,
    /// Closing it would leave them nowhere.
    #[error("the hub still has active students ({count}); let each join another hub, or none, before closing it")]
    HubHasStudents {
        /// How many.
        count: u32,
    },
}
