//! The play: seven weeks of the fixture's cohort, command by command. What was played before is found done.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use rollbook_domain::enrolment::HoldStudent;
use rollbook_domain::{EnrolmentId, SiteId};
use rollbook_mail::Settings;
use rollbook_store::EventStore;

use super::calendar::{Calendar, LAST_WEEK};
use super::cast::Cast;
use super::fixture::Fixture;
use super::post::Post;
use super::stage::{Act, Stage};
use super::{evening, ids, next_day, opening, writing};
use crate::failure::Done;
use crate::output;
use crate::service::Service;

/// The last step: once it is in the log, everything is.
const FINALE: &str = "finale";

/// What a play came to.
#[derive(Debug)]
pub struct Played {
    pub cast: Cast,
    /// The local date of the seventh session.
    pub last_session: NaiveDate,
    /// How many commands were sent; none if all of it was played before.
    pub commands: u64,
}

/// Plays what has not been played yet.
pub async fn play(service: &Service, fixture: &Fixture, mail: &Settings, now: DateTime<Utc>) -> Done<Played> {
    let store = &service.store;
    let mut cast = Cast::of(fixture);
    let begun = Calendar::of_played(store, cast.cohort, fixture).await?;
    let calendar = begun.unwrap_or_else(|| Calendar::up_to(now, fixture));
    let last_session = calendar.date(LAST_WEEK);
    let last_held = cast.student(&fixture.last_hold.student)?.enrolment;
    if begun.is_some() && is_over(store, last_held).await? {
        return Ok(Played { cast, last_session, commands: 0 });
    }
    if begun.is_some() {
        output::say("Going on with a play that was broken off; what was done is not done again.");
    }

    let stage = Stage::on(store.clone(), calendar.after(1, -21 * 24, 0));
    opening::play(&stage, fixture, &calendar, &mut cast).await?;
    let mut post = Post::open(&stage, service.projections.clone(), mail)?;
    for at in 1..=LAST_WEEK {
        week(&stage, fixture, &calendar, &mut cast, &mut post, at).await?;
    }
    post.close().await?;
    stage.set_clock(calendar.after(LAST_WEEK, 4, 20));
    let hold = HoldStudent { enrolment_id: last_held, reason: fixture.last_hold.reason.clone() };
    stage.perform(Act::by(cast.admin, FINALE, hold)).await?;
    stage.progress.end();
    Ok(Played { cast, last_session, commands: stage.performed() })
}

async fn week(stage: &Stage, fixture: &Fixture, calendar: &Calendar, cast: &mut Cast, post: &mut Post, at: u8) -> Done {
    let evening = evening::play(stage, fixture, calendar, cast, at).await?;
    let mut reflections = 0;
    let mut marked = 0;
    let mut emails = 0;
    let mut told = Vec::new();
    if at < LAST_WEEK {
        // The week goes on until the next session: decisions on the day after, marks on the fifth.
        emails = post.play(stage, calendar, cast, at).await?;
        let [first, later @ ..] = writing::OVER_THE_WEEK;
        reflections += writing::hand_in(stage, fixture, calendar, cast, at, (0, first)).await?;
        told = next_day::play(stage, fixture, calendar, cast, at).await?;
        for occasion in (1..).zip(later) {
            reflections += writing::hand_in(stage, fixture, calendar, cast, at, occasion).await?;
        }
        marked = writing::mark(stage, fixture, calendar, cast, at).await?;
    } else {
        for occasion in (0..).zip(writing::THE_SAME_EVENING) {
            reflections += writing::hand_in(stage, fixture, calendar, cast, at, occasion).await?;
        }
    }
    let mut line = format!(
        "week {at}   {:<10}  {} of {} there",
        calendar.date(at).format("%a %-d %b"),
        evening.there,
        evening.students
    );
    let mut and = |count: usize, what: &str| {
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(line, " · {count} {what}");
        }
    };
    and(evening.flags, if evening.flags == 1 { "flag raised" } else { "flags raised" });
    and(evening.advanced, "advanced");
    and(evening.held, "held");
    and(emails, "emails");
    and(reflections, "reflections");
    and(marked, "marked");
    stage.progress.line(line);
    for line in told {
        stage.progress.line(format!("         {line}"));
    }
    Ok(())
}

/// Whether the last step was made.
async fn is_over(store: &EventStore, enrolment: EnrolmentId) -> Done<bool> {
    let events = store.stream(SiteId::DEFAULT, enrolment.into()).await?;
    Ok(events.iter().any(|recorded| recorded.command_id == ids::command(FINALE)))
}
