-- Why: the engine keeps the rows that it wrote last, and writes the next ones without reading them again. That is right
-- for as long as nobody else has changed them: whoever does so without moving the position (a rebuild, a parked stream that
-- is taken up again) raises the epoch, and whoever moves the position says from where.
alter table projections add column epoch bigint not null default 0;

-- Ends a statement that found a model not where it was left, so that nothing of it is written.
create function projections_have_moved() returns boolean
    language plpgsql as $$
begin
    raise exception 'the projections are not where this process left them' using errcode = 'RBP01';
end $$;

-- A row of the roster changes some thirty times in a term. Room beside it lets it stay on its page, and the indexes as they
-- are.
alter table roster set (fillfactor = 70);
alter table projections set (fillfactor = 10);
