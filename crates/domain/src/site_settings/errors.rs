//! The rules that a command about a site's settings can break: none yet, a value out of range being no command.

/// Why a command about a site's settings was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
pub enum SiteSettingsRule {}
