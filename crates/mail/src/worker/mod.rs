//! The delivery of emails: one process at a time, request by request. What is sent was stored before; whoever takes over after
//! a death finds it, and sends exactly the same under the same key, or, where that could send twice, tells somebody.

mod judge;
mod running;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use rollbook_domain::site::page_of;
use rollbook_domain::{MessageId, SiteId};
use rollbook_projections::Projections;
use rollbook_projections::models::emails::EmailStatus;
use rollbook_store::{Clock, EventStore};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use self::judge::Judgement;
use self::verdict::{Tried, Verdict};
use crate::config::{ConfigError, Configured, Settings};
use crate::provider::{Answer, Folder, Provider};
use crate::queue::{self, Becomes, Candidate, Stored};
use crate::site_directory::{SiteDirectory, SiteStatus};
use crate::{MailError, measure, patience, templates};

pub use running::Mailing;

/// Whoever delivers emails of a database holds this advisory lock of it.
const LOCK: i64 = 5_570_193_308_531_903_611;
/// How long the read models may take to come to the log before a message is judged by them.
const FRESH: Duration = Duration::from_secs(5);

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Something was done, and there may be more.
    Busy,
    /// There is nothing to do before this instant, or before something happens.
    Idle(Option<DateTime<Utc>>),
    /// Another process delivers.
    NotLeader,
}

/// Delivers a database's emails, round by round.
#[derive(Debug)]
pub struct Mailer {
    pub(crate) store: EventStore,
    projections: Projections,
    pub(crate) clock: Clock,
    pub(crate) provider: Arc<Provider>,
    pub(crate) folder: Folder,
    pub(crate) from: Mailbox,
    pub(crate) public_url: Option<String>,
    /// Of a database that does not hold the registry.
    pub(crate) elsewhere: Option<SiteDirectory>,
    /// The connection that holds the lock, or asks for it.
    connection: Option<PgConnection>,
    locked: bool,
    /// Until when the provider takes nothing, as far as this process knows.
    closed_until: Option<DateTime<Utc>>,
    /// When the folder was looked through for old letters.
    pub(crate) looked_through: Option<Instant>,
}

impl Mailer {
    /// One that delivers as the settings say, by the read models that somebody else keeps up to date.
    pub fn try_new(
        projections: Projections,
        store: EventStore,
        clock: Clock,
        settings: &Settings,
    ) -> Result<Self, ConfigError> {
        let Configured { provider, folder, from, public_url } = settings.configured()?;
        let provider = Arc::new(provider);
        Ok(Self {
            store,
            projections,
            clock,
            provider,
            folder,
            from,
            public_url,
            elsewhere: None,
            connection: None,
            locked: false,
            closed_until: None,
            looked_through: None,
        })
    }

    /// One for the single site that the database is of; what else is to be known of that is found elsewhere.
    #[must_use]
    pub fn of_site(self, elsewhere: SiteDirectory) -> Self {
        Self { elsewhere: Some(elsewhere), ..self }
    }

