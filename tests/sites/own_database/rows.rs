//! What a school's own database says of files is somebody else's word: whoever has that database writes into it what they
//! like, and reaches nothing by it but the school's own files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::super::{GIF, Student, is_problem};
use super::{A, keys, on};
use crate::harness::{Database, Service, answer};

/// Every file below a folder, with what is in it.
fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(path).expect("its content"));
            }
        }
    }
    found
}

/// A school with a database of its own and a neighbour in the installation's; each has an uploaded picture.
struct Scene {
    service: Service,
    own: Database,
    north: Service,
    south: Service,
    of_north: Student,
    of_south: Student,
}

impl Scene {
    async fn new() -> Self {
        let service = on(Database::create().await, keys(A), std::time::Duration::from_mins(10)).await;
        let own = Database::empty().await;
        let north = service.own_site("north", &own).await;
        let south = service.site("south").await;
        let (of_north, of_south) = (Student::in_site(&north).await, Student::in_site(&south).await);
        Self { service, own, north, south, of_north, of_south }
    }

    /// Where the store has the neighbour's picture.
    fn key_of_south(&self) -> String {
        format!("sites/{}/image/{}/map.gif", self.south.site, self.of_south.upload)
    }

    /// Keys that lead, or might lead, to what is not this upload's.
    fn foreign_keys(&self, upload: Uuid, victim: &Path) -> Vec<String> {
        let (site, victim) = (self.north.site, victim.to_str().expect("text"));
        vec![
            victim.to_owned(),
            victim.trim_start_matches('/').to_owned(),
            format!("/{victim}"),
            String::new(),
            "/".to_owned(),
            "x".to_owned(),
            "sites/x".to_owned(),
            format!("sites/{site}/x"),
            format!("sites/{site}/image/x"),
            format!("sites/{site}/image/{}/map.gif", self.of_north.upload),
            format!("sites/{site}/image/{upload}/../{}/map.gif", self.of_north.upload),
            format!("sites/{site}/document/{upload}/map.gif"),
            format!("sites/{site}/image/{upload}//map.gif"),
            format!("sites/{site}/image/{upload}/map.gif/"),
            format!("sites/{site}/image/{upload}/other.gif"),
            format!("sites\\{site}\\image\\{upload}\\map.gif"),
            format!("sites/{site}/image/{upload}/%2e%2e/map.gif"),
            format!("sites/{site}/image/{upload}/{}.gif", "m".repeat(10_000)),
            self.key_of_south(),
            self.key_of_south().replace("map.gif", "x"),
        ]
    }

    /// Writes a row about an upload of a picture, so many hours ago, as whoever has the school's database may.
    async fn plant(&self, upload: Uuid, otherwise: &[(&str, &str)], hours: i64) {
        let (key, sha256) = (format!("sites/{}/image/{upload}/map.gif", self.north.site), "0".repeat(64));
        let usual = [
            ("key", key.as_str()),
            ("name", "map.gif"),
            ("media_type", "image/gif"),
            ("size", "43"),
            ("sha256", &sha256),
        ];
        let value = |column: &str| {
            let found = otherwise.iter().chain(&usual).find(|(name, _)| *name == column);
            found.map(|(_, value)| (*value).to_owned())
        };
        sqlx::query(
            "insert into uploads (site_id, upload_id, key, name, size, sha256, media_type, kind, webp_key, uploaded_by,
                uploaded_at, stored)
             values ($1, $2, $3, $4, $5::text::bigint, $6, $7, 'image', $8, gen_random_uuid(), $9, true)",
        )
        .bind(self.north.site.0)
        .bind(upload)
        .bind(value("key"))
        .bind(value("name"))
        .bind(value("size"))
        .bind(value("sha256"))
        .bind(value("media_type"))
        .bind(value("webp_key"))
        .bind(self.service.clock.now() - TimeDelta::hours(hours))
        .execute(&self.own.pool)
        .await
        .expect("whoever has the database may");
    }

    /// What the service does every hour.
    async fn clean_up(&self) {
        for (state, _in_use) in self.service.installation.at_hand() {
            rollbook_http::clean_up(&state).await;
        }
    }

    async fn rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from uploads").fetch_one(&self.own.pool).await.expect("a count")
    }
}

#[tokio::test]
async fn a_row_about_another_file_takes_nothing_away() {
    let scene = Scene::new().await;
    let outside = tempfile::tempdir().expect("a folder");
    let victim = outside.path().join("victim/dir/x");
    std::fs::create_dir_all(victim.parent().expect("a folder")).expect("it is made");
    std::fs::write(victim.with_file_name("precious"), "kept").expect("it is written");
    std::fs::write(&victim, "kept").expect("it is written");
    let files = scene.service.database.files.path();
    let before = files_below(files);
    assert_eq!(before.len(), 4, "a picture and its WebP of each school");

    let mut planted = 0;
    for nth in 0..scene.foreign_keys(Uuid::nil(), &victim).len() {
        for column in ["key", "webp_key"] {
            let upload = Uuid::new_v4();
            let key = scene.foreign_keys(upload, &victim).swap_remove(nth);
            scene.plant(upload, &[(column, &key)], 72).await;
            planted += 1;
        }
    }
    // One that is as it should be, and whose bytes were never kept.
    scene.plant(Uuid::new_v4(), &[], 72).await;
    let rows = scene.rows().await;
    scene.clean_up().await;
    assert_eq!(files_below(files), before, "every school has its files");
    assert_eq!(files_below(outside.path()).len(), 2, "what is outside is nobody's business");
    assert_eq!(scene.rows().await, rows - 1, "and only what was right is settled, of {planted} others");
}

