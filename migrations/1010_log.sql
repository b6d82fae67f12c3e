-- Why: the event log. `events` is a superset of postgres-es's table. The added columns have defaults, so an unmodified
-- postgres_es::PostgresEventRepository can load from it and append to it.
--
-- Positions are gapless and in the order of commits: whoever assigns positions holds `lock_events()` until commit.

create function lock_events() returns void
    language sql as $$ select pg_advisory_xact_lock(5570193308531903603) $$;

-- For writers that do not assign positions themselves. Volatile, so that the query after the lock sees what was
-- committed while it waited, and the rows of its own statement.
create function next_event_position() returns bigint
    language plpgsql volatile as $$
begin
    perform lock_events();
    return (select coalesce(max(position), 0) + 1 from events);
end $$;

-- An id that somebody chooses means something in their school alone: so the site is part of the key.
create table events (
    aggregate_type  text        not null,
    aggregate_id    text        not null,
    sequence        bigint      not null check (sequence > 0),
    event_type      text        not null,
    event_version   text        not null,
    -- json and not jsonb: what was written stays as it was written, and reading it costs no conversion.
    payload         json        not null,
    metadata        json        not null,
    position        bigint      not null default next_event_position(),
    site_id         uuid        not null default '00000000-0000-0000-0000-000000000001',
    recorded_at     timestamptz not null default clock_timestamp(),
    command_id      uuid        not null default gen_random_uuid(),
    constraint events_pkey primary key (site_id, aggregate_type, aggregate_id, sequence),
    constraint events_position_key unique (position)
);

-- A site reads its own part of the log. The default site, which may be the only one, reads it by position; where there
-- are others, each has its own stretch of this index, and what the default site appends costs nothing more.
create index events_of_other_sites on events (site_id, position)
    where site_id <> '00000000-0000-0000-0000-000000000001';

create function events_are_append_only() returns trigger
    language plpgsql as $$
begin
    raise exception 'events are append-only: % is refused', tg_op using errcode = 'restrict_violation';
end $$;

create trigger events_append_only before update or delete or truncate on events
    for each statement execute function events_are_append_only();

-- One stream for a reader that knows only postgres-es's columns: what else was recorded travels in the metadata.
create view stream_events as
select site_id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
       (metadata::jsonb || jsonb_build_object(
           'position', position::text,
           'command_id', command_id::text,
           'recorded_at', to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))::json as metadata
from events;

select guard_site('events');
