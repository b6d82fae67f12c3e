-- Why: a file is uploaded before the command that uses it. Until then only this row knows it; afterwards an event names
-- it, and a claim on its id says so. The row comes before the bytes and `stored` after them, so that whatever breaks
-- off half-way, there is a row by which the clean-up finds what is left.
create table uploads (
    site_id      uuid        not null,
    upload_id    uuid        not null,
    key          text        not null,
    name         text        not null,
    size         bigint      not null,
    sha256       text        not null,
    media_type   text        not null,
    kind         text        not null check (kind in ('document', 'image')),
    webp_key     text,
    uploaded_by  uuid        not null,
    uploaded_at  timestamptz not null,
    stored       boolean     not null default false,
    primary key (site_id, upload_id)
);
create index uploads_age on uploads (site_id, uploaded_at);

select guard_site('uploads');
