//! Letters with a link to set a password. The link's secret is made when its letter is sent and rests nowhere: a letter that may not
//! have arrived is written anew, with another secret, and the first is void.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::{InvitationPurpose, IssueInvitation};
use rollbook_domain::person::Person;
use rollbook_domain::site::page_of;
use rollbook_domain::{Actor, MessageId, PersonId, SiteId};
use rollbook_projections::models::site_settings::settings;
use rollbook_projections::models::sites;
use rollbook_store::accounts::AccountLetter;
use rollbook_store::{ExecuteError, Executor, Request};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::provider::{Answer, Fate};
use crate::templates::{Access, WITH_A_LINK, write_access};
use crate::{MailError, Mailer};

/// When a letter that may not have arrived is written anew.
const AGAIN: TimeDelta = TimeDelta::minutes(5);
/// How often a letter is tried: for an hour.
const TIMES: i32 = 12;
/// How soon after a link for a reset there is another.
const RESETS_APART: TimeDelta = TimeDelta::minutes(5);
/// How many resets of a person can be used at a time. Whoever asks while there are as many has the letters already, whoever asked for
/// them; strangers fill no mailbox, and void no link.
const RESETS_AT_A_TIME: i64 = 3;

/// How many files with void links are taken away at a time, so that a round is short.
const VOID_AT_A_TIME: i64 = 100;
/// How soon a file is looked at again that could not be taken away: somebody has to do something about it first.
const LOOKED_AT_AGAIN: TimeDelta = TimeDelta::hours(1);

/// How often the folder is looked through for old letters.
const LOOKED_THROUGH: Duration = Duration::from_hours(1);
/// The longest that a link can be good for: an invitation, in a school that has set as much as there may be.
const LONGEST: Duration = Duration::from_hours(2_160);

/// How long a reset is good for.
const RESET: TimeDelta = TimeDelta::hours(1);

impl Mailer {
    /// Answers who asked for a reset, and sends one letter that is due; whether there was anything to do.
    pub(crate) async fn letter(&self, now: DateTime<Utc>) -> Result<bool, MailError> {
        let mut busy = false;
        for site in self.store.sites_with_letters(now).await? {
            // A closed site answers nobody: whoever waits for its letters gets them when it is open again.
            let closed = match &self.elsewhere {
                Some(elsewhere) => elsewhere.now().closed,
                None => sites::get(self.store.pool(), site).await?.is_some_and(|site| site.closed),
            };
            if closed {
                continue;
            }
            while let Some(person) = self.store.reset_asked(site).await? {
                self.answer_reset(site, person, now).await?;
                busy = true;
            }
            let invitation = TimeDelta::hours(settings(self.store.pool(), site).await?.invitation_hours.into());
            let good_for = |purpose| match purpose {
                InvitationPurpose::Invitation => invitation,
                InvitationPurpose::Reset => RESET,
            };
            if let Some(letter) = self.store.take_letter(site, now, now + AGAIN, good_for).await? {
                let hours = good_for(letter.purpose).num_hours();
                self.send_letter(site, letter, hours, now).await?;
                busy = true;
            }
        }
        Ok(busy)
    }

    /// Decides whether somebody who asked gets a letter: who may sign in with a password, and was not sent one a moment ago,
    /// nor has enough of them.
    async fn answer_reset(&self, site: SiteId, person: PersonId, now: DateTime<Utc>) -> Result<(), MailError> {
        let purpose = InvitationPurpose::Reset;
        let known = self.store.person(site, person).await?.state;
        let by_passwords = settings(self.store.pool(), site).await?.password_sign_in;
        let (epoch, apart) = (known.epochs.access, (now - RESETS_APART, now));
        let due = self.store.reset_is_due(site, person, epoch, RESETS_AT_A_TIME, apart).await?;
        let letter = known.active && by_passwords && due;
        if letter {
            let request = Request {
                site,
                actor: Actor::System,
                command: IssueInvitation { person_id: person, purpose }.into(),
                command_id: None,
                if_match: None,
                correlation_id: None,
            };
            Executor::new(self.store.clone(), self.clock.clone()).execute(request).await.map_err(unrecorded)?;
        }
        Ok(self.store.answer_reset(site, person, letter, now).await?)
    }

