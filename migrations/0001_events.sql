-- The event log.
select 1;
