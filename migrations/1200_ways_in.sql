-- Why: people sign in. What is secret about that is kept out of the log, in rows that can go: passwords as Argon2id
-- hashes, and everything random (tokens, links, devices) as a SHA-256 of its 256 bits, which there is no guessing. The
-- log has who was let in, when and by what (`account` streams); these tables have what lets them in.
--
-- `epoch` is that of its person's access, or of the way in that it was made by, in which a row was made: it lets in
-- only in that epoch. The log counts the epochs (`PersonEvent::ends`), so that a way in ends in the append of the event
-- that ends it.

-- Bearer tokens, sessions and API keys. What is listed and revoked is the public id; the token itself is shown once. It
-- is revoked by time, never deleted while it is good.
create table tokens (
    token_hash     bytea       not null primary key,
    site_id        uuid        not null,
    person_id      uuid        not null,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    revoked_at     timestamptz,
    id             uuid        not null default gen_random_uuid(),
    kind           text        not null default 'issued' check (kind in ('issued', 'session', 'api_key')),
    -- Of a session: what its person signed in with.
    method         text,
    -- Of an API key: what its person calls it, and what it may do.
    name           text,
    scope          jsonb,
    epoch          bigint      not null default 0,
    -- What the session was begun with besides, or the key's session was.
    second_factor  text,
    -- Kept coarsely, so that using it is no write.
    last_used_at   timestamptz not null
);
create index tokens_person on tokens (site_id, person_id);
create unique index tokens_by_id on tokens (site_id, id);
create index tokens_by_expiry on tokens (site_id, expires_at);

-- A person's password in the PHC form, with the parameters that it was hashed with.
create table credentials (
    site_id    uuid        not null,
    person_id  uuid        not null,
    phc        text        not null,
    set_at     timestamptz not null,
    -- Of the password alone, which outlives a deactivation.
    epoch      bigint      not null default 0,
    primary key (site_id, person_id)
);

-- A link by which a person sets a password. Used once, in the statement that looks for it. Resets are good side by
-- side, a few at a time, so that whoever asks for another makes none void that somebody is about to use; of invitations
-- only the newest is.
create table invitations (
    site_id               uuid        not null,
    person_id             uuid        not null,
    purpose               text        not null check (purpose in ('invitation', 'reset')),
    invitation_id         uuid        not null,
    secret_hash           bytea       not null unique,
    created_at            timestamptz not null,
    expires_at            timestamptz not null,
    used_at               timestamptz,
    epoch                 bigint      not null default 0,
    -- The claim of the address that it was made for.
    email_key             text,
    -- Who has seen it: it lets in a person who has never come in before, for as long as whoever saw it could be shown
    -- it still. What is mailed, or comes from the command line, was shown to nobody.
    shown_to              uuid,
    -- In which epoch of whoever saw it; none, and it is not looked at.
    shown_in_epoch        bigint,
    -- Whether they were a guest, whose person is one of the default site.
    shown_to_super_admin  boolean     not null default false,
    primary key (site_id, invitation_id)
);
create index invitations_by_person on invitations (site_id, person_id);
create unique index invitations_one_at_a_time on invitations (site_id, person_id)
    where purpose = 'invitation' and used_at is null;

-- Which person another system's subject is. An address finds a person once in an epoch of their access, also where
-- several come at the same time.
create table identities (
    site_id        uuid        not null,
    issuer         text        not null,
    subject        text        not null,
    person_id      uuid        not null,
    linked_at      timestamptz not null,
    epoch          bigint      not null default 0,
    -- What it is listed and ended by; its subject is another system's secret.
    id             uuid        not null default gen_random_uuid(),
    by_address     boolean     not null default false,
    -- From when on the other system's tokens are believed, which is when something ended those before.
    believed_from  timestamptz,
    primary key (site_id, issuer, subject)
);
create index identities_by_person on identities (site_id, person_id);
create unique index identities_once_by_address on identities (site_id, person_id, epoch) where by_address;

-- Devices on which a person has signed in before: what strangers fail at elsewhere does not lock these out.
create table devices (
    site_id      uuid        not null,
    device_hash  bytea       not null,
    person_id    uuid        not null,
    expires_at   timestamptz not null,
    epoch        bigint      not null default 0,
    primary key (site_id, device_hash, person_id)
);

-- Somebody says that they have forgotten their password. It is written down for every address alike, also for one that
-- nobody has, under the hash by which addresses are claimed; who it is, if anybody, is looked up afterwards.
create table password_reset_requests (
    site_id    uuid        not null,
    email_key  text        not null,
    asked_at   timestamptz not null,
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
    -- Which link it brings: one that is written anew makes the link of that letter void, and no other.
    invitation_id    uuid        not null,
    primary key (site_id, person_id, purpose)
);
create index account_letters_due on account_letters (site_id, next_attempt_at);

-- Where no mail is configured, a letter with a link is a file. Which files hold which secret is written down before
-- there is one, so that it goes when its link does, whatever is broken off meanwhile.
create table letter_files (
    site_id      uuid        not null,
    message_id   uuid        not null,
    -- Of the link that is in it.
    secret_hash  bytea       not null,
    -- When it is looked at again.
    look_at      timestamptz not null,
    primary key (site_id, message_id)
);

-- Calendar programs fetch an address and cannot send a token. A person's link is a secret of its own, which reads
-- session dates and nothing else; a new one takes the place of the one before.
create table calendar_links (
    site_id        uuid        not null,
    person_id      uuid        not null,
    link_hash      bytea       not null unique,
    created_at     timestamptz not null,
    epoch          bigint      not null default 0,
    -- What the session had shown that it was made by.
    second_factor  text,
    primary key (site_id, person_id)
);

-- A person can sign in with one more thing: codes of an app, or passkeys. That they have it is in the log
-- (`SecondFactorAdded`, of `person`), and a row here that the log does not have, or has no more, is good for nothing:
-- what broke off half-way lets nobody in and keeps nobody out.
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

-- Codes for whoever has lost their second factor: 80 random bits each, as a SHA-256, which there is no guessing. Using
-- one takes its row away.
create table recovery_codes (
    site_id    uuid  not null,
    person_id  uuid  not null,
    code_hash  bytea not null,
    primary key (site_id, person_id, code_hash)
);

-- Somebody has shown one thing of two, and is asked for the other. It gives no right; whoever uses it takes its row
-- away.
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

select guard_site('tokens');
select guard_site('credentials');
select guard_site('invitations');
select guard_site('identities');
select guard_site('devices');
select guard_site('password_reset_requests');
select guard_site('account_letters');
select guard_site('letter_files');
select guard_site('calendar_links');
select guard_site('second_factors');
select guard_site('recovery_codes');
select guard_site('half_sign_ins');
select guard_site('passkey_registrations');
