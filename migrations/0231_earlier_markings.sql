-- Why: a reflection that failed and was revised waits again. Whoever marks it anew, and the student, want to see what was
-- said of it before; the columns of the mark are those of the newest one.
alter table reflections add column earlier jsonb not null default '[]';
