//! The store of uploaded files of a run: what `ROLLBOOK_FILES` names, or a folder in the data directory.

use std::path::PathBuf;

use rollbook_files::Files;

use crate::cli::DatabaseArgs;
use crate::failure::{Done, Failure};

/// The folder in the data directory.
const FOLDER: &str = "files";

/// The folders that a run writes to, where they are on this machine's disks: also where files are while they come in.
pub fn folders(place: &DatabaseArgs) -> Vec<PathBuf> {
    let files = place.files.as_deref().filter(|files| !files.contains("://")).map(PathBuf::from);
    let folders = [Some(place.data_dir.clone()), files, Some(std::env::temp_dir())];
    folders.into_iter().flatten().filter(|folder| folder.is_dir()).collect()
}

/// Makes or takes up the store.
pub fn open(place: &DatabaseArgs) -> Done<Files> {
    let files = match &place.files {
        Some(files) => {
            let variables =
                std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
            Files::open(files, variables)
        }
        None => Files::in_folder(&place.data_dir.join(FOLDER)),
    };
    files.map_err(Failure::new)
}
