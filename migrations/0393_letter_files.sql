-- Why: where no mail is configured, a letter with a link is a file, and the file kept the link's secret for ever. Which files hold
-- which secret is written down before there is one, so that it goes when its link does, whatever is broken off meanwhile.

create table letter_files (
    site_id      uuid        not null,
    message_id   uuid        not null,
    -- Of the link that is in it.
    secret_hash  bytea       not null,
    -- When it is looked at again.
    look_at      timestamptz not null,
    primary key (site_id, message_id)
);
select guard_site('letter_files');
