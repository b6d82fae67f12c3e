//! The demo as a user who is not root, in that user's own folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::unistd::geteuid;

use super::program::{BINARY, Home};

/// The user `nobody`, nearly everywhere.
const NOBODY: u32 = 65_534;

#[test]
fn the_demo_runs_as_an_ordinary_user() {
    let home = Home::new();
    let own = home.folder.join("home");
    fs::create_dir(&own).expect("a folder");
    fs::create_dir(&home.data).expect("a data directory");
    fs::set_permissions(&home.data, Permissions::from_mode(0o700)).expect("it is ours");
    // Where the binary is, another user may have no way to.
    let binary = home.folder.join("rollbook");
    fs::copy(BINARY, &binary).expect("a copy");
    let mut demo = Command::new(&binary);
    demo.args(["demo", "--exit"]).current_dir(&own).env_clear();
    for name in ["PATH", "LD_LIBRARY_PATH", "ROLLBOOK_PG_BIN"] {
        demo.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    demo.env("HOME", &own).env("ROLLBOOK_DATA_DIR", &home.data);
    // Who is not root cannot become somebody else, and need not: it is the same test as themselves.
    if geteuid().is_root() {
        for folder in [&own, &home.data] {
            chown(folder, Some(NOBODY), Some(NOBODY)).expect("root gives things away");
        }
        demo.uid(NOBODY).gid(NOBODY);
    }
    let ran = home.start(&mut demo).finish().done();
    assert!(ran.out.contains("68 students"), "{}", ran.out);
    let owner = if geteuid().is_root() { NOBODY } else { geteuid().as_raw() };
    let cluster = home.data.join("cluster");
    assert_eq!(fs::metadata(&cluster).expect("the cluster is in the data directory").uid(), owner);
    assert_eq!(fs::metadata(&cluster).expect("a cluster").mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&own).expect("the home").count(), 0, "nothing is left in the home folder");
    home.is_left_by_everybody();
}
