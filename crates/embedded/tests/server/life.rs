//! Starting, joining, leaving, and coming back.

use rollbook_embedded::{Instance, temporary};

use super::{alive, connect, ends, eventually, folder, options, options_said, pid};

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_instance_is_for_an_ordinary_role_and_its_data_is_kept() {
    let folder = folder();
    let data = folder.path().join("deep/er/.rollbook");
    let (first, said) = options_said(&data);
    let instance = Instance::start_or_join(first).await.unwrap();
    assert!(instance.version().major >= 15);
    let client = connect(instance.url()).await.unwrap();
    let row = client.query_one("SELECT current_user::text, current_database()::text, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("rollbook", "rollbook"));
    assert_eq!((row.get(2), row.get(3), row.get(4)), (false, false, false));
    client.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").await.unwrap();
    let admin = connect(instance.superuser_url()).await.unwrap();
    for (setting, value) in [
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("fsync", "off"),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
    ] {
        let row = admin.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), value, "{setting}");
    }
    let url = instance.url().to_owned();
    let server = pid(&instance);
    instance.stop().await.unwrap();
    assert!(!alive(server));
    let lines = said.lock().unwrap().join("\n");
    assert!(lines.contains("making a PostgreSQL") && lines.contains("starting PostgreSQL"), "{lines}");

    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    let client = connect(instance.url()).await.unwrap();
    assert_eq!(client.query_one("SELECT n FROM kept", &[]).await.unwrap().get::<_, i32>(0), 7);
    assert_eq!(instance.url(), url, "the port was free, so clients find it again");
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_share_one_server_and_the_last_one_stops_it() {
    let folder = folder();
    let data = folder.path().join("data");
    let (one, two, three) = tokio::join!(
        Instance::start_or_join(options(&data)),
        Instance::start_or_join(options(&data)),
        Instance::start_or_join(options(&data)),
    );
    let (one, two, three) = (one.unwrap(), two.unwrap(), three.unwrap());
    assert_eq!(one.url(), two.url());
    assert_eq!(two.url(), three.url());
    let server = pid(&one);
    let client = connect(two.url()).await.unwrap();
    one.stop().await.unwrap();
    client.query_one("SELECT 1", &[]).await.unwrap();
    let (a, b) = tokio::join!(two.stop(), three.stop());
    a.unwrap();
    b.unwrap();
    assert!(!alive(server));
    assert!(client.query_one("SELECT 1", &[]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn coming_and_going_never_meets_a_stopping_server() {
    let folder = folder();
    let data = folder.path().join("data");
    let users = (0..4).map(|_| {
        let data = data.clone();
        tokio::spawn(async move {
            for _ in 0..4 {
                let instance = Instance::start_or_join(options(&data)).await.unwrap();
                let client = connect(instance.url()).await.unwrap();
                client.query_one("SELECT 1", &[]).await.unwrap();
                drop(client);
                instance.stop().await.unwrap();
            }
        })
    });
    for user in users.collect::<Vec<_>>() {
        user.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_given_up_for_another() {
    let folder = folder();
    let data = folder.path().join("data");
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    let first = instance.url().to_owned();
    instance.stop().await.unwrap();
    let port: u16 = first.split(['@', ':', '/']).find_map(|part| part.parse().ok()).unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    assert_ne!(instance.url(), first);
    connect(instance.url()).await.unwrap();
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_and_a_bad_one_is_shown() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut bad = options(&data);
    bad.settings.push(("x'y".into(), "1".into()));
    let error = Instance::start_or_join(bad).await.unwrap_err().to_string();
    assert!(error.contains("x'y"), "{error}");
    let mut bad = options(&data);
    bad.settings.push(("shared_buffers".into(), "much".into()));
    let error = Instance::start_or_join(bad).await.unwrap_err().to_string();
    assert!(error.contains("did not start") && error.contains("\"shared_buffers\""), "{error}");
    let mut odd = options(&data);
    odd.settings.push(("cluster_name".into(), "it's a \\ name".into()));
    let instance = Instance::start_or_join(odd).await.unwrap();
    let client = connect(instance.url()).await.unwrap();
    let name = client.query_one("SHOW cluster_name", &[]).await.unwrap();
    assert_eq!(name.get::<_, &str>(0), "it's a \\ name");
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_server_leaves_nothing() {
    let began = std::time::Instant::now();
    let instance = temporary(&[("work_mem", "5MB")]).await.unwrap();
    eprintln!("temporary server after {:?}", began.elapsed());
    let client = connect(instance.url()).await.unwrap();
    assert_eq!(client.query_one("SHOW work_mem", &[]).await.unwrap().get::<_, &str>(0), "5MB");
    assert_eq!(client.query_one("SHOW fsync", &[]).await.unwrap().get::<_, &str>(0), "off");
    let folder = instance.directory().parent().unwrap().to_owned();
    let server = pid(&instance);
    instance.stop().await.unwrap();
    assert!(!folder.exists() && !alive(server));

    let dropped = temporary(&[]).await.unwrap();
    let (folder, server) = (dropped.directory().parent().unwrap().to_owned(), pid(&dropped));
    drop(dropped);
    ends(server).await;
    eventually("its folder goes", async || !folder.exists()).await;
}
