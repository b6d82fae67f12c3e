-- Read models: what queries answer from. Each table can be made anew from `events` at any time, so nothing here is a
-- source of truth, no table refers to another, and nothing but the projection engine writes them. Rows and the position
-- that they are folded up to change in one transaction.
--
-- `site_id` leads every key. Names are not copied: queries join them.

-- How far each read model is. The engine locks a model's row for as long as it changes the model: that lock is what
-- makes several processes fold every event once.
create table projections (
    name        text primary key,
    version     integer not null,
    position    bigint not null default 0,
    -- 'live', or 'stuck' with the reason in `error`.
    status      text not null default 'live',
    error       text,
    updated_at  timestamptz not null default now()
);

create table people (
    site_id        uuid not null,
    person_id      uuid not null,
    name           text not null,
    email          text not null,
    email_key      text not null,
    external_id    text,
    roles          text[] not null,
    active         boolean not null,
    registered_at  timestamptz not null,
    version        bigint not null,
    primary key (site_id, person_id)
);
create index people_by_name on people (site_id, name, person_id);
create index people_by_email on people (site_id, email_key);

create table modules (
    site_id    uuid not null,
    module_id  uuid not null,
    code       text not null,
    title      text not null,
    weeks      smallint not null,
    retired    boolean not null,
    version    bigint not null,
    primary key (site_id, module_id)
);
create index modules_by_code on modules (site_id, code, module_id);

create table cohorts (
    site_id                uuid not null,
    cohort_id              uuid not null,
    module_id              uuid not null,
    name                   text not null,
    status                 text not null,
    starts_on              date not null,
    session_start          time not null,
    session_minutes        integer not null,
    timezone               text not null,
    capacity               bigint,
    absence_threshold      smallint not null,
    reflection_grace_days  integer not null,
    -- {"1": {"starts_at": …, "minutes": …, "status": …}, …}
    sessions               jsonb not null,
    markers                uuid[] not null,
    -- {"<person>": <whether as the lead>, …}
    instructors            jsonb not null,
    version                bigint not null,
    primary key (site_id, cohort_id)
);
create index cohorts_by_start on cohorts (site_id, starts_on, cohort_id);
create index cohorts_by_marker on cohorts using gin (markers);
create index cohorts_by_instructor on cohorts using gin (instructors);

create table hubs (
    site_id         uuid not null,
    hub_id          uuid not null,
    name            text not null,
    place           text,
    coordinator_id  uuid,
    closed          boolean not null,
    version         bigint not null,
    primary key (site_id, hub_id)
);
create index hubs_by_name on hubs (site_id, name, hub_id);
create index hubs_by_coordinator on hubs (site_id, coordinator_id);

create table roster (
    site_id             uuid not null,
    enrolment_id        uuid not null,
    cohort_id           uuid not null,
    person_id           uuid not null,
    hub_id              uuid,
    status              text not null,
    week                smallint not null,
    held                boolean not null,
    held_reason         text,
    -- {"1": "present", …}
    attendance          jsonb not null,
    -- {"1": {"status": …, "place": …, "hub_id": …, "note": …, "by": …, "authority": …, "marked_at": …}, …}
    attendance_records  jsonb not null,
    absences            smallint not null,
    flagged             boolean not null,
    marker_id           uuid,
    -- {"1": "submitted" | "pass" | "fail", …}
    reflections         jsonb not null,
    moved_from          uuid,
    moved_to            uuid,
    enrolled_at         timestamptz not null,
    version             bigint not null,
    primary key (site_id, enrolment_id)
);
create index roster_by_cohort on roster (site_id, cohort_id);
create index roster_by_person on roster (site_id, person_id);
create index roster_by_hub on roster (site_id, hub_id) where status = 'active';

create table absence_flags (
    site_id       uuid not null,
    enrolment_id  uuid not null,
    flag          integer not null,
    missed_weeks  smallint[] not null,
    raised_at     timestamptz not null,
    cleared_at    timestamptz,
    resolved_at   timestamptz,
    reason        text,
    primary key (site_id, enrolment_id, flag)
);

create table marking_queue (
    site_id       uuid not null,
    enrolment_id  uuid not null,
    week          smallint not null,
    submitted_at  timestamptz not null,
    primary key (site_id, enrolment_id, week)
);
create index marking_queue_by_age on marking_queue (site_id, submitted_at, enrolment_id, week);

create table reflections (
    site_id       uuid not null,
    enrolment_id  uuid not null,
    week          smallint not null,
    text          text not null,
    visibility    text not null,
    submitted_at  timestamptz not null,
    revised_at    timestamptz,
    outcome       text,
    feedback      text,
    marked_by     uuid,
    marked_at     timestamptz,
    amended_at    timestamptz,
    amend_reason  text,
    primary key (site_id, enrolment_id, week)
);

create table audit_trail (
    site_id       uuid not null,
    position      bigint not null,
    at            timestamptz not null,
    actor_id      uuid,
    authority     text,
    action        text not null,
    enrolment_id  uuid,
    person_id     uuid,
    cohort_id     uuid,
    hub_id        uuid,
    module_id     uuid,
    from_week     smallint,
    to_week       smallint,
    reason        text,
    command_id    uuid not null,
    primary key (site_id, position)
);
create index audit_trail_by_enrolment on audit_trail (site_id, enrolment_id, position);
create index audit_trail_by_person on audit_trail (site_id, person_id, position) where person_id is not null;
create index audit_trail_by_cohort on audit_trail (site_id, cohort_id, position) where cohort_id is not null;
create index audit_trail_by_actor on audit_trail (site_id, actor_id, position);
create index audit_trail_by_time on audit_trail (site_id, at);
