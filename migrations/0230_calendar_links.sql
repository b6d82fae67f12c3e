-- Why: calendar programs fetch an address and cannot send a token. A person's link is a secret of its own, which reads
-- session dates and nothing else. Only its hash is stored; a new link takes the place of the one before.
create table calendar_links
(
    site_id    uuid        not null,
    person_id  uuid        not null,
    link_hash  bytea       not null unique,
    created_at timestamptz not null,
    primary key (site_id, person_id)
);
