//! `rollbook import`: the same reading and the same commands as over HTTP, with the answer as a table.

mod file;
mod shown;

use rollbook_domain::claim::ClaimKey;
use rollbook_domain::cohort::{ImportAttendance, ImportRoster, ImportedRow};
use rollbook_domain::site::Slug;
use rollbook_domain::{Actor, Command, PersonId, SiteId};
use rollbook_import::{Report, read_attendance, read_oneroster, read_roster};
use rollbook_store::{Clock, EventStore, Executor, Request};

use self::file::Source;
use crate::cli::{Import, ImportAttendance as AttendanceAsked, ImportRoster as RosterAsked, Importing};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::progress::Progress;

/// The steps that the bar counts: read, decide, done.
const STEPS: u64 = 3;

/// Carries one of them out.
pub async fn run(database: &Database, clock: &Clock, site: &Slug, asked: &Import) -> Done {
    match asked {
        Import::Roster(asked) => roster(database, clock, site, asked).await,
        Import::Attendance(asked) => attendance(database, clock, site, asked).await,
    }
}

async fn roster(
    database: &Database,
    clock: &Clock,
    site: &Slug,
    RosterAsked { importing, class }: &RosterAsked,
) -> Done {
    let work = Work::start(importing);
    let source = file::read(&importing.file)?;
    let read = match &source {
        Source::Csv(_) if class.is_some() => {
            return Err(Failure::new("--class is for a OneRoster export: a folder or a ZIP file"));
        }
        Source::Csv(bytes) => read_roster(bytes)?,
        Source::OneRoster(files) => read_oneroster(files, class.as_deref())?,
    };
    work.has_read(read.len(), "rows");
    let command = ImportRoster { cohort_id: importing.cohort, rows: read.rows.clone() };
    let report = work.import(database, clock, site, command.into(), |rows| read.report(rows)).await?;
    shown::roster(&report, importing)
}

async fn attendance(
    database: &Database,
    clock: &Clock,
    site: &Slug,
    AttendanceAsked { importing }: &AttendanceAsked,
) -> Done {
    let work = Work::start(importing);
    let Source::Csv(bytes) = file::read(&importing.file)? else {
        return Err(Failure::new("attendance is imported from a CSV file"));
    };
    let read = read_attendance(&bytes)?;
    work.has_read(read.marks.len() + read.told.len(), "marks");
    let command = ImportAttendance { cohort_id: importing.cohort, marks: read.marks.clone() };
    let report = work.import(database, clock, site, command.into(), |rows| read.report(rows)).await?;
    shown::attendance(&report, importing)
}

/// An import under way.
struct Work<'a> {
    asked: &'a Importing,
    progress: Progress,
}

impl<'a> Work<'a> {
    fn start(asked: &'a Importing) -> Self {
        let progress = Progress::start(STEPS);
        progress.doing(format!("reading {}", asked.file.display()));
        Self { asked, progress }
    }

    fn has_read(&self, count: usize, what: &str) {
        let doing = if self.asked.commit { "importing" } else { "working out what would be done" };
        let text = format!("read {count} {what} of {}; {doing}", self.asked.file.display());
        self.progress.at(1);
        self.progress.doing(&text);
        self.progress.plain_line(text);
    }

    /// Carries the command out, or only decides it.
    async fn import(
        &self,
        database: &Database,
        clock: &Clock,
        site: &Slug,
        command: Command,
        report: impl FnOnce(Vec<ImportedRow>) -> Report,
    ) -> Done<Report> {
        let (store, site) = database.of_site(site).await?;
        let actor = match &self.asked.actor {
            Some(email) => Actor::Person(person(&store, site, email).await?),
            None => Actor::System,
        };
        let executor = Executor::new(store, clock.clone());
        self.progress.at(2);
        let report = if self.asked.commit {
            let request = Request { site, actor, command, command_id: None, if_match: None, correlation_id: None };
            let receipt = executor.execute(request).await?;
            report(receipt.rows).committed(receipt.command_id, receipt.position)
        } else {
            report(executor.preview(site, actor, command).await?.rows)
        };
        self.progress.end();
        Ok(report)
    }
}

async fn person(store: &EventStore, site: SiteId, email: &str) -> Done<PersonId> {
    let owner = store.owner(site, ClaimKey::email(email)).await?;
    owner.map(PersonId::from).ok_or_else(|| Failure::new(format!("nobody here has the address {email}")))
}
