-- Why: a site reads its own part of the log. The default site, which may be the only one, reads it by position; where there
-- are others, each has its own stretch of this index, and what the default site appends costs nothing more.
create index events_of_other_sites on events (site_id, position)
    where site_id <> '00000000-0000-0000-0000-000000000001';
