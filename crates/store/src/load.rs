//! Loading what a command is decided on: every wave of needs is one statement.
//!
//! States that this process has seen are kept, and a load only catches them up, so the references between streams
//! (an enrolment's cohort and hub) are usually known before the first wave: one round trip. What is kept never decides
//! by itself: every load asks the log for newer events, and the append checks the versions.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::Arc;

use futures::TryStreamExt as _;
use rollbook_domain::account::Account;
use rollbook_domain::claim::{ClaimKey, ClaimKind, ClaimSet};
use rollbook_domain::person::Person;
use rollbook_domain::plan::needs;
use rollbook_domain::site::Site;
use rollbook_domain::site_settings::SiteSettings;
use rollbook_domain::world::{AnyLoaded, Loaded, Need, World};
use rollbook_domain::{AccountId, Actor, Command, Event, PersonId, SiteId, SiteSettingsId, StreamId, StreamType};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::append::{StoredReceipt, stored_key};
use crate::{CommandKey, EventStore, StoreError};

/// What was loaded for a command.
pub(crate) struct Facts {
    /// The states and claims.
    pub world: World,
    /// The receipt, if the key was used before, with the hash (in hex) of what it stood for.
    pub receipt: Option<(String, StoredReceipt)>,
}

impl EventStore {
    /// Loads everything that a command needs, and whether its key was used before.
    pub(crate) async fn facts(
        &self,
        site: SiteId,
        actor: Actor,
        command: &Command,
        key: CommandKey,
    ) -> Result<Facts, StoreError> {
        let mut facts = Facts { world: World::default(), receipt: None };
        let mut first = Some(key);
        loop {
            if first.is_none() && needs(command, actor, &facts.world).is_empty() {
                return Ok(facts);
            }
            let wanted = self.foresee(site, actor, command, &facts.world);
            self.fetch(site, &wanted, first.take(), &mut facts).await?;
        }
    }

    /// The receipt of a command, if it was carried out.
    pub(crate) async fn receipt(&self, site: SiteId, key: CommandKey) -> Result<Option<StoredReceipt>, StoreError> {
        let mut facts = Facts { world: World::default(), receipt: None };
        self.fetch(site, &BTreeSet::new(), Some(key), &mut facts).await?;
        Ok(facts.receipt.map(|(_, stored)| stored))
    }

    /// Everything that a command needs, if this process has it from before: what is not known is who holds claims, and streams
    /// that nothing is kept of. It may be older than the log.
    pub(crate) fn known(&self, site: SiteId, actor: Actor, command: &Command) -> Option<World> {
        let mut world = World::default();
        loop {
            let missing = needs(command, actor, &world);
            if missing.is_empty() {
                return Some(world);
            }
            for need in missing {
                let Need::Stream(stream) = need else { return None };
                world.put(stream, self.kept.get(site, stream)?);
            }
        }
    }

    /// A person as the log has them now: roles and activity without the delay of a read model.
    pub async fn person(&self, site: SiteId, person: PersonId) -> Result<Loaded<Person>, StoreError> {
        let mut facts = Facts { world: World::default(), receipt: None };
        self.fetch(site, &BTreeSet::from([Need::Stream(person.into())]), None, &mut facts).await?;
        Ok(facts.world.person(person))
    }

    /// A person's account as the log has it now.
    pub async fn account(&self, site: SiteId, person: PersonId) -> Result<Loaded<Account>, StoreError> {
        let (account, mut facts) = (AccountId::from(person), Facts { world: World::default(), receipt: None });
        self.fetch(site, &BTreeSet::from([Need::Stream(account.into())]), None, &mut facts).await?;
        Ok(facts.world.account(account))
    }

    /// A site as the log has it now.
    pub async fn site(&self, site: SiteId) -> Result<Loaded<Site>, StoreError> {
        let mut facts = Facts { world: World::default(), receipt: None };
        self.fetch(SiteId::DEFAULT, &BTreeSet::from([Need::Stream(site.into())]), None, &mut facts).await?;
        Ok(facts.world.site(site))
    }

    /// What is settled about a site, as the log has it now: what somebody has been told is settled holds from then on.
    pub async fn site_settings(&self, site: SiteId) -> Result<Arc<SiteSettings>, StoreError> {
        let mut facts = Facts { world: World::default(), receipt: None };
        let settings = SiteSettingsId::from(site);
        self.fetch(site, &BTreeSet::from([Need::Stream(settings.into())]), None, &mut facts).await?;
        Ok(facts.world.site_settings(settings).state)
    }

    /// Who holds a claim now.
    pub async fn owner(&self, site: SiteId, key: ClaimKey) -> Result<Option<Uuid>, StoreError> {
        let mut facts = Facts { world: World::default(), receipt: None };
        self.fetch(site, &BTreeSet::from([Need::Owner(key.clone())]), None, &mut facts).await?;
        Ok(facts.world.owner(&key))
    }

