-- Why: a school may have a database of its own. Where that is, is kept in the registry under a key that is in no
-- database, and is told to nobody again; and a database says whose it is, so that none is taken for another's.

-- `sealed` is the URL, `key_id` says under which key. It is given anew until it is settled, that is, set up: from then
-- on the school's data are there. `given_id` is another each time, so that who has set one up settles no other.
create table site_databases (
    -- As in `sites`: the registry's, which is the default site, and which site the row is about.
    site_id     uuid not null,
    id          uuid not null,
    given_id    uuid not null,
    key_id      text not null,
    sealed      bytea not null,
    given_at    timestamptz not null,
    settled_at  timestamptz,
    primary key (site_id, id)
);

-- Whose this database is: the one site's that it was set up for, or the default site's where it is an installation's.
-- There is one row, which is never changed, so that no database is taken for two.
create table database_of (
    one      boolean primary key default true check (one),
    site_id  uuid not null,
    since    timestamptz not null default now()
);

select guard_site('site_databases');
select guard_site('database_of');
