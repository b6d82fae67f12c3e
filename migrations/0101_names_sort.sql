-- Why: lists by name are read by people, who look for Élodie among the E's and for Łukasz behind the L's, whatever
-- collation the database was made with. The columns have the root collation of ICU, so every order, every comparison
-- with a cursor and every index of them agrees without saying so; a query that says another collation would not.
--
-- It stays deterministic: names that only look alike are still different, and the id after the name decides between
-- equal ones.
alter table people alter column name type text collate "und-x-icu";
alter table modules alter column code type text collate "und-x-icu";
alter table hubs alter column name type text collate "und-x-icu";
