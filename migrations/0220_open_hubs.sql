-- Why: a roster names hubs, so a command must find the site's open hubs among its facts. From now on an open hub is claimed
-- by itself; these are the claims of those that are open already. Streams of other software claim nothing: what this
-- service appends says what it belongs to.
insert into claims (site_id, kind, key, owner)
select f.site_id, 'open_hub', f.aggregate_id, f.aggregate_id::uuid
from events f
where f.aggregate_type = 'hub' and f.event_type = 'HubFounded'
  and f.metadata::jsonb ? 'correlation_id'
  and f.aggregate_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  and not exists (select from events c
                  where c.aggregate_type = 'hub' and c.aggregate_id = f.aggregate_id and c.event_type = 'HubClosed'
                    and c.metadata::jsonb ? 'correlation_id')
on conflict do nothing;
