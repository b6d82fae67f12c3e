-- Why: everything that an append decides, in one transaction and one statement: versions, claims, idempotency. It takes
-- typed arrays and is set-based: every check and every insert is one statement for the whole batch, so that a batch of
-- fifty costs little more than a batch of one.
--
-- The requests of a batch concern different things: none writes a stream, takes or releases a key, or bears an
-- idempotency key that another one of the batch relies on. The appender sees to that (`store::append::batch`); it is
-- what allows checking all of them at once.

-- Appends requests 1..n in one transaction; each is all-or-nothing by itself. Everything is checked under the lock
-- before anything is written, so that a refusal needs no subtransaction.
--
-- The arrays are columns: of requests (`sites` … `lists`), of the stream versions that were relied on (`relied_…`, each
-- once, and in `reliance_…` by which request, and at which place of `relied_…`), of events in their order (`event_…`),
-- of claims to release (`release_…`) and to take (`take_…`) and of limits on sets of claims (`limit_…`). What belongs
-- to a request says so by its number.
--
-- Every table is asked row by row, through its key: the plans are made once, when the tables may be empty, and one that
-- suits an empty table would read all of a full one. So there are laterals with a limit in place of joins.
--
-- `head` is the log's last position before the batch: the events of the requests that are not refused follow it without
-- a gap, in their order. `refused` is null where none is, or else a list of {request, outcome, …}: `duplicate` with the
-- receipt, `key_reused`, or `stale`, `claimed` or `limit_exceeded` with `what`; the first of a request counts.
create function append_events(
    sites uuid[], issuers text[], command_ids uuid[], hashes bytea[], instants timestamptz[], metadata json[],
    counts integer[], streams json[], lists json[],
    relied_sites uuid[], relied_kinds text[], relied_ids text[], relied_versions bigint[],
    reliance_requests integer[], reliance_places integer[],
    event_requests integer[], event_kinds text[], event_ids text[], event_sequences bigint[],
    event_types text[], event_versions text[], event_payloads json[],
    release_requests integer[], release_kinds text[], release_keys text[],
    take_requests integer[], take_kinds text[], take_keys text[], take_owners uuid[],
    limit_requests integer[], limit_kinds text[], limit_prefixes text[],
    limit_at_least bigint[], limit_at_most bigint[],
    announce boolean,
    out head bigint, out refused json)
    language plpgsql volatile as $$
declare
    out_of integer[];
    added  bigint;
