//! The read models as they were at a moment of the past, for one cohort or one enrolment: the same folds, in memory. It
//! keeps nothing: every question is folded from the log. Nothing is folded of students whom the reader does not see
//! today.
//!
//! The folded rows go back to the database as a parameter, under the names of the tables, and the live queries are asked
//! over them. So order, filters, pages and items are the same, and cannot come apart.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use rollbook_domain::policy::RosterScope;
use rollbook_domain::{CohortId, EnrolmentId, PersonId, SiteId, StreamId};
use rollbook_store::{EventStore, Position, StoreError};
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::models::absence_flags::AbsenceFlags;
use crate::models::cohorts::Cohorts;
use crate::models::hubs::Hubs;
use crate::models::people::People;
use crate::models::roster::{Roster, seen};
use crate::{QueryError, ReadModel, Rows};

/// The rows of a scope at one position of the log: enrolments and their flags, the cohort, and the people and hubs that
/// they name.
#[derive(Debug)]
pub struct Moment {
    site: SiteId,
    roster: Rows<Roster>,
    flags: Rows<AbsenceFlags>,
    cohorts: Rows<Cohorts>,
    people: Rows<People>,
    hubs: Rows<Hubs>,
}

impl Moment {
    /// A cohort with everybody of its roster whom the reader sees now, whatever their hub was then; none if there was
    /// no such cohort yet. The live roster says whose events to read, so it must have come to the position before.
    pub async fn of_cohort(
        store: &EventStore,
        site: SiteId,
        cohort: CohortId,
        scope: &RosterScope,
        position: Position,
    ) -> Result<Option<Self>, QueryError> {
        let enrolments = seen(store.pool(), site, cohort, scope).await?.into_iter().map(StreamId::from);
        let mut moment = Self::new(site);
        moment.fold(store, enrolments.chain([cohort.into()]).collect(), position).await?;
        if moment.cohorts.get(site, &cohort).is_none() {
            return Ok(None);
        }
        let named = moment.named().collect();
        moment.fold(store, named, position).await?;
        Ok(Some(moment))
    }

    /// An enrolment with its cohort; none if there was no such enrolment yet. Whether the reader sees the student today
    /// is asked before.
    pub async fn of_enrolment(
        store: &EventStore,
        site: SiteId,
        enrolment: EnrolmentId,
        position: Position,
    ) -> Result<Option<Self>, QueryError> {
        let mut moment = Self::new(site);
        moment.fold(store, [enrolment.into()].into(), position).await?;
        let Some(cohort) = moment.roster.get(site, &enrolment).map(|row| row.cohort_id) else { return Ok(None) };
        let named = moment.named().chain([cohort.into()]).collect();
        moment.fold(store, named, position).await?;
        Ok(Some(moment))
    }

    fn new(site: SiteId) -> Self {
        Self {
            site,
            roster: Rows::default(),
            flags: Rows::default(),
            cohorts: Rows::default(),
            people: Rows::default(),
            hubs: Rows::default(),
        }
    }

    /// Folds the events of streams up to a position, one by one as they come.
    async fn fold(
        &mut self,
        store: &EventStore,
        streams: BTreeSet<StreamId>,
        position: Position,
    ) -> Result<(), StoreError> {
        let mut events = store.streams(self.site, &streams, position);
        while let Some(event) = events.try_next().await? {
            let event = [event];
            self.roster.fold(&event);
            self.flags.fold(&event);
            self.cohorts.fold(&event);
            self.people.fold(&event);
            self.hubs.fold(&event);
        }
        Ok(())
    }

    /// The streams of the people and hubs that the roster's rows name.
    fn named(&self) -> impl Iterator<Item = StreamId> {
        self.roster.iter().flat_map(|(_, row)| {
            let marker = row.marker_id.map(StreamId::from);
            let hub = row.hub_id.map(StreamId::from);
            [row.person_id.into()].into_iter().chain(marker).chain(hub)
        })
    }

    /// The site that the rows are of.
    pub(crate) fn site(&self) -> SiteId {
        self.site
    }

    /// The name that a roster sorts an enrolment by; none if there was no such enrolment.
    pub(crate) fn name_of(&self, enrolment: EnrolmentId) -> Option<&str> {
        let person = self.roster.get(self.site, &enrolment)?.person_id;
        Some(self.name(person))
    }

    fn name(&self, person: PersonId) -> &str {
        self.people.get(self.site, &person).map_or("", |row| row.name.as_str())
    }

    /// A live query over these rows: each table's name stands for the rows of the moment, which are the parameter of this
    /// number. The tables' own types give the columns their types and collations.
    ///
    /// It must be prepared anew every time: it names no table, so that nothing would tell a kept plan that a table's type
    /// is another one after a rebuild.
    pub(crate) fn over(parameter: usize, sql: &str) -> String {
        let table = |table| {
            format!("{table} as (select * from jsonb_populate_recordset(null::{table}, ${parameter} -> '{table}'))")
        };
        let tables =
            [Roster::TABLE, AbsenceFlags::TABLE, Cohorts::TABLE, People::TABLE, Hubs::TABLE].map(table).join(", ");
        format!("with {tables} {sql}")
    }

    /// The rows, to be bound as that parameter.
    pub(crate) fn rows(&self) -> Result<Json<Value>, QueryError> {
        let rows = json!({
            Roster::TABLE: stored(&self.roster)?,
            AbsenceFlags::TABLE: stored(&self.flags)?,
            Cohorts::TABLE: stored(&self.cohorts)?,
            People::TABLE: stored(&self.people)?,
            Hubs::TABLE: stored(&self.hubs)?,
        });
        Ok(Json(rows))
    }
}

/// The rows as their table holds them.
fn stored<M: ReadModel>(rows: &Rows<M>) -> Result<Vec<Value>, StoreError> {
    let row = |(site, row): (SiteId, &M::Row)| {
        let mut row = serde_json::to_value(row)?;
        row["site_id"] = serde_json::to_value(site)?;
        Ok(row)
    };
    rows.iter().map(row).collect()
}
