//! The video that a YouTube link leads to, in the usual shapes of such links; nothing else is a video.

use url::Url;

use super::content::web_address;

/// The hosts of links with the video in their path or query.
const HOSTS: [&str; 6] = [
    "youtube.com",
    "www.youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "youtube-nocookie.com",
    "www.youtube-nocookie.com",
];

/// The host of short links.
const SHORT_HOST: &str = "youtu.be";

/// Paths that look like a video's and are a player of something else.
const OTHERS: [&str; 2] = ["videoseries", "live_stream"];

/// The id of the one video that a link leads to.
pub(super) fn video_id(link: &str) -> Option<String> {
    let url = web_address(link)?;
    if url.port().is_some() {
        return None;
    }
    let host = url.host_str()?;
    let segments: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    let id = match segments[..] {
        [id] if host == SHORT_HOST => id.to_owned(),
        ["watch"] if HOSTS.contains(&host) => queried(&url)?,
        ["embed" | "shorts" | "live", id] if HOSTS.contains(&host) => id.to_owned(),
        _ => return None,
    };
    let shaped = id.len() == 11 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (shaped && !OTHERS.contains(&id.as_str())).then_some(id)
}

/// The query's only `v`: two would be two videos.
fn queried(url: &Url) -> Option<String> {
    let mut videos = url.query_pairs().filter(|(name, _)| name == "v");
    let (_, id) = videos.next()?;
    videos.next().is_none().then(|| id.into_owned())
}