begin
    perform pg_advisory_xact_lock(5570193308531903603);

    -- One command with one event that takes and releases nothing, in a batch of its own: what a quiet evening consists
    -- of. The same checks and inserts without the machinery for many, which costs more than they do. Whatever is amiss,
    -- the general way below says what.
    if cardinality(command_ids) = 1 and cardinality(event_kinds) = 1
       and cardinality(take_kinds) = 0 and cardinality(release_kinds) = 0 and cardinality(limit_kinds) = 0
       and not exists (select from commands c where c.site_id = sites[1] and c.issuer = issuers[1]
                       and c.command_id = command_ids[1])
       and not exists (select from unnest(relied_sites, relied_kinds, relied_ids, relied_versions)
                           as x(site, kind, id, version)
                       where x.version <> coalesce((select e.sequence from events e
                                                    where e.site_id = x.site and e.aggregate_type = x.kind
                                                      and e.aggregate_id = x.id
                                                    order by e.sequence desc limit 1), 0))
    then
        select e.position into head from events e order by e.position desc limit 1;
        head := coalesce(head, 0);
        insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                            position, site_id, recorded_at, command_id)
        values (event_kinds[1], event_ids[1], event_sequences[1], event_types[1], event_versions[1],
                event_payloads[1], metadata[1], head + 1, sites[1], instants[1], command_ids[1]);
        insert into commands (site_id, issuer, command_id, command_hash, first_position, last_position, streams, lists,
                              recorded_at)
        values (sites[1], issuers[1], command_ids[1], hashes[1], head + 1, head + 1, streams[1], lists[1], instants[1]);
        if announce then
            perform pg_notify('rollbook_events', (head + 1)::text);
        end if;
        return;
    end if;

    with refusals as (
        select q.n::integer as request,
               case when c.command_hash = q.hash then 'duplicate' else 'key_reused' end as outcome, null as what,
               case when c.command_hash = q.hash then json_build_object(
                   'first_position', c.first_position, 'last_position', c.last_position, 'streams', c.streams,
                   'lists', c.lists) end as receipt
        from unnest(sites, issuers, command_ids, hashes) with ordinality as q(site, issuer, command_id, hash, n)
        cross join lateral (select * from commands c
                            where c.site_id = q.site and c.issuer = q.issuer and c.command_id = q.command_id limit 1) c
        union all
        select u.request, 'stale', x.kind || '/' || x.id, null
        from unnest(relied_sites, relied_kinds, relied_ids, relied_versions) with ordinality
            as x(site, kind, id, version, n)
        join unnest(reliance_requests, reliance_places) as u(request, x) on u.x = x.n
        where x.version <> coalesce((select e.sequence from events e
                                     where e.site_id = x.site and e.aggregate_type = x.kind and e.aggregate_id = x.id
                                     order by e.sequence desc limit 1), 0)
    )
    select (select coalesce(max(e.position), 0) from events e), json_agg(r), array_agg(r.request)
    into head, refused, out_of from refusals r;

    if cardinality(take_requests) > 0 or cardinality(release_requests) > 0 or cardinality(limit_requests) > 0 then
        with releases as materialized (
            select sites[r.request] as site, r.*
            from unnest(release_requests, release_kinds, release_keys) as r(request, kind, key)
        ), takes as materialized (
            select sites[t.request] as site, t.*
            from unnest(take_requests, take_kinds, take_keys) as t(request, kind, key)
        ), refusals as (
            select t.request, 'claimed' as outcome, t.kind as what
            from takes t
            cross join lateral (select from claims c
                                where c.site_id = t.site and c.kind = t.kind and c.key = t.key limit 1) c
            where not exists (select from releases r
                              where r.request = t.request and r.kind = t.kind and r.key = t.key)
            union all
            -- '~' sorts after every character that follows a prefix.
            select l.request, 'limit_exceeded', l.kind
            from unnest(limit_requests, limit_kinds, limit_prefixes, limit_at_least, limit_at_most)
                as l(request, kind, prefix, at_least, at_most)
            where (select count(*) from claims c
                   where c.site_id = sites[l.request] and c.kind = l.kind and c.key >= l.prefix
                     and c.key < l.prefix || '~'
                     and not exists (select from releases r
                                     where r.request = l.request and r.kind = c.kind and r.key = c.key))
                + (select count(*) from takes t
                   where t.request = l.request and t.kind = l.kind and starts_with(t.key, l.prefix))
                not between l.at_least and l.at_most
        )
        select case when count(*) = 0 then refused
                    else (coalesce(refused::jsonb, '[]') || jsonb_agg(to_jsonb(r)))::json end,
               out_of || array_agg(r.request)
        into refused, out_of from refusals r;

        delete from claims where ctid = any(array(
            select c.ctid
            from unnest(release_requests, release_kinds, release_keys) as r(request, kind, key)
            cross join lateral (select c.ctid from claims c
                                where c.site_id = sites[r.request] and c.kind = r.kind and c.key = r.key limit 1) c
            where out_of is null or r.request <> all(out_of)));
        insert into claims (site_id, kind, key, owner)
        select sites[t.request], t.kind, t.key, t.owner
        from unnest(take_requests, take_kinds, take_keys, take_owners) as t(request, kind, key, owner)
        where out_of is null or t.request <> all(out_of);
    end if;

    insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        position, site_id, recorded_at, command_id)
    select e.kind, e.id, e.sequence, e.type, e.version, e.payload, metadata[e.request],
           head + row_number() over (order by e.n), sites[e.request], instants[e.request], command_ids[e.request]
    from unnest(event_requests, event_kinds, event_ids, event_sequences, event_types, event_versions, event_payloads)
        with ordinality as e(request, kind, id, sequence, type, version, payload, n)
    where out_of is null or e.request <> all(out_of);
    get diagnostics added = row_count;

    with done as (
        select q.*, head + sum(q.events) over (order by q.n) as last
        from unnest(sites, issuers, command_ids, hashes, instants, counts, streams, lists) with ordinality
            as q(site, issuer, command_id, hash, at, events, streams, lists, n)
        where out_of is null or q.n <> all(out_of)
    )
    insert into commands (site_id, issuer, command_id, command_hash, first_position, last_position, streams, lists,
                          recorded_at)
    select d.site, d.issuer, d.command_id, d.hash, case when d.events > 0 then d.last - d.events + 1 end, d.last,
           d.streams, d.lists, d.at
    from done d;

    -- A hint for the other processes, delivered on commit; never a source of truth.
    if announce and added > 0 then
        perform pg_notify('rollbook_events', (head + added)::text);
    end if;
end $$;
