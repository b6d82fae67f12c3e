-- Why: a school's last owner is nobody's to remove, also where two are removed at the same time: so whoever has the
-- role of owner and may act is claimed, and a removal leaves at least one of these claims. Here are those of the owners
-- that there are already. Streams of other software claim nothing: what this service appends says what it belongs to.
insert into claims (site_id, kind, key, owner)
select p.site_id, 'owner', p.aggregate_id, p.aggregate_id::uuid
from (
    select e.site_id, e.aggregate_id,
        max(e.sequence) filter (where e.event_type = 'RoleGranted') as granted,
        max(e.sequence) filter (where e.event_type = 'RoleRevoked') as revoked,
        max(e.sequence) filter (where e.event_type in ('PersonRegistered', 'PersonReactivated')) as active,
        max(e.sequence) filter (where e.event_type = 'PersonDeactivated') as deactivated
    from events e
    where e.aggregate_type = 'person'
      and (e.event_type in ('PersonRegistered', 'PersonReactivated', 'PersonDeactivated')
           or e.event_type in ('RoleGranted', 'RoleRevoked') and e.payload -> e.event_type ->> 'role' = 'owner')
      and e.metadata::jsonb ? 'correlation_id'
      and e.aggregate_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    group by e.site_id, e.aggregate_id
) p
where p.granted > coalesce(p.revoked, 0) and p.active > coalesce(p.deactivated, 0)
on conflict do nothing;
