-- Why: an installation has many schools. Which there are, and where each answers, is a read model of the registry, which is
-- the default site: so `site_id` is that one's in every row of `sites`, and `id` says which site a row is about. What a site
-- has settled about itself is its own.
create table sites (
    site_id        uuid not null,
    id             uuid not null,
    slug           text not null,
    name           text not null,
    -- [{"host": …, "admits": …}, …]; the first is where links lead.
    hosts          jsonb not null,
    closed         boolean not null,
    closed_reason  text,
    owner_email    text,
    owner_name     text,
    opened_at      timestamptz,
    version        bigint not null,
    primary key (site_id, id)
);

create table site_settings (
    site_id           uuid not null,
    id                uuid not null,
    display_name      text,
    timezone          text,
    session_hours     bigint,
    invitation_hours  bigint,
    password_sign_in  boolean,
    version           bigint not null,
    primary key (site_id, id)
);

select guard_site('sites');
select guard_site('site_settings');
