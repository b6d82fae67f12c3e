-- Why: whoever had somebody's password was that person. A person can sign in with one more thing: codes of an app, or passkeys. That
-- they have it is in the log (`SecondFactorAdded`, of `person`), and a row here that the log does not have, or has no more, is good
-- for nothing: what broke off half-way lets nobody in and keeps nobody out.

create table second_factors (
    site_id       uuid        not null,
    person_id     uuid        not null,
    factor_id     uuid        not null,
    kind          text        not null check (kind in ('totp', 'passkey')),
    -- What its person calls it.
    name          text        not null,
    added_at      timestamptz not null,
    last_used_at  timestamptz,
    -- Of codes: the secret, sealed under the key of that name, or as it is where the installation has no key.
    key_id        text,
    secret        bytea,
    -- The last step of 30 seconds whose code was used: a code is used once.
    last_step     bigint      not null default 0,
    -- Of passkeys: the public key with what belongs to it, and the host that it is for.
    passkey       jsonb,
    rp_id         text,
    primary key (site_id, factor_id),
    check ((kind = 'totp') = (secret is not null) and (kind = 'passkey') = (passkey is not null and rp_id is not null))
);
create index second_factors_by_person on second_factors (site_id, person_id);
select guard_site('second_factors');

-- Codes for whoever has lost their second factor: 80 random bits each, as a SHA-256, which there is no guessing. Using one takes its
-- row away.
create table recovery_codes (
    site_id    uuid  not null,
    person_id  uuid  not null,
    code_hash  bytea not null,
    primary key (site_id, person_id, code_hash)
);
select guard_site('recovery_codes');

-- Somebody has shown one thing of two, and is asked for the other. It gives no right; whoever uses it takes its row away.
create table half_sign_ins (
    site_id      uuid        not null,
    secret_hash  bytea       not null,
    person_id    uuid        not null,
    -- What they have shown.
    method       text        not null,
    -- SHA-256 of the password's hash that was verified, if it was that: with another password it is good for nothing.
    verified     bytea,
    epoch        bigint      not null,
    tries        integer     not null default 0,
    -- The challenge that a passkey is to sign, until it is taken.
    challenge    jsonb,
    expires_at   timestamptz not null,
    primary key (site_id, secret_hash)
);
create index half_sign_ins_by_person on half_sign_ins (site_id, person_id);
select guard_site('half_sign_ins');

-- A passkey is being made: the challenge, of the session that asked for it. It is taken once.
create table passkey_registrations (
    site_id     uuid        not null,
    token_id    uuid        not null,
    person_id   uuid        not null,
    epoch       bigint      not null,
    challenge   jsonb       not null,
    rp_id       text        not null,
    expires_at  timestamptz not null,
    primary key (site_id, token_id)
);
select guard_site('passkey_registrations');

-- What the session was begun with besides, or the key's session was. The rows that are there have shown nothing.
alter table tokens add column second_factor text;

alter table site_settings add column second_factor text;
