//! The emails of an evening: asked for once the next week is open, and delivered by the clock of the play. Nothing of an
//! invented cohort goes to a provider: its emails are files, whatever the environment says.

use rollbook_domain::week_emails::SendWeekEmails;
use rollbook_mail::{Mailer, Round, Settings};
use rollbook_projections::Projections;

use super::calendar::Calendar;
use super::cast::Cast;
use super::evening::week;
use super::stage::{Act, Stage};
use crate::failure::{Done, Failure};

/// The settings, but that emails become files.
pub fn as_files(mail: &Settings) -> Settings {
    Settings { resend_api_key: None, resend_url: None, smtp_url: None, ..mail.clone() }
}

/// Whoever delivers.
pub struct Post {
    mailer: Mailer,
}

impl Post {
    /// Delivers as the settings say, by the stage's clock.
    pub fn open(stage: &Stage, projections: Projections, mail: &Settings) -> Done<Self> {
        let mailer = Mailer::try_new(projections, stage.store().clone(), stage.clock().clone(), mail);
        Ok(Self { mailer: mailer.map_err(Failure::new)? })
    }

    /// Tells everybody who is in the next week that it is open.
    pub async fn play(&mut self, stage: &Stage, calendar: &Calendar, cast: &Cast, at: u8) -> Done<usize> {
        stage.progress.doing(format!("week {at}: emails"));
        stage.set_clock(calendar.after(at, 2, 20));
        let send = SendWeekEmails { cohort_id: cast.cohort, week: week(at + 1)? };
        let receipt = stage.perform(Act::by(cast.admin, format!("week {at}: emails"), send)).await?;
        self.deliver().await?;
        Ok(receipt.lists.get("requested").map_or(0, Vec::len))
    }

    /// Delivers what waits, unless another process does.
    async fn deliver(&mut self) -> Done {
        while self.mailer.round().await.map_err(Failure::new)? == Round::Busy {}
        Ok(())
    }

    /// Leaves the delivery to others.
    pub async fn close(mut self) -> Done {
        self.deliver().await?;
        self.mailer.close().await;
        Ok(())
    }
}
