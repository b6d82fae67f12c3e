//! Everything that takes more than one statement, given up at its polls one after the other: it has happened as a whole or not
//! at all, nothing stays open, and whoever comes next can do it.

use std::collections::BTreeMap;
use std::future::{Ready, ready};

use chrono::TimeDelta;
use rollbook_domain::account::{InvitationPurpose, ShownFactor, SignInMethod};
use rollbook_domain::hub::HubEvent;
use rollbook_domain::person::Person;
use rollbook_domain::{HubId, PersonId, SiteId};
use rollbook_projections::Projections;
use rollbook_projections::engine::When;
use rollbook_store::accounts::{Grounds, NewHalfSignIn, NewToken, NewTokenKind, Redeemed, Settled, TotpSecret};
use rollbook_store::connect::pool_options;
use rollbook_store::isolation::every_site;
use rollbook_store::keys::Keys;
use rollbook_store::{EventStore, StoreError};
use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Witness, at_each_poll, given_up_after};
use crate::harness::{Database, at, eventually};
use crate::read_models::{SOON, caught_up, write};

const SITE: SiteId = SiteId::DEFAULT;
const NOW: &str = "2026-02-03T09:00:00Z";

/// A store with few connections, all of which the witness looks at.
async fn scene() -> (Database, EventStore, Witness) {
    let database = Database::create().await;
    let options = every_site(database.url.parse().expect("a URL that sqlx reads"));
    let pool = pool_options(3).connect_with(options).await.expect("connections");
    let witness = Witness::of(&database, &pool).await;
    (database, EventStore::new(pool), witness)
}

/// The log is told nothing here.
fn nothing() -> Ready<Result<(), StoreError>> {
    ready(Ok(()))
}

