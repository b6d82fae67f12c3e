//! Servers and users that end without a farewell.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rollbook_embedded::{Error, Instance};

use super::{alive, connect, ends, eventually, example, folder, options, pid};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_started_again_with_all_that_was_committed() {
    let folder = folder();
    let data = folder.path().join("data");
    let first = Instance::start_or_join(options(&data)).await.unwrap();
    let client = connect(first.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").await.unwrap();
    let server = pid(&first);
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    assert!(first.directory().join("postmaster.pid").exists());
    // At once: what is left of the killed server may still be there. And the first user still is.
    let second = Instance::start_or_join(options(&data)).await.unwrap();
    assert_ne!(pid(&second), server);
    let client = connect(second.url()).await.unwrap();
    assert_eq!(client.query_one("SELECT n FROM kept", &[]).await.unwrap().get::<_, i32>(0), 7);
    first.stop().await.unwrap();
    client.query_one("SELECT 1", &[]).await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_killed_server_is_waited_for() {
    let folder = folder();
    let data = folder.path().join("data");
    let first = Instance::start_or_join(options(&data)).await.unwrap();
    let client = connect(first.url()).await.unwrap();
    let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    // Busy, so that it does not notice for a while, and keeps the shared memory.
    tokio::spawn(async move { client.batch_execute("SELECT sum(sqrt(n)) FROM generate_series(1, 20000000) n").await });
    let witness = connect(first.url()).await.unwrap();
    let busy = "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%sqrt%'";
    eventually("it is busy", async || !witness.query(busy, &[&backend]).await.unwrap().is_empty()).await;
    kill(Pid::from_raw(pid(&first)), Signal::SIGKILL).unwrap();
    ends(pid(&first)).await;
    assert!(alive(backend));
    let second = Instance::start_or_join(options(&data)).await.unwrap();
    assert!(!alive(backend), "never two at once");
    connect(second.url()).await.unwrap();
    second.stop().await.unwrap();
    first.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_from_another_container_is_refused() {
    let folder = folder();
    let data = folder.path().join("data");
    let first = Instance::start_or_join(options(&data)).await.unwrap();
    // From another container, its server would look like one that is gone.
    fs::write(data.join("namespace"), "pid:[1]\n").unwrap();
    kill(Pid::from_raw(pid(&first)), Signal::SIGKILL).unwrap();
    ends(pid(&first)).await;
    let error = Instance::start_or_join(options(&data)).await.unwrap_err();
    assert!(matches!(error, Error::OtherContainer { .. }), "{error}");
    first.stop().await.unwrap();
    // Nobody else there: whatever started it, it is ours now.
    Instance::start_or_join(options(&data)).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_user_is_gone_is_joined() {
    let folder = folder();
    let data = folder.path().join("data");
    let first = Instance::start_or_join(options(&data)).await.unwrap();
    let server = pid(&first);
    drop(first);
    assert!(alive(server));
    let second = Instance::start_or_join(options(&data)).await.unwrap();
    assert_eq!(pid(&second), server);
    second.stop().await.unwrap();
    assert!(!alive(server));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_file_that_names_another_program_is_no_obstacle() {
    let folder = folder();
    let data = folder.path().join("data");
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    let lock = instance.directory().join("postmaster.pid");
    let text = fs::read_to_string(&lock).unwrap();
    let owner = nix::unistd::Uid::from_raw(std::os::unix::fs::MetadataExt::uid(&fs::metadata(&lock).unwrap()));
    kill(Pid::from_raw(pid(&instance)), Signal::SIGKILL).unwrap();
    ends(pid(&instance)).await;
    let (_, rest) = text.split_once('\n').unwrap();
    // A process that is gone, and a live one of the very user that the server runs as: with that, PostgreSQL alone would refuse.
    let mut other = std::process::Command::new("sleep");
    other.arg("60").current_dir("/");
    if nix::unistd::geteuid() != owner {
        std::os::unix::process::CommandExt::uid(&mut other, owner.as_raw());
    }
    let mut other = other.spawn().unwrap();
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    for id in [gone.id(), other.id()] {
        fs::write(&lock, format!("{id}\n{rest}")).unwrap();
        chown(&lock, Some(owner.as_raw()), None).unwrap();
        let second = Instance::start_or_join(options(&data)).await.unwrap();
        connect(second.url()).await.unwrap();
        let server = pid(&second);
        second.stop().await.unwrap();
        assert!(alive(server), "the first user is still there");
        kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
        ends(server).await;
    }
    assert!(other.try_wait().unwrap().is_none(), "the other program is left alone");
    instance.stop().await.unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_made_clusters_roles_and_lost_passwords_are_mended() {
    let folder = folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    // As `initdb` leaves it when it is killed, before any cluster was made.
    fs::write(data.join("start.lock"), "").unwrap();
    fs::create_dir_all(data.join("unfinished-0123/data/base/1")).unwrap();
    fs::write(data.join("unfinished-0123/data/PG_VERSION"), "15\n").unwrap();
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    assert!(!data.join("unfinished-0123").exists());
    // As if the first start had been killed between the role and the database.
    let admin = connect(instance.superuser_url()).await.unwrap();
    admin.batch_execute("DROP DATABASE rollbook").await.unwrap();
    instance.stop().await.unwrap();
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    connect(instance.url()).await.unwrap();
    let old = instance.url().to_owned();
    instance.stop().await.unwrap();

    fs::remove_file(data.join("rollbook.password")).unwrap();
    fs::remove_file(data.join("postgres.password")).unwrap();
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    assert_ne!(instance.url(), old);
    connect(instance.url()).await.unwrap();
    connect(instance.superuser_url()).await.unwrap();
    assert!(connect(&old).await.is_err());
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_server_ends_with_a_killed_process() {
    let mut child = tokio::process::Command::new(example())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut text).await.unwrap();
    let mut words = text.split_whitespace();
    let server: i32 = words.next().unwrap().parse().unwrap();
    let directory = std::path::PathBuf::from(words.next().unwrap());
    assert!(alive(server) && directory.exists());
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    ends(server).await;
    eventually("its folder goes", async || !directory.exists()).await;
}
