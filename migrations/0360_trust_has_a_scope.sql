-- Why: whoever had a verified address at another system became the person of that address here, as often as one liked. An address
-- finds a person once in an epoch of their access, and this holds it also for those who come at the same time. And whoever set out to
-- another system wrote a row, without being anybody: their browser keeps it now, sealed.

alter table identities add column by_address boolean not null default false;
create unique index identities_once_by_address on identities (site_id, person_id, epoch) where by_address;

drop table sign_in_flows;
