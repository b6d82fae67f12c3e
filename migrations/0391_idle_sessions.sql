-- Why: a session was good for as long as it was made for, whether or not anybody used it. Now it ends when it rests. When it was used is
-- kept coarsely, so that using it is no write. What there is was used, as far as anybody knows, now.

alter table tokens add column last_used_at timestamptz;
update tokens set last_used_at = now();
alter table tokens alter column last_used_at set not null;
