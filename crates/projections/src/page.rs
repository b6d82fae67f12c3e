//! Pages of lists, and the cursors between them. A cursor holds ids, instants and positions, and never a name: it travels
//! in addresses, which end up in logs.

use std::str::FromStr;

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

    /// Makes a page of the rows that were fetched.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, cursor: impl Fn(&T) -> String) -> Paged<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Paged { items, next }
    }
}

/// Reads one part of a cursor.
pub(crate) fn part<T: FromStr>(text: &str) -> Result<T, QueryError> {
    text.parse().map_err(|_| QueryError::BadCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next() {
        let page = Page { limit: 2, after: None };
        assert_eq!(page.cut(vec![1, 2], ToString::to_string), Paged { items: vec![1, 2], next: None });
        assert_eq!(page.cut(vec![1, 2, 3], ToString::to_string), Paged { items: vec![1, 2], next: Some("2".into()) });
    }

    #[test]
    fn refuses_a_cursor_of_another_list() {
        let page = Page::default().after("17.x".into());
        assert!(matches!(page.cursor::<3>(), Err(QueryError::BadCursor)));
        assert!(matches!(page.id(), Err(QueryError::BadCursor)));
    }
}
