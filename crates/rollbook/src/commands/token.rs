//! `rollbook token`: a bearer token for a person who is known, or the end of all of theirs.

use std::str::FromStr;

use chrono::TimeDelta;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::site::Slug;
use rollbook_domain::{PersonId, SiteId};
use rollbook_store::{Clock, EventStore, Executor};

use crate::bootstrap;
use crate::cli::Token;
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;

/// The longest that a token may be valid, in days.
const MAX_DAYS: i64 = 366;

/// How long a token is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl(pub TimeDelta);

/// Reads `30m`, `1h`, `7d`, `90s`.
pub fn parse_ttl(text: &str) -> Result<Ttl, String> {
    let wrong = || format!("must be a time such as 30m, 1h or 7d, of {MAX_DAYS} days at most");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number = i64::from(u32::from_str(number).map_err(|_| wrong())?);
    let ttl = match unit {
        "s" => TimeDelta::seconds(number),
        "m" => TimeDelta::minutes(number),
        "h" => TimeDelta::hours(number),
        "d" => TimeDelta::days(number),
        _ => return Err(wrong()),
    };
    if ttl > TimeDelta::zero() && ttl <= TimeDelta::days(MAX_DAYS) { Ok(Ttl(ttl)) } else { Err(wrong()) }
}

/// Prints a token and nothing else, or says how many were revoked.
pub async fn run(database: &Database, clock: &Clock, site: &Slug, arguments: &Token) -> Done {
    if let Some(email) = &arguments.owner_email {
        bootstrap::owner(&Executor::new(database.store().await?, clock.clone()), email).await?;
    }
    let (store, site) = database.of_site(site).await?;
    let person = person(&store, site, &arguments.email).await?;
    if arguments.revoke {
        let revoked = store.revoke_tokens_of(site, person, clock.now()).await?;
        let tokens = if revoked == 1 { "token" } else { "tokens" };
        return output::line(&format!("revoked {revoked} {tokens} of {}", arguments.email));
    }
    if !store.person(site, person).await?.state.active {
        return Err(Failure::new(format!("{} is deactivated, and could do nothing with a token", arguments.email)));
    }
    let token = store.issue_token(site, person, clock.now(), arguments.ttl.0).await?;
    output::line(&token)
}

/// Whose address it is.
pub(super) async fn person(store: &EventStore, site: SiteId, email: &str) -> Done<PersonId> {
    let owner = store.owner(site, ClaimKey::email(email)).await?;
    owner.map(PersonId::from).ok_or_else(|| {
        Failure::new(format!(
            "nobody here has the address {email}. Register them first; the first owner is made with \
             ROLLBOOK_OWNER_EMAIL={email}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_minutes_hours_and_days() {
        assert_eq!(parse_ttl("30m"), Ok(Ttl(TimeDelta::minutes(30))));
        assert_eq!(parse_ttl("1h"), Ok(Ttl(TimeDelta::hours(1))));
        assert_eq!(parse_ttl("7d"), Ok(Ttl(TimeDelta::days(7))));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "h", "1", "0m", "-1h", "1.5h", "1y", "400d", "99999999999999d", "1ü"] {
            assert!(parse_ttl(text).is_err(), "{text:?}");
        }
    }
}
