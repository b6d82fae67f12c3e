//! Pages of lists, and the cursors between them. A cursor holds ids, instants and positions, and never a name: it travels
//! in addresses, which end up in logs.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rollbook_domain::SiteId;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::QueryError;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many items at most.
    pub limit: u32,
    /// The `next` of the page before; none is the first page.
    pub after: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: Self::DEFAULT_LIMIT, after: None }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Paged<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What `after` takes to go on; null at the end.
    pub next: Option<String>,
}

impl Page {
    /// How many items a page has where nobody says.
    pub const DEFAULT_LIMIT: u32 = 100;
    /// The most items that a client may ask for.
    pub const MAX_LIMIT: u32 = 1000;

    /// The page after one that ended with this cursor.
    #[must_use]
    pub fn after(self, cursor: String) -> Self {
        Self { after: Some(cursor), ..self }
    }

    /// How many rows to fetch: one more than is shown tells whether there is a next page.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The cursor's parts, which dots separate; none on the first page.
    pub(crate) fn cursor<const N: usize>(&self) -> Result<Option<[&str; N]>, QueryError> {
        let Some(cursor) = &self.after else { return Ok(None) };
        let parts: Vec<&str> = cursor.split('.').collect();
        parts.try_into().map(Some).map_err(|_| QueryError::BadCursor)
    }

    /// The cursor as one id; none on the first page.
    pub(crate) fn id(&self) -> Result<Option<Uuid>, QueryError> {
        self.cursor()?.map(|[id]| part(id)).transpose()
    }

    /// The id in the cursor with the text that the list is sorted by, which `sql` looks up by site and id. So the text
    /// itself, often a name, stays out of the cursor. It is compared in the column's collation, as the list is sorted.
    pub(crate) async fn sorted_id(
        &self,
        pool: &PgPool,
        site: SiteId,
        sql: &str,
    ) -> Result<(Option<String>, Option<Uuid>), QueryError> {
        let Some(id) = self.id()? else { return Ok((None, None)) };
        let text: Option<String> = sqlx::query_scalar(sql).bind(site.0).bind(id).fetch_optional(pool).await?;
        Ok((Some(text.ok_or(QueryError::BadCursor)?), Some(id)))
    }

    /// Begins a page of rows that may be large: see [`Filling`].
    pub(crate) fn filling<T>(&self) -> Filling<T> {
        Filling { limit: self.limit as usize, after: self.after.clone(), more: true, items: Vec::new(), bytes: 0 }
    }

    /// Makes a page of the rows that were fetched.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, cursor: impl Fn(&T) -> String) -> Paged<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Paged { items, next }
    }
}

/// How many rows that may be large are read at a time.
const PART_ROWS: u32 = 100;

/// A page ends with the row that brings it to so many bytes, whatever was asked for. The largest row has about as many.
pub const PAGE_BYTES: usize = 2 << 20;

/// A page of rows that hold what people write, read a part at a time, until it has as many items as were asked for or as
/// many bytes as a page may have. Rows that are read and not shown count, too: what a page costs has an end.
#[derive(Debug)]
pub(crate) struct Filling<T> {
    limit: usize,
    /// Where the next part begins, if there is more.
    after: Option<String>,
    more: bool,
    items: Vec<T>,
    bytes: usize,
}

impl<T> Filling<T> {
    /// What to read next; none when the page is done.
    pub fn part(&self) -> Option<Page> {
        if !self.more || self.is_full() {
            return None;
        }
        let left = u32::try_from(self.limit - self.items.len()).unwrap_or(u32::MAX);
        Some(Page { limit: left.min(PART_ROWS), after: self.after.clone() })
    }

    fn is_full(&self) -> bool {
        self.items.len() >= self.limit || self.bytes >= PAGE_BYTES
    }

    /// Takes the rows of a part, each with its bytes; one more than was wanted tells whether there are others.
    pub fn take(
        &mut self,
        part: &Page,
        rows: Vec<(T, usize)>,
        cursor: impl Fn(&T) -> String,
        shown: impl Fn(T) -> Option<T>,
    ) {
        let limit = part.limit as usize;
        let more = rows.len() > limit;
        let last = rows.len().min(limit);
        (self.after, self.more) = (None, false);
        for (nth, (row, bytes)) in rows.into_iter().take(limit).enumerate() {
            let after = cursor(&row);
            self.bytes += bytes;
            self.items.extend(shown(row));
            let others = more || nth + 1 < last;
            if others && (nth + 1 == last || self.is_full()) {
                (self.after, self.more) = (Some(after), true);
                break;
            }
        }
    }

