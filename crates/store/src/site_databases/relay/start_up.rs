//! The beginning of a connection, up to the server's word that it is ready: who we are is proved here, with a password that goes no
//! further, and the library on the other side is told that it is let in.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use super::frames;
use super::upstream::{Stream, connect};
use super::{MARK, Shared, Trouble};

/// How long the first message of a library may be, in bytes: names and settings.
const LONGEST_BEGINNING: usize = 16 << 10;
/// How long a message of the server may be before it is ready, and all of them together, in bytes: challenges, and some twenty settings.
const LONGEST_MESSAGE: usize = 16 << 10;
const LONGEST_START_UP: usize = 64 << 10;
/// PostgreSQL's protocol, of version 3.0.
const VERSION_3: u32 = 3 << 16;
/// How long a number of the server's version may be, in digits: sqlx calculates with them.
const LONGEST_NUMBER: usize = 4;

/// One hashes at a time, in the whole process: a server chooses for how long, up to 100,000 rounds, more than which are refused.
static HASHING: Semaphore = Semaphore::const_new(1);

/// What a server asks for.
const LET_IN: u32 = 0;
const CLEARTEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUES: u32 = 11;
const SASL_ENDS: u32 = 12;

/// The server, once it is ready for the library; none where whoever came was nobody of ours.
pub async fn start_up(client: &mut UnixStream, shared: &Arc<Shared>) -> Result<Option<Box<dyn Stream>>, Trouble> {
    let Some(begins) = beginning(client, shared).await? else { return Ok(None) };
    let mut server = connect(shared).await?;
    server.write_all(&begins).await?;
    server.flush().await?;
    let mut spent = 0;
    authenticate(&mut server, shared, &mut spent).await?;
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 0]).await?;
    loop {
        let Message { kind, body } = message(&mut server, &mut spent).await?;
        match kind {
            b'S' => is_calculable(&body)?,
            b'K' | b'Z' => {}
            b'N' => continue,
            b'E' => return Err(refused(&body)),
            _ => return Err(Trouble::Protocol),
        }
        client.write_u8(kind).await?;
        client.write_u32(u32::try_from(body.len() + 4).map_err(|_| Trouble::Protocol)?).await?;
        client.write_all(&body).await?;
        if kind == b'Z' {
            return Ok(Some(server));
        }
    }
}

/// A message of the server.
struct Message {
    kind: u8,
    body: Vec<u8>,
}

/// The next message of the server, which has `spent` so many bytes so far.
async fn message(server: &mut Box<dyn Stream>, spent: &mut usize) -> Result<Message, Trouble> {
    let kind = server.read_u8().await?;
    let mut length = [0; 4];
    server.read_exact(&mut length).await?;
    let length = frames::body(length)?;
    *spent += length + 5;
    if length > LONGEST_MESSAGE || *spent > LONGEST_START_UP {
        // What is not PostgreSQL has letters where the length is.
        return Err(if kind.is_ascii_uppercase() { Trouble::Large(length) } else { Trouble::Protocol });
    }
    let mut body = vec![0; length];
    server.read_exact(&mut body).await?;
    Ok(Message { kind, body })
}

/// Reads how a library begins, and writes it anew: with the user and the database of the URL, and without what the environment says.
async fn beginning(client: &mut UnixStream, shared: &Shared) -> Result<Option<BytesMut>, Trouble> {
    let mut length = [0; 4];
    client.read_exact(&mut length).await?;
    let length = frames::body(length)?;
    if length > LONGEST_BEGINNING {
        return Err(Trouble::Large(length));
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).await?;
    let text = body.strip_prefix(&VERSION_3.to_be_bytes()).and_then(|body| std::str::from_utf8(body).ok());
    let mut words = text.ok_or(Trouble::Protocol)?.split('\0');
    let (mut settings, mut ours) = (Vec::new(), None);
    while let (Some(name), Some(value)) = (words.next().filter(|name| !name.is_empty()), words.next()) {
        match name {
            "user" | "database" => {}
            "options" => ours = after_mark(value, &shared.mark),
            _ => settings.push((name, value)),
        }
    }
    let Some(ours) = ours else { return Ok(None) };
    settings.extend([("user", &*shared.address.user), ("database", &shared.address.database), ("options", ours)]);
    let mut begins = BytesMut::new();
    frontend::startup_message(settings, &mut begins)?;
    Ok(Some(begins))
}

/// What a connection of ours asks for. sqlx puts what the environment says before it.
fn after_mark<'o>(options: &'o str, mark: &str) -> Option<&'o str> {
    options.split_once(&format!("-c {MARK}={mark}")).map(|(_, ours)| ours.trim_start())
}

