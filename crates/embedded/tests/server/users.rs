//! Who may connect, whom the server runs as, and where its data may be.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use rollbook_embedded::{Error, Instance, Options};

use super::{EXAMPLE, connect, example, folder, options, options_said};

fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_with_the_password_connect() {
    let folder = folder();
    let data = folder.path().join("data");
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    let password = fs::read_to_string(data.join("rollbook.password")).unwrap();
    let wrong = instance.url().replace(password.trim(), "wrong");
    assert_ne!(wrong, instance.url());
    let refused = connect(&wrong).await.unwrap_err();
    assert_eq!(refused.code(), Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD));
    assert!(connect(&instance.url().replace(&format!(":{}", password.trim()), "")).await.is_err());
    assert!(connect(&wrong.replace("//rollbook", "//postgres")).await.is_err());
    assert!(!format!("{instance:?}").contains(password.trim()));
    for name in ["rollbook.password", "postgres.password", "start.lock", "instance.lock"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&data), if root() { 0o710 } else { 0o700 });
    assert_eq!(mode(instance.directory()), 0o700);
    assert_ne!(fs::metadata(instance.directory()).unwrap().uid(), 0);
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_binaries_the_error_names_the_command() {
    let folder = folder();
    let empty = || {
        let mut options = options(&folder.path().join("data"));
        options.pg_bin = None;
        options.search.path = Some("".into());
        options.search.usual = Vec::new();
        options
    };
    let error = Instance::start_or_join(empty()).await.unwrap_err();
    let Error::NoBinaries { install, .. } = &error else { panic!("{error}") };
    assert!(install.contains("install") || install.contains("apk add") || install.contains("pacman"), "{install}");
    assert!(error.to_string().contains(install.as_str()));
    // A download that fails, for whatever reason, ends with the same command.
    let mut downloading = empty();
    downloading.search.download = Some("https://127.0.0.1:9/nothing".into());
    let error = Instance::start_or_join(downloading).await.unwrap_err().to_string();
    assert!(error.contains("download: ") && error.contains(install.as_str()), "{error}");

    let mut named = empty();
    named.pg_bin = Some(folder.path().join("nothing"));
    let error = Instance::start_or_join(named).await.unwrap_err();
    assert!(matches!(error, Error::Binaries { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_another_major_version_is_left_alone() {
    let folder = folder();
    let data = folder.path().join("data");
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    let version = instance.directory().join("PG_VERSION");
    instance.stop().await.unwrap();
    fs::write(&version, "99\n").unwrap();
    let mut other = options(&data);
    other.pg_bin = None;
    let error = Instance::start_or_join(other).await.unwrap_err();
    assert!(matches!(error, Error::OtherMajor { made_by: 99, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_root_the_data_goes_where_the_server_reaches_it() {
    if !root() {
        return;
    }
    let folder = folder();
    let elsewhere = folder.path().join("elsewhere");
    let closed = folder.path().join("closed");
    for (path, mode) in [(&elsewhere, 0o755), (&closed, 0o700)] {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let data = closed.join(".rollbook");
    let (mut first, said) = options_said(&data);
    first.search.elsewhere = vec!["/nowhere".into(), elsewhere.clone()];
    let second = Options { say: std::sync::Arc::new(|_| {}), ..first.clone() };
    let instance = Instance::start_or_join(first).await.unwrap();
    let directory = instance.directory().to_owned();
    assert!(directory.starts_with(elsewhere.canonicalize().unwrap()), "{}", directory.display());
    assert!(said.lock().unwrap().join("\n").contains(&*directory.parent().unwrap().to_string_lossy()));
    connect(instance.url()).await.unwrap();
    let joined = Instance::start_or_join(second.clone()).await.unwrap();
    assert_eq!(joined.url(), instance.url());
    instance.stop().await.unwrap();
    joined.stop().await.unwrap();

    // Moved with its folder, it finds its data again.
    let moved = closed.join("moved");
    fs::rename(&data, &moved).unwrap();
    let instance = Instance::start_or_join(Options { data_dir: moved, ..second }).await.unwrap();
    assert_eq!(instance.directory(), directory);
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn as_root_a_folder_of_somebody_else_is_served_as_that_user() {
    if !root() {
        return;
    }
    let folder = folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(65534), Some(65534)).unwrap();
    let instance = Instance::start_or_join(options(&data)).await.unwrap();
    for path in [instance.directory(), &data.join("start.lock"), &data.join("rollbook.password")] {
        assert_eq!(fs::metadata(path).unwrap().uid(), 65534, "{}", path.display());
    }
    instance.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_others_write_to_is_refused() {
    let folder = folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("something"), "").unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    let error = Instance::start_or_join(options(&data)).await.unwrap_err();
    assert!(matches!(error, Error::DataDirectory { .. }), "{error}");
    assert_eq!(mode(&data), 0o777, "it is not ours to change");
}

/// All the other tests once more, as a user who is not root.
#[test]
fn everything_works_without_root() {
    if !root() {
        return;
    }
    let folder = folder();
    // Laid out as Cargo lays them out, where that user can run them.
    let binary = folder.path().join("deps/tests");
    for (program, copy) in [(std::env::current_exe().unwrap(), &binary), (example(), &folder.path().join(EXAMPLE))] {
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(program, copy).unwrap();
        fs::set_permissions(copy, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(65534), Some(65534)).unwrap();
    let output = std::process::Command::new(&binary)
        .args(["--test-threads", "2"])
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .current_dir(&home)
        .gid(65534)
        .uid(65534)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    println!("{text}");
    assert!(output.status.success(), "{text}");
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "nothing is left behind");
}
