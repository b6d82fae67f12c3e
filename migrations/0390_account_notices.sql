-- Why: people are told by email what happens to their account: another password, address, key, identity or role, a device that is
-- new, and attempts that fail. Which letters there are is folded from the log; what becomes of each is a delivery like any other.

create table account_notices (
    site_id      uuid not null,
    person_id    uuid not null,
    message_id   uuid not null,
    kind         text not null,
    -- What of: the role, the system, the key's name, how the password was set.
    detail       text,
    -- Where it goes, if not where its person gets mail now: the address that another one has replaced.
    address      text,
    -- Who did it, and in what capacity; none is the installation.
    by           uuid,
    authority    text,
    happened_at  timestamptz not null,
    position     bigint not null,
    primary key (site_id, person_id, message_id)
);
create index account_notices_by_message on account_notices (site_id, message_id);
create index account_notices_by_age on account_notices (happened_at);
select guard_site('account_notices');

-- Nobody is told now of what happened before they were told anything.
alter table email_installation add column notices_position bigint;
update email_installation set notices_position = (select coalesce(max(position), 0) from events);
alter table email_installation alter column notices_position set not null;