    /// Whether there has ever been a site beside the default one, whose store this is: each claims its slug for good.
    pub async fn has_other_sites(&self) -> Result<bool, StoreError> {
        let sql = "select exists (select from claims where site_id = $1 and kind = $2)";
        let query = sqlx::query_scalar(sql).bind(SiteId::DEFAULT.0).bind(ClaimKind::SiteSlug.as_str());
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// What the command needs now, and what it will need then, as far as the kept states tell.
    fn foresee(&self, site: SiteId, actor: Actor, command: &Command, world: &World) -> BTreeSet<Need> {
        let mut guess = world.clone();
        let mut wanted = BTreeSet::new();
        loop {
            let missing = needs(command, actor, &guess);
            let mut further = false;
            for need in missing {
                if let Need::Stream(stream) = need
                    && let Some(kept) = self.kept.get(site, stream)
                {
                    guess.put(stream, kept);
                    further = true;
                }
                wanted.insert(need);
            }
            if !further {
                return wanted;
            }
        }
    }

    /// One round trip: streams (what is newer than the kept states), claims, sets, and the receipt of a command.
    async fn fetch(
        &self,
        site: SiteId,
        wanted: &BTreeSet<Need>,
        key: Option<CommandKey>,
        facts: &mut Facts,
    ) -> Result<(), StoreError> {
        let mut asked = LoadBatch::default();
        for need in wanted {
            match need {
                Need::Stream(stream) => {
                    let kept = self.kept.get(site, *stream).unwrap_or_else(|| AnyLoaded::empty(stream.kind));
                    asked.kinds.push(stream.kind.as_str());
                    asked.ids.push(stream.id.to_string());
                    asked.after.push(kept.version());
                    asked.streams.insert(*stream, kept);
                }
                Need::Owner(key) => {
                    asked.claim_kinds.push(key.kind.as_str());
                    asked.claim_keys.push(stored_key(site, key));
                    asked.owners.push((key.clone(), None));
                }
                Need::Count(set) => asked.counts.push((set.clone(), 0)),
                Need::Members(set) => asked.members.push((set.clone(), Vec::new())),
            }
        }
        let (count_kinds, count_prefixes) =
            asked.counts.iter().map(|(set, _)| columns(set)).unzip::<_, _, Vec<_>, Vec<_>>();
        let (member_kinds, member_prefixes) =
            asked.members.iter().map(|(set, _)| columns(set)).unzip::<_, _, Vec<_>, Vec<_>>();

        let sql = asked.sql(key.is_some());
        let (kinds, ids, after) = (take(&mut asked.kinds), take(&mut asked.ids), take(&mut asked.after));
        let (claim_kinds, claim_keys) = (take(&mut asked.claim_kinds), take(&mut asked.claim_keys));
        let mut rows = sqlx::query(&sql)
            .bind(site.0)
            .bind(kinds)
            .bind(ids)
            .bind(after)
            .bind(claim_kinds)
            .bind(claim_keys)
            .bind(&count_kinds)
            .bind(&count_prefixes)
            .bind(&member_kinds)
            .bind(&member_prefixes)
            .bind(key.map(|key| key.id.0))
            .bind(key.map(|key| <&str>::from(key.issuer)))
            .fetch(&self.loads);
        // One after the other as they come: a stream that nothing is kept of may be long.
        while let Some(row) = rows.try_next().await? {
            asked.take(&row, facts)?;
        }
        drop(rows);
        for (stream, loaded) in asked.streams {
            self.kept.put(site, stream, &loaded);
            facts.world.put(stream, loaded);
        }
        for (key, owner) in asked.owners {
            facts.world.put_owner(key, owner);
        }
        for (set, count) in asked.counts {
            facts.world.put_count(set, count);
        }
        for (set, members) in asked.members {
            facts.world.put_members(set, members);
        }
        Ok(())
    }
}

fn columns(set: &ClaimSet) -> (&'static str, String) {
    (set.kind.as_str(), set.prefix.clone())
}

// Questions with their answers in the same columns, and with parameters of the same numbers. As over every connection of one
// plan (`crate::dedicated_connection::ONE_PLAN`), tables are asked row by row, in laterals with a limit or an offset: in place
// of a join they cannot become one that reads the whole of a table, which the planner took for an empty one.

const EVENTS: &str = "select 'event', w.n, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
        e.payload::text, null::uuid
    from unnest($2::text[], $3::text[], $4::bigint[]) with ordinality as w(kind, id, after, n)
    cross join lateral (
        select * from events e
        where e.aggregate_type = w.kind and e.aggregate_id = w.id and e.sequence > w.after and e.site_id = $1 offset 0
    ) e";

const OWNERS: &str = "select 'owner', w.n, null, null, 0::bigint, null, null, null, c.owner
    from unnest($5::text[], $6::text[]) with ordinality as w(kind, key, n)
    cross join lateral (
        select * from claims c where c.site_id = $1 and c.kind = w.kind and c.key = w.key limit 1
    ) c";

const COUNTS: &str = "select 'count', w.n, null, null,
        (select count(*) from claims c where c.site_id = $1 and c.kind = w.kind
            and c.key >= w.prefix and c.key < w.prefix || '~'),
        null, null, null, null::uuid
    from unnest($7::text[], $8::text[]) with ordinality as w(kind, prefix, n)";

const MEMBERS: &str = "select 'member', w.n, null, null, 0::bigint, null, null, null, c.owner
    from unnest($9::text[], $10::text[]) with ordinality as w(kind, prefix, n)
    cross join lateral (
        select * from claims c
        where c.site_id = $1 and c.kind = w.kind and c.key >= w.prefix and c.key < w.prefix || '~' offset 0
    ) c";

const RECEIPT: &str = "select 'receipt', 0::bigint, encode(c.command_hash, 'hex'), null, 0::bigint, null, null,
        json_build_object('first_position', c.first_position, 'last_position', c.last_position,
                          'streams', c.streams, 'lists', c.lists)::text, null::uuid
    from commands c where c.site_id = $1 and c.command_id = $11 and c.issuer = $12";

/// One round trip's questions, and their answers as they come in.
#[derive(Default)]
struct LoadBatch {
    kinds: Vec<&'static str>,
    ids: Vec<String>,
    after: Vec<i64>,
    claim_kinds: Vec<&'static str>,
    claim_keys: Vec<String>,
    streams: BTreeMap<StreamId, AnyLoaded>,
    owners: Vec<(ClaimKey, Option<Uuid>)>,
    counts: Vec<(ClaimSet, u32)>,
    members: Vec<(ClaimSet, Vec<Uuid>)>,
}

impl LoadBatch {
    /// The statement, of the questions that there are: the plan of all of them takes longer to make than most answers.
    fn sql(&self, receipt: bool) -> String {
        let parts = [
            (!self.kinds.is_empty(), EVENTS),
            (!self.owners.is_empty(), OWNERS),
            (!self.counts.is_empty(), COUNTS),
            (!self.members.is_empty(), MEMBERS),
            (receipt, RECEIPT),
        ];
        let parts: Vec<_> = parts.into_iter().filter_map(|(asked, sql)| asked.then_some(sql)).collect();
        format!(
            "select * from ({}) as found(what, n, a, b, number, c, d, json, owner) order by what, n, number, owner",
            parts.join(" union all ")
        )
    }

