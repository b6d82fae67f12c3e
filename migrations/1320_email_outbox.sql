-- Why: which messages there are is folded from the log like every read model. What became of each is a fact of the
-- outside, which cannot be made again: it has tables of its own, that no rebuild touches.

-- Where the log was when emails came to this installation, and letters about accounts: what was asked for before is
-- never sent.
create table email_installation (
    only_row          boolean primary key default true check (only_row),
    position          bigint not null,
    notices_position  bigint not null
);
insert into email_installation (position, notices_position) values (0, 0);

-- What became of a message. One that nobody has taken up has no row.
create table email_deliveries (
    site_id          uuid not null,
    message_id       uuid not null,
    -- 'waiting', 'sending', 'sent', 'skipped', 'failed', 'unconfirmed', 'expired'.
    status           text not null,
    -- The last batch that it was in, and its place there, from 1.
    batch_id         uuid,
    ordinal          smallint,
    -- Whether it goes alone: a batch with it was refused as a whole.
    alone            boolean not null default false,
    attempts         integer not null default 0,
    -- From when its age counts: when it was asked for, or wanted again.
    since            timestamptz not null,
    next_attempt_at  timestamptz not null,
    provider_id      text,
    -- Why it is not sent, or not yet: never what is in it, nor to whom it goes.
    detail           text,
    sent_at          timestamptz,
    -- The wish to send it again that was fulfilled last.
    retry_position   bigint not null default 0,
    changed_at       timestamptz not null,
    primary key (site_id, message_id)
);
create index email_deliveries_waiting on email_deliveries (next_attempt_at) where status = 'waiting';
create index email_deliveries_by_batch on email_deliveries (batch_id) where status = 'sending';

-- A request as it was sent, or is about to be: stored before it is sent, so that exactly the same can be sent again
-- under the same key. It holds personal data, and goes when it is known what became of it.
create table email_batches (
    batch_id         uuid primary key,
    provider         text not null,
    payload          text not null,
    attempts         integer not null default 1,
    began_at         timestamptz not null,
    next_attempt_at  timestamptz not null
);

select guard_site('email_deliveries');
