-- Why: what lets a person in was good for as long as its row was, whatever had become of the person since: an address that was
-- corrected, a deactivation, a role that was given. Now each row carries the epoch of its person that it was made in, or that of
-- the way in that it was made by, and lets in only in that epoch. The log counts the epochs (`PersonEvent::ends`), so that a way in
-- ends in the append of the event that ends it. What was made before this is of the first epoch.

alter table tokens add column epoch bigint not null default 0;
alter table invitations add column epoch bigint not null default 0;
alter table identities
    add column epoch bigint not null default 0,
    -- What it is listed and ended by; its subject is another system's secret.
    add column id uuid not null default gen_random_uuid();
alter table devices add column epoch bigint not null default 0;
alter table calendar_links add column epoch bigint not null default 0;
-- Of the password alone, which outlives a deactivation.
alter table credentials add column epoch bigint not null default 0;
