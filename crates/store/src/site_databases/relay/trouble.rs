//! What can be wrong with a server, for the log of the operator. A server's own words are never in it, but for a code of five letters
//! and digits.

use std::io;

/// Why a connection to a site's own database was given up.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The way to it is broken, or was never there.
    #[error("{}", .0.kind())]
    Io(#[from] io::Error),
    /// The roots cannot be read, or none are there.
    #[error("the certificates that are trusted cannot be read: {0}")]
    Authorities(rustls::Error),
    /// The name leads to another machine, and the connection was to be unencrypted.
    #[error("the name of this machine leads to another one")]
    Elsewhere,
    /// The server has no TLS.
    #[error("the server offers no TLS")]
    NoTls,
    /// TLS has failed, perhaps because of the certificate.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The server says no.
    #[error("the server refuses, with SQLSTATE {0}")]
    Refused(String),
    /// It asks for a password in a way that shows it.
    #[error("the server asks for the password in a way that shows it to others")]
    Shown,
    /// It asks for what we do not have.
    #[error("the server asks for authentication of kind {0}, which is not done here")]
    Method(u32),
    /// The exchange of SCRAM has failed.
    #[error("SCRAM failed: the server does not know the password, or asks for too many rounds")]
    Scram,
    /// It is not PostgreSQL, or does not keep to its protocol.
    #[error("the server does not speak PostgreSQL's protocol")]
    Protocol,
    /// A message is larger than any is.
    #[error("the server sends a message of {0} bytes")]
    Large(usize),
    /// More is sent than is kept.
    #[error("the server sends more than is kept of all answers together")]
    Flood,
    /// It did not let us in in time.
    #[error("the server did not let us in in time")]
    Late,
    /// It says nothing.
    #[error("the server does not go on with its answer")]
    Silent,
    /// It takes too long.
    #[error("the server does not come to the end of its answer")]
    Endless,
    /// There are too many connections to one database.
    #[error("there are too many connections to it")]
    TooMany,
    /// The process ends.
    #[error("the process is about to end")]
    Ended,
}