    fn take(&mut self, row: &PgRow, facts: &mut Facts) -> Result<(), StoreError> {
        let nth = usize::try_from(row.try_get::<i64, _>("n")?).unwrap_or_default().saturating_sub(1);
        let missing = || StoreError::Corrupt("an answer to no question".to_owned());
        match row.try_get::<&str, _>("what")? {
            "event" => {
                let (stream, event) = event(row)?;
                let loaded = self.streams.get_mut(&stream).ok_or_else(missing)?;
                loaded.apply(&event, row.try_get("number")?);
            }
            "owner" => self.owners.get_mut(nth).ok_or_else(missing)?.1 = row.try_get("owner")?,
            "count" => {
                let count = u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or(u32::MAX);
                self.counts.get_mut(nth).ok_or_else(missing)?.1 = count;
            }
            "member" => self.members.get_mut(nth).ok_or_else(missing)?.1.push(row.try_get("owner")?),
            _ => {
                facts.receipt = Some((row.try_get("a")?, serde_json::from_str(row.try_get("json")?)?));
            }
        }
        Ok(())
    }
}

fn event(row: &PgRow) -> Result<(StreamId, Event), StoreError> {
    let stream = stream_id(row.try_get("a")?, row.try_get("b")?)?;
    let event = Event::decode(stream.kind, row.try_get("c")?, row.try_get("d")?, row.try_get("json")?)?;
    Ok((stream, event))
}

/// A stream's id from the columns of the log. Another spelling of an id is another stream there, so it is none of ours.
pub(crate) fn stream_id(kind: &str, id: &str) -> Result<StreamId, StoreError> {
    let foreign = || StoreError::Corrupt("it is of no stream of this service".to_owned());
    let kind: StreamType = kind.parse().map_err(|_| foreign())?;
    let parsed =
        Uuid::parse_str(id).ok().filter(|parsed| *parsed.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *id);
    Ok(StreamId { kind, id: parsed.ok_or_else(foreign)? })
}
