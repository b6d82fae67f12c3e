-- Why: what queries answer from. Each table can be made anew from `events` at any time, so nothing here is a source of
-- truth, no table refers to another, and nothing but the projection engine writes them. Rows and the position that they
-- are folded up to change in one transaction.
--
-- `site_id` leads every key. Names are not copied: queries join them.
--
-- Lists by name are read by people, who look for Élodie among the E's and for Łukasz behind the L's, whatever collation
-- the database was made with. Such columns have the root collation of ICU, so every order, every comparison with a
-- cursor and every index of them agrees without saying so; a query that says another collation would not. It stays
-- deterministic: names that only look alike are still different, and the id after the name decides between equal ones.
--
-- ANALYZE sorts a sample of what is in each column. Documents and long texts would take most of its time, and nothing
-- is ever looked for by what is in them, so that the planner would learn nothing that it could use: their statistics
-- are 0. A rebuilt table keeps these settings.

-- A read model is built anew beside the live one, in a schema where nobody reads, and takes its place when it has
-- caught up; and the read models of a past moment are built in another before they are moved to where somebody wants
-- them. What is left in them by a build that was killed, the next one drops.
create schema rollbook_rebuild;
create schema rollbook_as_of;

-- How far each read model is. The engine locks a model's row for as long as it changes the model: that lock is what
-- makes several processes fold every event once.
create table projections (
    name        text primary key,
    version     integer not null,
    position    bigint not null default 0,
    -- 'live', or 'stuck' with the reason in `error`.
    status      text not null default 'live',
    error       text,
    updated_at  timestamptz not null default now(),
    -- How many rows `parked_streams` has of it, in the row that is locked anyway: who finds 0 need not look.
    parked      bigint not null default 0,
    -- The engine keeps the rows that it wrote last, and writes the next ones without reading them again. That is right
    -- for as long as nobody else has changed them: whoever does so without moving the position (a rebuild, a parked
    -- stream that is taken up again) raises the epoch, and whoever moves the position says from where.
    epoch       bigint not null default 0
) with (fillfactor = 10);

-- Ends a statement that found a model not where it was left, so that nothing of it is written.
create function projections_have_moved() returns boolean
    language plpgsql as $$
begin
    raise exception 'the projections are not where this process left them' using errcode = 'RBP01';
end $$;

-- An event that cannot be read, or not folded, must not hold up a whole read model. Its stream is set aside in that
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

create table people (
    site_id        uuid not null,
    person_id      uuid not null,
    name           text not null collate "und-x-icu",
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
    code       text not null collate "und-x-icu",
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

-- What a cohort's students see. A row is a week, because an event moves the other materials of its week along: they are
-- in their order in one value, and nothing has to be renumbered. `version` is the stream's version when the week
-- changed last; the highest of a cohort is its syllabus's.
create table syllabus (
    site_id    uuid not null,
    cohort_id  uuid not null,
    week       smallint not null,
    -- [{"material_id": …, "title": …, "content": {"kind": …, …}, "copied_from": …}, …]
    materials  jsonb not null,
    question   text,
    version    bigint not null,
    primary key (site_id, cohort_id, week)
);

create table hubs (
    site_id         uuid not null,
    hub_id          uuid not null,
    name            text not null collate "und-x-icu",
    place           text,
    coordinator_id  uuid,
    closed          boolean not null,
    version         bigint not null,
    primary key (site_id, hub_id)
);
create index hubs_by_name on hubs (site_id, name, hub_id);
create index hubs_by_coordinator on hubs (site_id, coordinator_id);

-- A row of the roster changes some thirty times in a term. Room beside it lets it stay on its page, and the indexes as
-- they are.
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
) with (fillfactor = 70);
create index roster_by_cohort on roster (site_id, cohort_id);
create index roster_by_person on roster (site_id, person_id);
create index roster_by_hub on roster (site_id, hub_id) where status = 'active';
alter table roster
    alter column attendance set statistics 0,
    alter column attendance_records set statistics 0,
    alter column reflections set statistics 0;

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
    -- How it was marked before it was revised: whoever marks it anew, and the student, want to see that. The columns of
    -- the mark are those of the newest one.
    earlier       jsonb not null default '[]',
    primary key (site_id, enrolment_id, week)
);
alter table reflections
    alter column text set statistics 0,
    alter column feedback set statistics 0,
    alter column earlier set statistics 0;

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

-- Which emails there are: students are told that their week is open, and how a reflection was marked. What became of
-- each is in `email_deliveries`.
create table emails (
    site_id       uuid not null,
    -- The stream that asks for it: the cohort's emails, or the enrolment.
    stream_id     uuid not null,
    message_id    uuid not null,
    enrolment_id  uuid not null,
    kind          text not null,
    week          smallint not null,
    requested_at  timestamptz not null,
    position      bigint not null,
    primary key (site_id, stream_id, message_id)
);
create index emails_by_enrolment on emails (site_id, enrolment_id);
create index emails_by_message on emails (site_id, message_id);
create index emails_by_age on emails (requested_at);

create table email_retries (
    site_id     uuid not null,
    cohort_id   uuid not null,
    message_id  uuid not null,
    retried_at  timestamptz not null,
    position    bigint not null,
    primary key (site_id, cohort_id, message_id)
);
create index email_retries_by_age on email_retries (retried_at);

-- Which letters there are that tell people what happens to their account: another password, address, key, identity or
-- role, a device that is new, and attempts that fail. What becomes of each is a delivery like any other.
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

-- An installation has many schools. Which there are, and where each answers, is a read model of the registry, which is
-- the default site: so `site_id` is that one's in every row of `sites`, and `id` says which site a row is about.
create table sites (
    site_id        uuid not null,
    id             uuid not null,
    slug           text not null,
    name           text not null,
    -- [{"host": …, "admits": …}, …]; the first is where links lead.
    hosts          jsonb not null,
    closed         boolean not null,
    closed_reason  text,
    owner_email    text,
    owner_name     text,
    opened_at      timestamptz,
    version        bigint not null,
    database       text not null default 'shared',
    primary key (site_id, id)
);

-- What a site has settled about itself is its own.
create table site_settings (
    site_id           uuid not null,
    id                uuid not null,
    display_name      text,
    timezone          text,
    session_hours     bigint,
    invitation_hours  bigint,
    password_sign_in  boolean,
    version           bigint not null,
    second_factor     text,
    primary key (site_id, id)
);

select guard_site('parked_streams');
select guard_site('people');
select guard_site('modules');
select guard_site('cohorts');
select guard_site('syllabus');
select guard_site('hubs');
select guard_site('roster');
select guard_site('absence_flags');
select guard_site('marking_queue');
select guard_site('reflections');
select guard_site('audit_trail');
select guard_site('emails');
select guard_site('email_retries');
select guard_site('account_notices');
select guard_site('sites');
select guard_site('site_settings');