async fn one<T>(pool: &PgPool, sql: &str, id: Uuid) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).bind(id).fetch_one(pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[tokio::test]
async fn an_invitation_is_used_and_the_password_set_together() {
    let (database, store, mut witness) = scene().await;
    at_each_poll(async |polls| {
        let person = PersonId(Uuid::new_v4());
        let purpose = InvitationPurpose::Invitation;
        let asked = (at(NOW), TimeDelta::hours(1));
        let known = Person::default();
        let secret = store.issue_invitation(SITE, (person, &known), purpose, None, asked).await.expect("a link");
        let invitation = store.invitation(SITE, &secret, at(NOW)).await.expect("a look-up").expect("an invitation");
        let phc = SecretString::from("a hash");
        let redeemed = given_up_after(polls, store.redeem(SITE, invitation, (&phc, 0), at(NOW), nothing())).await;
        witness.finds_nothing_open(&format!("{polls} polls of using a link")).await;
        let used: bool = one(
            &database.pool,
            "select count(*) > 0 from invitations where person_id = $1 and used_at is not null",
            person.0,
        )
        .await;
        let set: bool =
            one(&database.pool, "select count(*) > 0 from credentials where person_id = $1", person.0).await;
        // Setting a password takes other links away, and not the one that it was set by.
        assert_eq!(used, set, "after {polls} polls");
        if redeemed.is_none() && !used {
            let again = store.redeem(SITE, invitation, (&phc, 0), at(NOW), nothing()).await.expect("it is used now");
            assert_eq!(again, Redeemed::Done, "after {polls} polls");
        }
        redeemed.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_password_changes_with_the_sessions_that_it_ends() {
    let (database, store, mut witness) = scene().await;
    at_each_poll(async |polls| {
        let person = PersonId(Uuid::new_v4());
        let [old, new] = ["old", "new"].map(SecretString::from);
        let sql = "insert into credentials (site_id, person_id, phc, set_at) values ($1, $2, 'old', now())";
        sqlx::query(sql).bind(SITE.0).bind(person.0).execute(&database.pool).await.expect("a password");
        let session = NewToken {
            id: Uuid::new_v4(),
            what: NewTokenKind::Session(SignInMethod::Password),
            second_factor: ShownFactor::Nothing,
            grounds: Grounds { session: None, verified: Some(old.clone()) },
            expires_at: at(NOW) + TimeDelta::hours(1),
            epoch: 0,
        };
        let issued = given_up_after(polls, store.issue(SITE, person, &session, at(NOW))).await;
        witness.finds_nothing_open(&format!("{polls} polls of a sign-in")).await;
        let changed =
            given_up_after(polls, store.change_password((SITE, person), (&old, &new), None, at(NOW), nothing())).await;
        witness.finds_nothing_open(&format!("{polls} polls of a change of password")).await;
        let phc: String = one(&database.pool, "select phc from credentials where person_id = $1", person.0).await;
        let open = "select count(*) from tokens where person_id = $1 and revoked_at is null";
        let open: i64 = one(&database.pool, open, person.0).await;
        assert!(phc == "old" || open == 0, "a session of the old password is open, after {polls} polls");
        issued.is_some() && changed.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_is_settled_with_its_recovery_codes_and_its_session() {
    let (database, store, mut witness) = scene().await;
    let (known, secret) = (BTreeMap::new(), TotpSecret::Open("MFRGGZDFMZTWQ2LK".into()));
    at_each_poll(async |polls| {
        let (person, factor_id) = (PersonId(Uuid::new_v4()), Uuid::new_v4());
        let whose = (SITE, person);
        let begun = store.put_totp(whose, (factor_id, "App"), &secret, &known, at(NOW));
        let begun = given_up_after(polls, begun).await;
        witness.finds_nothing_open(&format!("{polls} polls of beginning an app")).await;
        if begun.is_none() {
            store.put_totp(whose, (factor_id, "App"), &secret, &known, at(NOW)).await.ok();
        }
        let codes = ["one", "two"].map(SecretString::from);
        let settled = Settled { factor_id, step: Some(7), shown: (ShownFactor::Totp, None), codes: Some(&codes) };
        let done = given_up_after(polls, store.settle_second_factor(whose, settled, at(NOW), nothing())).await;
        witness.finds_nothing_open(&format!("{polls} polls of a first code")).await;
        let step: i64 =
            one(&database.pool, "select last_step from second_factors where factor_id = $1", factor_id).await;
        let codes: i64 =
            one(&database.pool, "select count(*) from recovery_codes where person_id = $1", person.0).await;
        assert!((step, codes) == (0, 0) || (step, codes) == (7, 2), "{step}, {codes}, after {polls} polls");
        let half = NewHalfSignIn {
            person,
            method: SignInMethod::Password,
            verified: None,
            epoch: 0,
            expires_at: at(NOW) + TimeDelta::minutes(5),
        };
        let half = given_up_after(polls, store.begin_half_sign_in(SITE, &half)).await;
        witness.finds_nothing_open(&format!("{polls} polls of half a sign-in")).await;
        let gone = [factor_id];
        let forgotten = store.forget_second_factors(SITE, person, (&gone, &known));
        let forgotten = given_up_after(polls, forgotten).await;
        witness.finds_nothing_open(&format!("{polls} polls of a removal")).await;
        begun.is_some() && done.is_some() && half.is_some() && forgotten.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_letter_is_taken_up_with_its_link() {
    let (database, store, mut witness) = scene().await;
    let hour = TimeDelta::hours(1);
    at_each_poll(async |polls| {
        let (person, purpose) = (PersonId(Uuid::new_v4()), InvitationPurpose::Invitation);
        store.ask_for_letter(SITE, person, purpose, at(NOW)).await.expect("it is asked for");
        let taken = given_up_after(polls, store.take_letter(SITE, at(NOW), at(NOW) + hour, |_| hour)).await;
        witness.finds_nothing_open(&format!("{polls} polls of taking a letter up")).await;
        let attempts: i32 =
            one(&database.pool, "select attempts from account_letters where person_id = $1", person.0).await;
        let links: i64 = one(&database.pool, "select count(*) from invitations where person_id = $1", person.0).await;
        assert_eq!(i64::from(attempts), links, "after {polls} polls");
        store.end_letter(SITE, person, purpose).await.expect("it is over");
        let answered = given_up_after(polls, store.answer_reset(SITE, person, true, at(NOW))).await;
        witness.finds_nothing_open(&format!("{polls} polls of answering a reset")).await;
        store.end_letter(SITE, person, InvitationPurpose::Reset).await.expect("it is over");
        taken.is_some() && answered.is_some()
    })
    .await;
}

#[tokio::test]
async fn the_clean_up_of_uploads_holds_nobody_up() {
    let (_database, store, mut witness) = scene().await;
    at_each_poll(async |polls| {
        let work = async {
            let abandoned = store.abandoned_uploads(SITE, at(NOW), Uuid::nil()).await.expect("uploads");
            abandoned.forget(&[]).await.expect("they are forgotten");
        };
        let done = given_up_after(polls, work).await;
        witness.finds_nothing_open(&format!("{polls} polls of a clean-up")).await;
        done.is_some()
    })
    .await;
}

#[tokio::test]
async fn urls_of_sites_databases_are_sealed_anew_one_by_one() {
    let (_database, store, mut witness) = scene().await;
    let [old, new] = ["old", "new"].map(|name| format!("{name}:{}", "A".repeat(43) + "="));
    let read = |text: &str| Keys::try_new(&SecretString::from(text)).expect("keys");
    let (before, both) = (read(&old), read(&format!("{new},{old}")));
    let site = SiteId(Uuid::new_v4());
    let sealed = before.seal(site, &"postgres://u:p@db.example.org/north".into()).expect("it is sealed");
    at_each_poll(async |polls| {
        store.put_site_database(site, Uuid::new_v4(), &sealed, at(NOW)).await.expect("it is kept");
        let rotated = given_up_after(polls, store.rotate_keys(&both)).await;
        witness.finds_nothing_open(&format!("{polls} polls of sealing anew")).await;
        let kept = store.site_database(site).await.expect("a look-up").expect("a database");
        assert!(both.open(site, &kept.sealed).is_ok(), "after {polls} polls");
        rotated.is_some()
    })
    .await;
}

/// A log whose read model of hubs refuses a row, so that a stream is parked.
async fn a_parked_stream(database: &Database) -> Projections {
    let refusing = "alter table hubs add constraint no_poison check (name not like 'Poison%')";
    sqlx::raw_sql(refusing).execute(&database.pool).await.expect("a constraint");
    for name in ["Norte", "Poison", "Sul"] {
        let founded = HubEvent::HubFounded { name: name.into(), place: None };
        let hub = HubId(Uuid::new_v4());
        write(&database.pool, SITE, hub.into(), None, &founded.into()).await;
    }
    let engine = Projections::start(database.store());
    caught_up(&database.store(), &engine).await;
    engine.stop().await;
    sqlx::raw_sql("alter table hubs drop constraint no_poison").execute(&database.pool).await.expect("it is gone");
    engine
}

#[tokio::test]
async fn a_retry_of_parked_streams_is_taken_up_by_whoever_comes_next() {
    let (database, store, mut witness) = scene().await;
    a_parked_stream(&database).await;
    let projections = Projections::new(store);
    at_each_poll(async |polls| {
        let done = given_up_after(polls, projections.retry(Some("hubs"))).await;
        witness.finds_nothing_open(&format!("{polls} polls of a retry")).await;
        done.is_some()
    })
    .await;
    let parked = projections.list().await.expect("a list").iter().map(|item| item.parked).sum::<i64>();
    assert_eq!(parked, 0);
}

#[tokio::test]
async fn a_rebuild_and_a_schema_of_the_past_hold_no_lock_once_they_are_given_up() {
    let (database, store, mut witness) = scene().await;
    a_parked_stream(&database).await;
    let projections = Projections::new(store);
    projections.retry(None).await.expect("nothing is parked");
    at_each_poll(async |polls| {
        let rebuilt = given_up_after(polls, projections.rebuild(Some("hubs"), &mut |_| {})).await;
        ended([&database.pool, &witness.pool]).await;
        witness.finds_nothing_open(&format!("{polls} polls of a rebuild")).await;
        let built = given_up_after(polls, projections.build_schema(When::Position(1), "then", &mut |_| {})).await;
        ended([&database.pool, &witness.pool]).await;
        witness.finds_nothing_open(&format!("{polls} polls of a schema of the past")).await;
        for done in rebuilt.iter().map(|done| done.as_ref().err()).chain(built.iter().map(|done| done.as_ref().err())) {
            assert!(done.is_none(), "{done:?}, after {polls} polls");
        }
        rebuilt.is_some() && built.is_some()
    })
    .await;
}

/// Waits until the server has found out that connections of their own have ended with what was given up: until then it may be at
/// a statement of theirs.
async fn ended(pools: [&PgPool; 2]) {
    let sql = "select count(*) from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend'";
    eventually(SOON, "they end with it", async || {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(pools[0]).await.expect("a count");
        (count <= 1 + i64::from(pools[0].size()) + i64::from(pools[1].size())).then_some(())
    })
    .await;
    let sql = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory'";
    let locks: i64 = sqlx::query_scalar(sql).fetch_one(pools[0]).await.expect("a count");
    assert_eq!(locks, 0);
}
