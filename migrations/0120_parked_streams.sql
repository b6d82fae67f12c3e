-- Why: an event that cannot be read, or not folded, must not hold up a whole read model. Its stream is set aside in that
-- model, and nothing else is: its rows stay as they were, its later events are left out, and the other streams go on.
-- What is parked changes in the transaction that moves the checkpoint, under the checkpoint's lock.

create table parked_streams (
    projection   text not null,
    site_id      uuid not null,
    -- As the log has them: the stream may be none of this service's.
    stream_type  text not null,
    stream_id    text not null,
    -- The event that cannot be read or folded, and why; never what it says.
    position     bigint not null,
    error        text not null,
    parked_at    timestamptz not null default now(),
    primary key (projection, site_id, stream_type, stream_id)
);

-- How many they are, in the row that is locked anyway: who finds 0 need not look.
alter table projections add column parked bigint not null default 0;