/// Proves to the server who we are, until it says that we are let in.
async fn authenticate(server: &mut Box<dyn Stream>, shared: &Shared, spent: &mut usize) -> Result<(), Trouble> {
    let address = &shared.address;
    let password = address.password.expose_secret();
    let mut scram = None;
    // It ends: what is spent is bounded.
    loop {
        let Message { kind, body } = message(server, spent).await?;
        let (asked, rest) = match kind {
            b'R' => body.split_first_chunk().ok_or(Trouble::Protocol)?,
            b'N' => continue,
            b'E' => return Err(refused(&body)),
            _ => return Err(Trouble::Protocol),
        };
        let mut answer = BytesMut::new();
        match u32::from_be_bytes(*asked) {
            // Whoever has begun to show that it knows the password has to end that.
            LET_IN if scram.is_none() => return Ok(()),
            LET_IN => return Err(Trouble::Scram),
            CLEARTEXT | MD5 if !address.tls => return Err(Trouble::Shown),
            CLEARTEXT => frontend::password_message(password.as_bytes(), &mut answer)?,
            MD5 => {
                let salt = *rest.first_chunk().ok_or(Trouble::Protocol)?;
                let hash = md5_hash(address.user.as_bytes(), password.as_bytes(), salt);
                frontend::password_message(hash.as_bytes(), &mut answer)?;
            }
            SASL if scram.is_none() => {
                if !rest.split(|byte| *byte == 0).any(|known| known == SCRAM_SHA_256.as_bytes()) {
                    return Err(Trouble::Method(SASL));
                }
                let begun = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, begun.message(), &mut answer)?;
                scram = Some(begun);
            }
            SASL_CONTINUES => {
                let hashed = hashed(scram.take().ok_or(Trouble::Protocol)?, rest.to_vec()).await?;
                frontend::sasl_response(hashed.message(), &mut answer)?;
                scram = Some(hashed);
            }
            SASL_ENDS => {
                let mut scram = scram.take().ok_or(Trouble::Protocol)?;
                scram.finish(rest).map_err(|_| Trouble::Scram)?;
                continue;
            }
            method => return Err(Trouble::Method(method)),
        }
        server.write_all(&answer).await?;
        server.flush().await?;
    }
}

/// The answer to the server's challenge. `update` refuses more than 100,000 rounds before it begins.
async fn hashed(mut scram: ScramSha256, challenge: Vec<u8>) -> Result<ScramSha256, Trouble> {
    let place = HASHING.acquire().await.map_err(|_| Trouble::Ended)?;
    let hashed = tokio::task::spawn_blocking(move || {
        let updated = scram.update(&challenge);
        drop(place);
        updated.map(|()| scram)
    });
    hashed.await.map_err(|_| Trouble::Ended)?.map_err(|_: io::Error| Trouble::Scram)
}

/// The code of an error, if it is one.
fn refused(body: &[u8]) -> Trouble {
    let code = body.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"));
    let code = code.filter(|code| code.len() == 5 && code.iter().all(u8::is_ascii_alphanumeric));
    Trouble::Refused(code.map_or_else(|| "unknown".to_owned(), |code| String::from_utf8_lossy(code).into_owned()))
}

/// Whether sqlx can calculate with what a setting says of the server's version.
fn is_calculable(setting: &[u8]) -> Result<(), Trouble> {
    let Some(version) = setting.strip_prefix(b"server_version\0") else { return Ok(()) };
    let numbers = version.split(|byte| !byte.is_ascii_digit());
    if numbers.into_iter().all(|number| number.len() <= LONGEST_NUMBER) { Ok(()) } else { Err(Trouble::Protocol) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_rounds_than_100_000_are_refused_before_the_first() {
        let begun = || {
            let scram = ScramSha256::new(b"given", ChannelBinding::unsupported());
            let message = String::from_utf8(scram.message().to_vec()).unwrap();
            (scram, message.split_once(",r=").unwrap().1.to_owned())
        };
        for (rounds, taken) in [(100_001, false), (u32::MAX, false), (4_096, true)] {
            let (mut scram, nonce) = begun();
            let challenge = format!("r={nonce}theirs,s=c2FsdA==,i={rounds}");
            assert_eq!(scram.update(challenge.as_bytes()).is_ok(), taken, "{rounds}");
        }
        // Twice in one challenge: not the one that was looked at, and the other one taken.
        let (mut scram, nonce) = begun();
        assert!(scram.update(format!("r={nonce}theirs,s=c2FsdA==,i=1,i={}", u32::MAX).as_bytes()).is_err());
    }

    #[test]
    fn what_the_environment_asks_for_is_left_out() {
        let options = "-c search_path=theirs -c rollbook.relay=mark -c rollbook.site=every -c geqo=off";
        assert_eq!(after_mark(options, "mark"), Some("-c rollbook.site=every -c geqo=off"));
        assert_eq!(after_mark("-c rollbook.relay=mark", "mark"), Some(""));
        assert_eq!(after_mark("-c rollbook.relay=other -c geqo=off", "mark"), None);
    }

    #[test]
    fn a_version_is_one_that_can_be_calculated_with() {
        assert!(is_calculable(b"server_version\x0015.18 (Debian 15.18-0+deb12u1)\0").is_ok());
        assert!(is_calculable(b"TimeZone\x0012345678\0").is_ok());
        assert!(is_calculable(b"server_version\x004294967295.4294967295\0").is_err());
    }

    #[test]
    fn of_an_error_the_code_is_told_and_nothing_else() {
        assert_eq!(
            refused(b"SFATAL\0C28P01\0Mno \n such password\0\0").to_string(),
            "the server refuses, with SQLSTATE 28P01"
        );
        for odd in [&b"C28P01\nroot: let in\0\0"[..], b"", b"C\0", b"Mwords\0\0"] {
            assert_eq!(refused(odd).to_string(), "the server refuses, with SQLSTATE unknown");
        }
    }
}
