-- Why: whoever knew an address could ask for resets again and again, and each took the place of the one before, so that the link which
-- somebody was about to use was void. Resets are good side by side now, a few at a time, and the use of one ends the others. An
-- invitation takes the place of the one before as ever: it is its person's admin who wants another.

alter table invitations drop constraint invitations_pkey;
alter table invitations add primary key (site_id, invitation_id);
create index invitations_by_person on invitations (site_id, person_id);
create unique index invitations_one_at_a_time on invitations (site_id, person_id)
    where purpose = 'invitation' and used_at is null;

-- Which link a letter brings: one that is written anew makes the link of that letter void, and no other.
alter table account_letters add column invitation_id uuid not null default gen_random_uuid();
alter table account_letters alter column invitation_id drop default;
