//! The name of a host in the one form in which two are compared: lower case, ASCII, without a port or a final dot. It never
//! stands for more than one host.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::Host;

/// A host as requests name it: a domain name, an IPv4 address, or an IPv6 address in brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a host was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Longer than any name in the DNS.
    #[error("must be at most {} characters", HostName::MAX)]
    TooLong,
    /// One host at a time.
    #[error("must not have a wildcard; name each host")]
    Wildcard,
    /// Sites are told apart by hosts alone.
    #[error("must be without a port")]
    Port,
    /// Nothing that a browser would look up.
    #[error("must be a host such as school.example.org, without a scheme or a path")]
    NotAHost,
}

impl HostName {
    /// The longest name in the DNS.
    pub const MAX: usize = 253;

    /// Trims, checks and brings to the form in which two are compared; names in other scripts as the DNS has them (IDNA).
    pub fn try_new(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if text.contains('*') {
            return Err(HostError::Wildcard);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.contains(['%', '/', '@', '?', '#', '\\']) {
            return Err(HostError::NotAHost);
        }
        if !text.starts_with('[') && text.contains(':') {
            let has_port = text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.contains(':') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
            });
            return Err(if has_port { HostError::Port } else { HostError::NotAHost });
        }
        let host = Host::parse(text).map_err(|_| HostError::NotAHost)?;
        if let Host::Domain(name) = &host {
            let label = |label: &str| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            };
            if name.len() > Self::MAX {
                return Err(HostError::TooLong);
            }
            if !name.split('.').all(label) {
                return Err(HostError::NotAHost);
            }
        }
        Ok(Self(host.to_string()))
    }

    /// The host.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this machine itself: `localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        match Host::parse(&self.0) {
            Ok(Host::Domain(name)) => name == "localhost",
            Ok(Host::Ipv4(address)) => address.is_loopback(),
            Ok(Host::Ipv6(address)) => address.is_loopback(),
            Err(_) => false,
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        Self::try_new(&text)
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({})", self.0)
    }
}

impl JsonSchema for HostName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HostName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "idn-hostname", "minLength": 1, "maxLength": Self::MAX })
    }
}
