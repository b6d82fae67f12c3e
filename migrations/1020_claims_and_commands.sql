-- Why: what an append decides by, beside the versions of streams: which keys are taken, and which commands were carried
-- out. Both change in the append's transaction and nowhere else.

-- Rules over sets (one email one person): a key has at most one owner. Personal keys are stored hashed.
create table claims (
    site_id  uuid not null,
    kind     text not null,
    key      text not null collate "C",
    owner    uuid not null,
    constraint claims_pkey primary key (site_id, kind, key)
);

-- Every command that was carried out: the receipt's bones, so that the same key again gives the same answer. Events are
-- not repeated here: they are the contiguous positions from first_position to last_position.
create table commands (
    site_id         uuid        not null,
    command_id      uuid        not null,
    command_hash    bytea       not null,
    first_position  bigint,
    last_position   bigint      not null,
    streams         json        not null,
    lists           json        not null,
    recorded_at     timestamptz not null,
    -- Whose key it is: what the service does by itself is not kept from it by a client that foretells its key.
    issuer          text        not null default 'client' check (issuer in ('client', 'service')),
    constraint commands_pkey primary key (site_id, issuer, command_id)
);

select guard_site('claims');
select guard_site('commands');
