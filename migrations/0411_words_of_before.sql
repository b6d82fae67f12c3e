-- Why: another system's token for a program is good for up to a day, and what had ended its person's ways in did not end it: it was
-- linked anew by its address. Now a link says from when on tokens are believed, which is when something ended those before.

alter table identities add column believed_from timestamptz;