    /// The page.
    pub fn page(self) -> Paged<T> {
        Paged { items: self.items, next: self.after }
    }
}

/// Reads one part of a cursor.
pub(crate) fn part<T: FromStr>(text: &str) -> Result<T, QueryError> {
    text.parse().map_err(|_| QueryError::BadCursor)
}

/// The years of what is kept: a cursor that is not ours may have others, which the database does not know.
const YEARS: RangeInclusive<i32> = 1..=9_999;

/// Reads a day of a cursor.
pub(crate) fn day(text: &str) -> Result<NaiveDate, QueryError> {
    let day: NaiveDate = part(text)?;
    if YEARS.contains(&day.year()) { Ok(day) } else { Err(QueryError::BadCursor) }
}

/// Reads an instant of a cursor, in microseconds since 1970.
pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>, QueryError> {
    let instant = DateTime::from_timestamp_micros(part(text)?);
    instant.filter(|instant| YEARS.contains(&instant.year())).ok_or(QueryError::BadCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_days_and_instants_that_the_database_does_not_know() {
        assert!(day("2026-02-03").is_ok() && instant("0").is_ok() && instant("1770112800000000").is_ok());
        for wrong in ["-262143-01-01", "+262142-12-31", "0000-01-01", "2026", ""] {
            assert!(matches!(day(wrong), Err(QueryError::BadCursor)), "{wrong}");
        }
        for wrong in [i64::MIN.to_string(), i64::MAX.to_string(), "-8334601228800000000".to_owned(), "x".to_owned()] {
            assert!(matches!(instant(&wrong), Err(QueryError::BadCursor)), "{wrong}");
        }
    }

    #[test]
    fn the_last_page_has_no_next() {
        let page = Page { limit: 2, after: None };
        assert_eq!(page.cut(vec![1, 2], ToString::to_string), Paged { items: vec![1, 2], next: None });
        assert_eq!(page.cut(vec![1, 2, 3], ToString::to_string), Paged { items: vec![1, 2], next: Some("2".into()) });
    }

    /// The numbers after a cursor, of so many, as a list of rows of so many bytes each would be read; and the parts.
    fn filled(page: &Page, of: usize, bytes: usize) -> (Paged<usize>, Vec<u32>) {
        let (mut filling, mut parts) = (page.filling(), Vec::new());
        while let Some(part) = filling.part() {
            parts.push(part.limit);
            let first = part.after.as_deref().map_or(0, |after| after.parse::<usize>().unwrap() + 1);
            let rows = (first..of).take(part.limit as usize + 1).map(|row| (row, bytes)).collect();
            filling.take(&part, rows, ToString::to_string, |row| (row % 2 == 0).then_some(row));
        }
        (filling.page(), parts)
    }

    #[test]
    fn a_page_is_filled_with_what_is_shown() {
        let page = |limit| Page { limit, after: None };
        let (found, parts) = filled(&page(3), 100, 1);
        assert_eq!(found, Paged { items: vec![0, 2, 4], next: Some("4".into()) });
        assert_eq!(parts, [3, 1, 1]);
        assert_eq!(filled(&page(3), 5, 1).0, Paged { items: vec![0, 2, 4], next: None });
        assert_eq!(filled(&page(3).after("4".into()), 5, 1).0, Paged { items: vec![], next: None });
        let (found, parts) = filled(&page(1000), 5_000, 1);
        assert_eq!(found.items.len(), 1_000);
        assert!(parts.iter().all(|part| *part <= PART_ROWS), "{parts:?}");
    }

    #[test]
    fn a_page_ends_where_it_has_its_bytes_and_goes_on_from_there() {
        let (mut page, mut items, mut parts) = (Page { limit: 1_000, after: None }, Vec::new(), 0);
        loop {
            let (found, read) = filled(&page, 200, PAGE_BYTES / 16);
            assert!(found.items.len() <= 8);
            parts += read.len();
            items.extend(found.items);
            match found.next {
                Some(next) => page = page.after(next),
                None => break,
            }
        }
        assert_eq!(items, (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(parts, 13);
        let (found, _) = filled(&Page::default(), 10, PAGE_BYTES * 2);
        assert_eq!(found, Paged { items: vec![0], next: Some("0".into()) }, "the largest is shown all the same");
    }

    #[test]
    fn refuses_a_cursor_of_another_list() {
        let page = Page::default().after("17.x".into());
        assert!(matches!(page.cursor::<3>(), Err(QueryError::BadCursor)));
        assert!(matches!(page.id(), Err(QueryError::BadCursor)));
    }
}
