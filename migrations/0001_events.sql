-- Why: the event log, and everything an append decides in one transaction: versions, claims, idempotency.
--
-- `events` is a superset of postgres-es's table. The added columns have defaults, so an unmodified
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

create table events
(
    aggregate_type text        not null,
    aggregate_id   text        not null,
    sequence       bigint      not null check (sequence > 0),
    event_type     text        not null,
    event_version  text        not null,
    -- json and not jsonb: what was written stays as it was written, and reading it costs no conversion.
    payload        json        not null,
    metadata       json        not null,
    position       bigint      not null default next_event_position(),
    site_id        uuid        not null default '00000000-0000-0000-0000-000000000001',
    recorded_at    timestamptz not null default clock_timestamp(),
    command_id     uuid        not null default gen_random_uuid(),
    constraint events_pkey primary key (aggregate_type, aggregate_id, sequence),
    constraint events_position_key unique (position)
);

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

-- Rules over sets (one email one person): a key has at most one owner. Personal keys are stored hashed.
create table claims
(
    site_id uuid not null,
    kind    text not null,
    key     text not null collate "C",
    owner   uuid not null,
    constraint claims_pkey primary key (site_id, kind, key)
);

-- Every command that was carried out: the receipt's bones, so that the same key again gives the same answer. Events are
-- not repeated here: they are the contiguous positions from first_position to last_position.
create table commands
(
    site_id        uuid        not null,
    command_id     uuid        not null,
    command_hash   bytea       not null,
    first_position bigint,
    last_position  bigint      not null,
    streams        json        not null,
    lists          json        not null,
    recorded_at    timestamptz not null,
    constraint commands_pkey primary key (site_id, command_id)
);

-- Appends many requests in one statement and one transaction; each is all-or-nothing by itself. Everything is checked
-- under the lock before anything is written, so that a refusal needs no subtransaction.
--
-- A request: {site_id, command_id, command_hash (hex), recorded_at,
--             expected: [{kind, id, version}], events: [{n, kind, id, sequence, type, version, payload, metadata}],
--             releases: [{kind, key}], takes: [{kind, key, owner}], limits: [{kind, prefix, at_most}],
--             streams: [{type, id, version}], lists: {…}}
-- An answer: {outcome: appended, position}, {outcome: duplicate, first_position, last_position, streams, lists}, or
-- {outcome: key_reused | stale | claimed | limit_exceeded, what}.
create function append_events(requests json) returns json
    language plpgsql volatile as $$
declare
    request json;
    done    commands%rowtype;
    head    bigint;
    before  bigint;
    added   bigint;
    refused text;
    site    uuid;
    answers json[] := '{}';
begin
    perform lock_events();
    select coalesce(max(position), 0) into head from events;
    before := head;

    for request in select value from json_array_elements(requests) loop
        site := (request ->> 'site_id')::uuid;

        select * into done from commands c
        where c.site_id = site and c.command_id = (request ->> 'command_id')::uuid;
        if found then
            answers := answers || case
                when done.command_hash = decode(request ->> 'command_hash', 'hex') then json_build_object(
                    'outcome', 'duplicate', 'first_position', done.first_position,
                    'last_position', done.last_position, 'streams', done.streams, 'lists', done.lists)
                else json_build_object('outcome', 'key_reused') end;
            continue;
        end if;

        select x.kind || '/' || x.id into refused
        from json_to_recordset(request -> 'expected') as x(kind text, id text, version bigint)
        where x.version <> coalesce((select max(e.sequence) from events e
                                     where e.aggregate_type = x.kind and e.aggregate_id = x.id), 0)
        limit 1;
        if found then
            answers := answers || json_build_object('outcome', 'stale', 'what', refused);
            continue;
        end if;

        select t.kind into refused
        from json_to_recordset(request -> 'takes') as t(kind text, key text)
        join claims c on c.site_id = site and c.kind = t.kind and c.key = t.key
        where not exists (select from json_to_recordset(request -> 'releases') as r(kind text, key text)
                          where r.kind = t.kind and r.key = t.key)
        limit 1;
        if found then
            answers := answers || json_build_object('outcome', 'claimed', 'what', refused);
            continue;
        end if;

        -- '~' sorts after every character that follows a prefix.
        select l.kind into refused
        from json_to_recordset(request -> 'limits') as l(kind text, prefix text, at_most bigint)
        where l.at_most
            < (select count(*) from claims c
               where c.site_id = site and c.kind = l.kind and c.key >= l.prefix and c.key < l.prefix || '~'
                 and not exists (select from json_to_recordset(request -> 'releases') as r(kind text, key text)
                                 where r.kind = c.kind and r.key = c.key))
            + (select count(*) from json_to_recordset(request -> 'takes') as t(kind text, key text)
               where t.kind = l.kind and starts_with(t.key, l.prefix))
        limit 1;
        if found then
            answers := answers || json_build_object('outcome', 'limit_exceeded', 'what', refused);
            continue;
        end if;

        delete from claims c using json_to_recordset(request -> 'releases') as r(kind text, key text)
        where c.site_id = site and c.kind = r.kind and c.key = r.key;
        insert into claims (site_id, kind, key, owner)
        select site, t.kind, t.key, t.owner
        from json_to_recordset(request -> 'takes') as t(kind text, key text, owner uuid);

        insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                            position, site_id, recorded_at, command_id)
        select e.kind, e.id, e.sequence, e.type, e.version, e.payload, e.metadata,
               head + e.n, site, (request ->> 'recorded_at')::timestamptz, (request ->> 'command_id')::uuid
        from json_to_recordset(request -> 'events')
            as e(n bigint, kind text, id text, sequence bigint, type text, version text, payload json, metadata json);
        get diagnostics added = row_count;

        insert into commands (site_id, command_id, command_hash, first_position, last_position, streams, lists,
                              recorded_at)
        values (site, (request ->> 'command_id')::uuid, decode(request ->> 'command_hash', 'hex'),
                case when added > 0 then head + 1 end, head + added, request -> 'streams', request -> 'lists',
                (request ->> 'recorded_at')::timestamptz);

        head := head + added;
        answers := answers || json_build_object('outcome', 'appended', 'position', head);
    end loop;

    -- A hint for the projections of other processes, delivered on commit; never a source of truth.
    if head > before then
        perform pg_notify('rollbook_events', head::text);
    end if;
    return array_to_json(answers);
end $$;