#[tokio::test]
async fn a_row_about_another_file_gives_nobody_its_bytes() {
    let scene = Scene::new().await;
    let outside = tempfile::tempdir().expect("a folder");
    let victim = outside.path().join("x");
    std::fs::write(&victim, GIF).expect("it is written");
    let svg = [("media_type", "image/svg+xml"), ("size", "1")];
    let mut planted: Vec<(Uuid, &str)> = Vec::new();
    for nth in 0..scene.foreign_keys(Uuid::nil(), &victim).len() {
        for column in ["key", "webp_key"] {
            let upload = Uuid::new_v4();
            let key = scene.foreign_keys(upload, &victim).swap_remove(nth);
            scene.plant(upload, &[(column, &key)], 1).await;
            planted.push((upload, if column == "key" { "" } else { "?format=webp" }));
        }
    }
    for changes in [
        &svg[..],
        &[("media_type", "text/html")],
        &[("name", "map.html")],
        &[("name", "../map.gif")],
        &[("name", "map.gif\r\nset-cookie: a=b")],
        &[("name", "")],
        &[("size", "0")],
        &[("size", "9000000000")],
        &[("sha256", "\"")],
        &[("sha256", "")],
    ] {
        let upload = Uuid::new_v4();
        // The bytes are there, and of nothing but the row is it that they are not given.
        let folder = scene.service.database.files.path().join(format!("sites/{}/image/{upload}", scene.north.site));
        std::fs::create_dir_all(&folder).expect("it is made");
        std::fs::write(folder.join("map.gif"), GIF).expect("it is written");
        scene.plant(upload, changes, 1).await;
        planted.push((upload, ""));
    }
    let head = scene.north.executor.store().head().await.expect("the head");
    for (upload, query) in &planted {
        let asked = scene.north.ask(&scene.north.owner, &format!("/v1/uploads/{upload}/file{query}")).await;
        is_problem(&asked, 500, "internal_error");
        let material = json!({"cohort_id": scene.of_north.cohort, "week": 2, "kind": "image", "title": "Map",
            "content": upload});
        let used = scene.north.send(&scene.north.owner, "AddMaterial", material).await;
        is_problem(&used, 500, "internal_error");
    }
    assert_eq!(scene.north.executor.store().head().await.expect("the head"), head, "and none comes into the log");
}

#[tokio::test]
async fn a_row_that_is_wrong_about_the_size_gives_no_other_bytes() {
    let scene = Scene::new().await;
    for size in ["42", "44"] {
        let upload = Uuid::new_v4();
        let folder = scene.service.database.files.path().join(format!("sites/{}/image/{upload}", scene.north.site));
        std::fs::create_dir_all(&folder).expect("it is made");
        std::fs::write(folder.join("map.gif"), GIF).expect("it is written");
        scene.plant(upload, &[("size", size)], 1).await;
        let asked = scene.north.ask(&scene.north.owner, &format!("/v1/uploads/{upload}/file")).await;
        is_problem(&asked, 500, "internal_error");
    }
}

#[tokio::test]
async fn a_material_that_names_another_file_gives_nobody_its_bytes() {
    let scene = Scene::new().await;
    let path = format!("/v1/cohorts/{}/materials/{}/file", scene.of_north.cohort, scene.of_north.material);
    let right = answer(scene.north.request(Method::GET, &scene.north.owner, &path)).await;
    assert_eq!(right.status, 200);
    let own_key = format!("sites/{}/image/{}/map.gif", scene.north.site, scene.of_north.upload);
    for (from, to) in [
        (own_key.as_str(), scene.key_of_south()),
        (own_key.replace(".gif", ".webp").as_str(), scene.key_of_south()),
        ("image/gif", "image/svg+xml".to_owned()),
        (&format!("\"upload_id\": \"{}\"", scene.of_north.upload), format!("\"upload_id\": \"{}\"", Uuid::new_v4())),
    ] {
        let replace = async |from: &str, to: &str| {
            let sql = "update syllabus set materials = replace(materials::text, $1, $2)::jsonb";
            let changed = sqlx::query(sql).bind(from).bind(to).execute(&scene.own.pool).await.expect("it is changed");
            assert_eq!(changed.rows_affected(), 1);
        };
        replace(from, &to).await;
        for query in ["", "?format=webp"] {
            let asked = scene.north.ask(&scene.north.owner, &format!("{path}{query}")).await;
            is_problem(&asked, 500, "internal_error");
        }
        replace(&to, from).await;
    }
    assert_eq!(answer(scene.north.request(Method::GET, &scene.north.owner, &path)).await.status, 200);
}
