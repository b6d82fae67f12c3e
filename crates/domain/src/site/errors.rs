//! The rules that a command about a site can break.

/// Why a command about a site was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SiteRule {
    /// Another site has the slug.
    #[error("another site has the slug {slug} already; give another one")]
    SlugTaken {
        /// Which.
        slug: String,
    },
    /// Another site answers there.
    #[error("the host {host} belongs to another site; take it away from that one first")]
    HostTaken {
        /// Which.
        host: String,
    },
    /// Without it nobody could open it again.
    #[error("the default site cannot be closed: sites are opened, closed and reopened on its host")]
    DefaultSiteStays,
    /// What it has is in the installation's database already.
    #[error("this site was opened without a database of its own, and does not move into one")]
    SiteDatabaseNotWanted,
    /// Once it is set up, the site's data are there.
    #[error("this site has its database already; it is given once")]
    SiteDatabaseGivenAlready,
    /// There is nothing to set up.
    #[error("this site has no database yet; give it one first")]
    SiteDatabaseMissing,
}
