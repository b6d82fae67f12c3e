-- Why: a calendar's address read on for whoever must have a second factor and had shown none. It remembers what the session had shown
-- that it was made by, as keys do (0380). The rows that are there have shown nothing.
alter table calendar_links add column second_factor text;
