-- Why: a read model is built anew beside the live one, in a schema where nobody reads, and takes its place when it has caught
-- up; and the read models of a past moment are built in another before they are moved to where somebody wants them. What
-- is left in them by a build that was killed, the next one drops.
create schema rollbook_rebuild;
create schema rollbook_as_of;
