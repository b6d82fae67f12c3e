-- Why: two addresses are the same that are composed of the same characters, however these were typed: an e and a mark
-- are an ë. Keys are hashes of the composed form from now on; here are those of whoever was given a decomposed address
-- before.
insert into claims (site_id, kind, key, owner)
select p.site_id, 'email',
    encode(sha256(uuid_send(p.site_id)
        || convert_to('email' || normalize(lower(trim(p.email) collate "und-x-icu")), 'UTF8')), 'hex'),
    p.aggregate_id::uuid
from (
    select distinct on (e.site_id, e.aggregate_id) e.site_id, e.aggregate_id,
        e.payload -> e.event_type ->> 'email' as email
    from events e
    where e.aggregate_type = 'person' and e.event_type in ('PersonRegistered', 'PersonCorrected')
      and e.payload -> e.event_type ->> 'email' is not null
      and e.metadata::jsonb ? 'correlation_id'
      and e.aggregate_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    order by e.site_id, e.aggregate_id, e.sequence desc
) p
where p.email is not normalized
on conflict do nothing;