    /// Takes away the files whose link is good no more.
    pub(crate) async fn remove_void_links(&self, now: DateTime<Utc>) -> Result<(), MailError> {
        for (site, message) in self.store.void_letter_files(VOID_AT_A_TIME, now).await? {
            match self.folder.remove(message).await {
                Ok(()) => self.store.forget_letter_file(site, message).await?,
                Err(error) => {
                    tracing::warn!(%error, "a file with a link that is good no more cannot be taken away");
                    self.store.put_off_letter_file(site, message, now + LOOKED_AT_AGAIN).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes away the files of letters with a link that is good no more, whenever and for whichever database they were written: those
    /// of this one go with their link, and what an earlier version wrote is known by its age alone.
    pub(crate) async fn remove_old_letters(&mut self) {
        if self.looked_through.is_some_and(|looked| looked.elapsed() < LOOKED_THROUGH) {
            return;
        }
        self.looked_through = Some(Instant::now());
        let Some(before) = SystemTime::now().checked_sub(LONGEST) else { return };
        match self.folder.remove_old(&WITH_A_LINK, before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old letters with links were taken away"),
            Err(error) => tracing::warn!(%error, "old letters with links cannot be taken away"),
        }
    }

    async fn send_letter(
        &self,
        site: SiteId,
        letter: AccountLetter,
        hours: i64,
        now: DateTime<Utc>,
    ) -> Result<(), MailError> {
        let (person, purpose) = (letter.person, letter.purpose);
        let known = self.store.person(site, person).await?.state;
        let why = match self.deliver_letter(site, &known, &letter, hours, now).await? {
            None => {
                tracing::info!(%purpose, "a letter with a link was sent");
                return Ok(self.store.end_letter(site, person, purpose).await?);
            }
            Some(NotSent { why, for_good }) if for_good || letter.attempts + 1 >= TIMES => {
                self.store.end_letter(site, person, purpose).await?;
                why
            }
            Some(NotSent { why, .. }) => why,
        };
        tracing::warn!(%purpose, attempts = letter.attempts + 1, why, "a letter with a link was not sent");
        Ok(())
    }

    /// Where a site's links lead: to its own host, whatever a request has said.
    async fn page(&self, site: SiteId) -> Result<Option<String>, MailError> {
        if let Some(elsewhere) = &self.elsewhere {
            return Ok(page_of(self.public_url.as_deref(), site, elsewhere.now().host.as_deref()));
        }
        let sql = "select h.host ->> 'host' from sites o, jsonb_array_elements(o.hosts) with ordinality as h(host, nth)
            where o.site_id = $1 and o.id = $2 and h.host ->> 'admits' <> 'staff' order by h.nth limit 1";
        let query = sqlx::query_scalar(sql).bind(SiteId::DEFAULT.0).bind(site.0);
        let host: Option<String> = query.fetch_optional(self.store.pool()).await?;
        Ok(page_of(self.public_url.as_deref(), site, host.as_deref()))
    }

    /// Hands a letter over; why it was not taken, if it was not.
    async fn deliver_letter(
        &self,
        site: SiteId,
        person: &Person,
        letter: &AccountLetter,
        hours: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<NotSent>, MailError> {
        let for_good = |why: String| Ok(Some(NotSent { why, for_good: true }));
        let (Some(name), Some(email), true) = (&person.name, &person.email, person.active) else {
            return for_good("the person may not sign in".to_owned());
        };
        let secret = letter.secret.expose_secret();
        let message_id = MessageId(Uuid::new_v4());
        if !self.provider.reaches_people() {
            self.store.keep_letter_file(site, message_id, &letter.secret, now).await?;
        }
        let page = self.page(site).await?.map(|url| format!("{}/invitation#{secret}", url.trim_end_matches('/')));
        let letter = write_access(&Access {
            message_id,
            name: name.clone(),
            email: email.clone(),
            purpose: letter.purpose,
            link: page.unwrap_or_else(|| secret.to_owned()).into(),
            hours,
        });
        let part = match self.provider.part(&letter, &self.from, now) {
            Ok(part) => part,
            Err(why) => return for_good(why),
        };
        let payload = serde_json::to_string(&[part])?;
        Ok(match self.provider.deliver(letter.message_id.0, &payload).await? {
            Answer::Each(fates) => match fates.into_iter().next() {
                Some(Fate::Refused { why }) => Some(NotSent { why, for_good: true }),
                Some(Fate::Taken { .. }) | None => None,
            },
            Answer::Refused { why } | Answer::Contradicted { why } => Some(NotSent { why, for_good: true }),
            Answer::Later { why, .. } | Answer::Unknown { why, .. } => Some(NotSent { why, for_good: false }),
        })
    }
}

/// Why a letter was not taken.
struct NotSent {
    /// In words that say nothing of what is in it, nor to whom it goes.
    why: String,
    /// Whether it never will be.
    for_good: bool,
}

/// A refusal may hold names, so that only its code is told.
fn unrecorded(error: ExecuteError) -> MailError {
    match error {
        ExecuteError::Store(error) => error.into(),
        ExecuteError::Refused(refusal) => MailError::Record(refusal.code()),
        _ => MailError::Record("conflict"),
    }
}
