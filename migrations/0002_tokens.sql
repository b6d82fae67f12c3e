-- Why: bearer tokens, kept out of the log. Only a token's hash is stored; a token is revoked by time, never deleted.
create table tokens
(
    token_hash bytea       not null primary key,
    site_id    uuid        not null,
    person_id  uuid        not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);

create index tokens_person on tokens (site_id, person_id);
