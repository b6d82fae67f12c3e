//! The last thing that the demo prints: where it listens, who you can be, and three lines to paste.

use chrono::TimeDelta;
use rollbook_domain::account::ShownFactor;
use rollbook_domain::{PersonId, SiteId};
use rollbook_http::calendar_path;
use rollbook_store::accounts::Grounds;
use rollbook_store::{Clock, EventStore};
use uuid::Uuid;

use super::calendar::LAST_WEEK;
use super::cast::Cast;
use super::fixture::Fixture;
use crate::failure::{Done, Failure};
use crate::output;

/// How long the tokens are valid.
const TTL: TimeDelta = TimeDelta::hours(12);

/// Prints it, with new tokens.
pub async fn print(store: &EventStore, fixture: &Fixture, cast: &Cast, clock: &Clock, url: &str) -> Done {
    // The first hub's coordinator, and a student of theirs who can be marked.
    let nobody = || Failure::new("fixtures/demo.toml has no hub, marker or student");
    let hub = cast.hubs.first().ok_or_else(nobody)?;
    let student = cast.students.iter().find(|s| s.hub == Some(hub.id)).ok_or_else(nobody)?;
    let written = fixture.hubs.first().ok_or_else(nobody)?;
    let marker = cast.markers.first().ok_or_else(nobody)?;
    let marker_name = fixture.staff.markers.first().ok_or_else(nobody)?;

    let admin = token(store, clock, cast.admin).await?;
    let coordinator = token(store, clock, hub.coordinator).await?;
    let marking = token(store, clock, *marker).await?;
    let studying = token(store, clock, student.person).await?;
    let epoch = store.person(SiteId::DEFAULT, student.person).await?.state.epochs.access;
    let (made, grounds) = ((epoch, ShownFactor::Elsewhere), Grounds::default());
    let sessions = store.issue_calendar_link(SiteId::DEFAULT, student.person, made, &grounds, clock.now()).await?;
    let sessions = sessions.ok_or_else(|| Failure::new("a calendar's address that needs nothing was not made"))?;
    output::line(&format!(
        "
listening on {url}   (try it in a browser: {url}/docs)

Tokens, valid for {} hours
  admin        {admin}  {}
  coordinator  {coordinator}  {}, {}
  marker       {marking}  {}
  student      {studying}  {}

The student's sessions, for a calendar program
  {url}{}

Three lines to paste
  # the roster, as the admin
  curl -s '{url}/v1/cohorts/{}/roster?limit=3' -H 'Authorization: Bearer {admin}'

  # the coordinator: {} was late in week {LAST_WEEK} (send it twice: the receipt is the same)
  curl -s -X POST {url}/v1/commands/MarkAttendance -H 'Authorization: Bearer {coordinator}' \\
    -H 'Idempotency-Key: {}' -H 'Content-Type: application/json' \\
    -d '{{\"enrolment_id\":\"{}\",\"week\":{LAST_WEEK},\"status\":\"late\",\"place\":\"hub\"}}'

  # what the marker has to read
  curl -s '{url}/v1/marking-queue?marker=me&limit=3' -H 'Authorization: Bearer {marking}'

Ctrl-C ends it; the next `rollbook demo` takes it up again.",
        TTL.num_hours(),
        fixture.staff.admin.name.as_str(),
        written.coordinator.name.as_str(),
        hub.name,
        marker_name.name.as_str(),
        student.name,
        calendar_path(&sessions),
        cast.cohort,
        student.name,
        Uuid::new_v4(),
        student.enrolment,
    ))
}

async fn token(store: &EventStore, clock: &Clock, person: PersonId) -> Done<String> {
    Ok(store.issue_token(SiteId::DEFAULT, person, clock.now(), TTL).await?)
}