    /// One round: takes up what is new, and hands at most one request over.
    pub async fn round(&mut self) -> Result<Round, MailError> {
        // A connection that fails, or is broken off, is not kept: with it the lock is lost.
        let locked = std::mem::take(&mut self.locked);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.store.connection().await?,
        };
        let locked = locked || lock(&mut connection).await?;
        let round = if locked { self.go(&mut connection).await? } else { Round::NotLeader };
        (self.connection, self.locked) = (Some(connection), locked);
        Ok(round)
    }

    /// Gives the lock back.
    pub async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection did not end well");
        }
    }

    async fn go(&mut self, connection: &mut PgConnection) -> Result<Round, MailError> {
        let now = self.clock.now();
        if let Some(stored) = queue::stored(connection, now).await? {
            self.repeat(connection, stored, now).await?;
            return Ok(Round::Busy);
        }
        self.remove_void_links(now).await?;
        self.remove_old_letters().await;
        // Whoever waits for a link to sign in by waits now.
        if self.letter(now).await? {
            return Ok(Round::Busy);
        }
        // What was decided up to now is known before anything is sent.
        let head = self.store.head().await?;
        self.projections.wait_for(head, FRESH).await?;
        queue::take_up(connection, now).await?;
        let closed = self.closed_until.filter(|until| *until > now);
        if closed.is_none() && self.send_some(connection, now).await? {
            return Ok(Round::Busy);
        }
        // The gauges are the installation's own: no site has a label.
        if self.elsewhere.is_none() {
            let (waiting, oldest) = queue::waiting(connection).await?;
            measure::waiting(waiting, oldest, now);
        }
        Ok(Round::Idle(queue::next_turn(connection).await?.max(closed)))
    }

    /// Sends the messages whose turn it is, as many as go in one request; whether there were any.
    async fn send_some(&mut self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, MailError> {
        let mut candidates = queue::candidates(connection, now, self.provider.batch_size()).await?;
        if let Some(SiteStatus { closed, host }) = self.elsewhere.as_ref().map(SiteDirectory::now) {
            for candidate in &mut candidates {
                (candidate.closed, candidate.host) = (closed, host.clone());
            }
        }
        if let Some(first) = candidates.iter().position(|candidate| candidate.alone) {
            candidates = vec![candidates.swap_remove(first)];
        }
        let (mut messages, mut parts) = (Vec::new(), Vec::new());
        for candidate in &candidates {
            if let Some(part) = self.judged(connection, candidate, now).await? {
                messages.push((candidate.site_id, candidate.message_id));
                parts.push(part);
            }
        }
        if !messages.is_empty() {
            self.send(connection, &messages, &parts, now).await?;
        }
        Ok(!candidates.is_empty())
    }

    /// A message as it is sent, if it may still be.
    async fn judged(
        &self,
        connection: &mut PgConnection,
        candidate: &Candidate,
        now: DateTime<Utc>,
    ) -> Result<Option<Value>, MailError> {
        let page = || page_of(self.public_url.as_deref(), candidate.site_id, candidate.host.as_deref());
        let letter = match judge::judge(candidate, now) {
            // Files that nobody is said to read are no place to tell somebody something.
            Judgement::Tell(_) if !self.provider.reaches_people() => {
                Err((EmailStatus::Skipped, "no mail is configured that reaches people".to_owned()))
            }
            Judgement::Tell(notice) => Ok(templates::write_notice(&notice, page().as_deref())),
            Judgement::Send(occasion) => Ok(templates::write(&occasion, page().as_deref())),
            Judgement::Skip(why) => Err((EmailStatus::Skipped, why)),
            Judgement::Expired => Err((EmailStatus::Expired, "it was too old to be sent".to_owned())),
            Judgement::NotNow => {
                queue::leave(connection, candidate, now).await?;
                return Ok(None);
            }
        };
        let part = letter
            .and_then(|letter| self.provider.part(&letter, &self.from, now).map_err(|why| (EmailStatus::Failed, why)));
        match part {
            Ok(part) => Ok(Some(part)),
            Err((status, why)) => {
                queue::end(connection, candidate, status, Some(&why), now).await?;
                measure::count(status, 1);
                Ok(None)
            }
        }
    }

    async fn send(
        &mut self,
        connection: &mut PgConnection,
        messages: &[(SiteId, MessageId)],
        parts: &[Value],
        now: DateTime<Utc>,
    ) -> Result<(), MailError> {
        let stored = Stored {
            batch_id: Uuid::new_v4(),
            provider: self.provider.name().to_owned(),
            payload: serde_json::to_string(parts)?,
            attempts: 1,
            began_at: now,
        };
        queue::begin(connection, &stored, messages).await?;
        let answer = self.provider.deliver(stored.batch_id, &stored.payload).await?;
        self.settle(connection, &stored, answer, false).await
    }

    /// Sends a stored request once more, if that cannot send it twice: nobody knows whether it was taken before.
    async fn repeat(
        &mut self,
        connection: &mut PgConnection,
        mut stored: Stored,
        now: DateTime<Utc>,
    ) -> Result<(), MailError> {
        let why = if stored.provider != self.provider.name() {
            "the service was told to deliver otherwise before it was known whether this was taken"
        } else if !self.provider.is_repeatable() {
            "the service ended before it was known whether this was taken"
        } else if !patience::may_be_repeated(stored.began_at, now) {
            "it was not known within a day whether this was taken"
        } else {
            queue::again(connection, &stored, now).await?;
            stored.attempts += 1;
            let answer = self.provider.deliver(stored.batch_id, &stored.payload).await?;
            return self.settle(connection, &stored, answer, true).await;
        };
        let fates = vec![
            Becomes::new(EmailStatus::Unconfirmed, why.to_owned());
            queue::attempts(connection, stored.batch_id).await?.len()
        ];
        self.conclude(connection, &stored, &fates).await
    }

    /// Records what is known of a request. `in_doubt`: it was sent before, and nobody knows whether it was taken then.
    async fn settle(
        &mut self,
        connection: &mut PgConnection,
        stored: &Stored,
        answer: Answer,
        in_doubt: bool,
    ) -> Result<(), MailError> {
        let tried = Tried {
            began_at: stored.began_at,
            times: u32::try_from(stored.attempts).unwrap_or(u32::MAX),
            in_doubt,
            repeatable: self.provider.is_repeatable(),
            attempts: queue::attempts(connection, stored.batch_id).await?,
        };
        let now = self.clock.now();
        match tried.verdict(answer, now) {
            Verdict::Settled { fates, closed_until } => {
                self.closed_until = closed_until.or(self.closed_until);
                self.conclude(connection, stored, &fates).await
            }
            Verdict::Again { why, next } => {
                tracing::warn!(batch = %stored.batch_id, attempts = tried.times, %why, "emails are sent again later");
                queue::keep(connection, stored.batch_id, &why, next, now).await
            }
        }
    }

    async fn conclude(
        &self,
        connection: &mut PgConnection,
        stored: &Stored,
        fates: &[Becomes],
    ) -> Result<(), MailError> {
        queue::settle(connection, stored.batch_id, fates, self.clock.now()).await?;
        for status in [EmailStatus::Sent, EmailStatus::Failed, EmailStatus::Unconfirmed, EmailStatus::Waiting] {
            let fates: Vec<_> = fates.iter().filter(|fate| fate.status == status).collect();
            let Some(first) = fates.first() else { continue };
            let (batch, messages) = (stored.batch_id, fates.len());
            if status == EmailStatus::Sent {
                tracing::info!(%batch, messages, "emails were sent");
            } else {
                let why = first.detail.as_deref().unwrap_or_default();
                tracing::warn!(%batch, messages, %status, why, "emails were not sent");
            }
            if status != EmailStatus::Waiting {
                measure::count(status, messages);
            }
        }
        Ok(())
    }
}

/// Takes the lock, unless another process has it.
async fn lock(connection: &mut PgConnection) -> Result<bool, MailError> {
    Ok(sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK).fetch_one(connection).await?)
}
