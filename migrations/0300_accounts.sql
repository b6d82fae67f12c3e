-- Why: people sign in. What is secret about that is kept out of the log, in rows that can go: passwords as Argon2id hashes, and
-- everything random (tokens, invitations, devices, states) as a SHA-256 of its 256 bits, which there is no guessing. The log has
-- who was let in, when and by what (`account` streams); these tables have what lets them in.

-- Tokens are of three kinds. What is listed and revoked is the public id; the token itself is shown once.
alter table tokens
    add column id     uuid not null default gen_random_uuid(),
    add column kind   text not null default 'issued' check (kind in ('issued', 'session', 'api_key')),
    -- Of a session: what its person signed in with.
    add column method text,
    -- Of an API key: what its person calls it, and what it may do.
    add column name   text,
    add column scope  jsonb;
create unique index tokens_by_id on tokens (site_id, id);
create index tokens_by_expiry on tokens (site_id, expires_at);

-- A person's password in the PHC form, with the parameters that it was hashed with.
create table credentials (
    site_id    uuid        not null,
    person_id  uuid        not null,
    phc        text        not null,
    set_at     timestamptz not null,
    primary key (site_id, person_id)
);

-- A link by which a person sets a password: one for each purpose, the newest. Used once, in the statement that looks for it.
create table invitations (
    site_id        uuid        not null,
    person_id      uuid        not null,
    purpose        text        not null check (purpose in ('invitation', 'reset')),
    invitation_id  uuid        not null,
    secret_hash    bytea       not null unique,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    used_at        timestamptz,
    primary key (site_id, person_id, purpose)
);

-- Which person another system's subject is.
create table identities (
    site_id    uuid        not null,
    issuer     text        not null,
    subject    text        not null,
    person_id  uuid        not null,
    linked_at  timestamptz not null,
    primary key (site_id, issuer, subject)
);
create index identities_by_person on identities (site_id, person_id);

-- Somebody is on their way to another system and back. The row is taken away by whoever comes back with its state.
create table sign_in_flows (
    site_id       uuid        not null,
    state_hash    bytea       not null,
    -- Of the cookie in the browser that began it.
    browser_hash  bytea       not null,
    provider      text        not null,
    nonce         text        not null,
    verifier      text        not null,
    -- Where on this site they go afterwards.
    next          text        not null,
    expires_at    timestamptz not null,
    primary key (site_id, state_hash)
);

-- Devices on which a person has signed in before: what strangers fail at elsewhere does not lock these out.
create table devices (
    site_id      uuid        not null,
    device_hash  bytea       not null,
    person_id    uuid        not null,
    expires_at   timestamptz not null,
    primary key (site_id, device_hash, person_id)
);

-- Somebody says that they have forgotten their password. It is written down for every address alike, also for one that nobody has,
-- under the hash by which addresses are claimed; who it is, if anybody, is looked up afterwards.
create table password_reset_requests (
    site_id   uuid        not null,
    email_key text        not null,
    asked_at  timestamptz not null,
    primary key (site_id, email_key)
);

-- Who is to be mailed a link. Its secret is made when the message is sent, and is nowhere before.
create table account_letters (
    site_id          uuid        not null,
    person_id        uuid        not null,
    purpose          text        not null check (purpose in ('invitation', 'reset')),
    asked_at         timestamptz not null,
    attempts         integer     not null default 0,
    next_attempt_at  timestamptz not null,
    primary key (site_id, person_id, purpose)
);
create index account_letters_due on account_letters (site_id, next_attempt_at);
