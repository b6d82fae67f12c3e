-- Why: every statement over guarded tables asks which site its connection sees, once for each table. As a function that cannot
-- be inlined that took some 60 µs for each: more than the rest of a small query. The meaning is the same.
create or replace function seen_site() returns uuid
    language sql stable parallel safe as $$
    select nullif(nullif(current_setting('rollbook.site', true), ''), 'every')::uuid $$;
