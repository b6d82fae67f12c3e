-- Why: no row crosses from one site to another, even where a query forgets to say which site it means. The service's
-- own role is subject to this, too, although it owns the tables.
--
-- A connection says once, as a setting of its start, what it sees: `rollbook.site` is a site's id, or `every` for those
-- who work for all sites at once: the appender, the look-up of tokens, the read models' engine, whoever works on the
-- database itself. A connection that says nothing sees nothing.

create function sees_every_site() returns boolean
    language sql stable parallel safe as $$ select coalesce(current_setting('rollbook.site', true) = 'every', false) $$;

-- Such that it can be inlined: every statement asks for it once for each guarded table, and a function call takes some
-- 60 µs, which is more than the rest of a small query.
create function seen_site() returns uuid
    language sql stable parallel safe as $$
    select nullif(nullif(current_setting('rollbook.site', true), ''), 'every')::uuid $$;

-- Guards a table with a column `site_id`. To be called for every new one, in the migration that makes it.
create function guard_site(guarded regclass) returns void
    language plpgsql as $$
begin
    execute format('alter table %s enable row level security', guarded);
    execute format('alter table %s force row level security', guarded);
    execute format('drop policy if exists one_site on %s', guarded);
    -- Asked once for a statement, and not once for every row.
    execute format('create policy one_site on %s using ((select sees_every_site()) or site_id = (select seen_site()))',
                   guarded);
end $$;
