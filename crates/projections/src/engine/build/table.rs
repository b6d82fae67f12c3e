//! A table like a read model's live one, in another schema: made empty, filled by binary COPY, and given its keys and indexes
//! last, because that is when they cost least. It knows nothing of what the rows are.

use std::str::FromStr;

use sqlx::PgConnection;
use tokio::sync::mpsc;

use crate::ProjectionError;
use crate::binary::{self, Column, Columns};
use crate::engine::sql::run;
use crate::erased::Shape;

/// The schema of the live tables.
pub(in crate::engine) const LIVE: &str = "public";

/// A table that is being built.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Table {
    /// Where; a plain identifier.
    pub schema: &'static str,
    pub shape: Shape,
}

impl Table {
    /// Its name in SQL.
    pub fn name(&self) -> String {
        format!("\"{}\".{}", self.schema, self.shape.table)
    }

    /// The name of the live table that it is like.
    pub fn live(&self) -> String {
        format!("{LIVE}.{}", self.shape.table)
    }

    /// Makes it, with everything that the live table has but its keys and indexes; the columns in the order of the row's
    /// fields.
    pub async fn create_in_tx(&self, tx: &mut PgConnection) -> Result<Columns, ProjectionError> {
        let sql = format!("create table {} (like {} including all excluding indexes)", self.name(), self.live());
        run(tx, &sql).await?;
        self.live_columns(tx).await
    }

    /// The columns of the live table, in the order of the row's fields.
    pub async fn live_columns(&self, connection: &mut PgConnection) -> Result<Columns, ProjectionError> {
        let sql = "select a.attname::text as name, t.typname::text as kind
            from pg_attribute a join pg_type t on t.oid = a.atttypid
            where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped";
        let found: Vec<(String, String)> = sqlx::query_as(sql).bind(self.live()).fetch_all(connection).await?;
        let column = |name: &&'static str| {
            let kind = found.iter().find(|(column, _)| column == name).map_or("missing", |(_, kind)| kind);
            let kind = binary::Type::from_str(kind).map_err(|_| ProjectionError::Column {
                table: self.live(),
                column: name,
                kind: kind.to_owned(),
            })?;
            Ok(Column { name, kind })
        };
        let names = ["site_id"].iter().chain(self.shape.key).chain(self.shape.columns);
        Ok(Columns(names.map(column).collect::<Result<_, ProjectionError>>()?))
    }

    /// Fills it with pieces of a binary COPY, until there are no more; how many rows came. The rows are frozen: nobody
    /// has to come back to them.
    #[expect(clippy::disallowed_methods, reason = "a table is built on a connection that no pool lends")]
    pub async fn fill_in_tx(
        &self,
        tx: &mut PgConnection,
        columns: &Columns,
        mut pieces: mpsc::Receiver<Vec<u8>>,
    ) -> Result<u64, ProjectionError> {
        let names: Vec<_> = columns.0.iter().map(|column| column.name).collect();
        let sql = format!("copy {} ({}) from stdin (format binary, freeze)", self.name(), names.join(", "));
        let mut copy = tx.copy_in_raw(&sql).await?;
        copy.send(&binary::HEADER[..]).await?;
        while let Some(piece) = pieces.recv().await {
            copy.send(piece).await?;
        }
        copy.send(&binary::TRAILER[..]).await?;
        Ok(copy.finish().await?)
    }

    /// Gives it the keys, indexes, grants and statistics' sizes of the live table, and tells the planner what is in it.
    pub async fn finish_in_tx(&self, tx: &mut PgConnection) -> Result<(), ProjectionError> {
        let sql = "select case
                when c.oid is not null
                    then format('alter table %s add constraint %I %s', $2, c.conname, pg_get_constraintdef(c.oid))
                else regexp_replace(pg_get_indexdef(i.indexrelid), ' ON \\S+ USING ', format(' ON %s USING ', $2))
            end as statement
            from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x')
            where i.indrelid = $1::text::regclass
            union all
            select format('grant %s on %s to %s', a.privilege_type, $2,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
            from pg_class t, aclexplode(t.relacl) a
            where t.oid = $1::text::regclass and a.grantee <> t.relowner
            union all
            select format('alter table %s alter column %I set statistics %s', $2, attname, attstattarget)
            from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and attstattarget >= 0 and not attisdropped";
        let found: Vec<String> =
            sqlx::query_scalar(sql).bind(self.live()).bind(self.name()).fetch_all(&mut *tx).await?;
        let memory = "set local maintenance_work_mem = '128MB'";
        for statement in [memory].into_iter().chain(found.iter().map(String::as_str)) {
            run(tx, statement).await?;
        }
        run(tx, &format!("analyze {}", self.name())).await?;
        Ok(())
    }
}
