-- Why: what a cohort's students see, as a read model. A row is a week, because an event moves the other materials of its
-- week along: they are in their order in one value, and nothing has to be renumbered. `version` is the stream's version
-- when the week changed last; the highest of a cohort is its syllabus's.

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
