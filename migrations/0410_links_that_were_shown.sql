-- Why: a link that somebody was shown was good whatever had become of them, and of the person whom it is for; and one that was mailed
-- was good after its person had another address. Now each says for which address it was made, and who has seen it: it lets in a person
-- who has never come in before, for as long as whoever saw it could be shown it still. What is mailed, or comes from the command line,
-- was shown to nobody.
--
-- Of the links that there are it is not known which were mailed: those that somebody asked for count as shown to them.

alter table invitations
    -- The claim of the address.
    add column email_key text,
    add column shown_to uuid,
    -- In which epoch of whoever saw it; none, and it is not looked at.
    add column shown_in_epoch bigint,
    -- Whether they were a guest, whose person is one of the default site.
    add column shown_to_super_admin boolean not null default false;

update invitations i set email_key = c.key
from claims c
where c.site_id = i.site_id and c.kind = 'email' and c.owner = i.person_id;

update invitations i
set shown_to = (e.payload -> 'InvitationIssued' ->> 'by')::uuid, shown_to_super_admin = coalesce(e.metadata ->> 'authority' = 'super_admin', false)
from events e
where i.purpose = 'invitation' and i.used_at is null
  and e.site_id = i.site_id and e.aggregate_type = 'account' and e.aggregate_id = i.person_id::text
  and e.sequence = (
      select max(l.sequence) from events l
      where l.site_id = i.site_id and l.aggregate_type = 'account' and l.aggregate_id = i.person_id::text
        and l.event_type = 'InvitationIssued' and l.payload -> 'InvitationIssued' ->> 'purpose' = 'invitation');
