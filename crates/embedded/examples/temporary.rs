//! A throw-away PostgreSQL: prints its process id, its folder and its URL, and ends when its standard input does, or when
//! it is killed.

use std::io::Write as _;

use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = rollbook_embedded::temporary(&[]).await?;
    let lock = std::fs::read_to_string(instance.directory().join("postmaster.pid"))?;
    let pid = lock.lines().next().unwrap_or_default();
    let folder = instance.directory().parent().unwrap_or(instance.directory());
    writeln!(std::io::stdout(), "{pid} {} {}", folder.display(), instance.url())?;
    let mut input = Vec::new();
    tokio::io::stdin().read_to_end(&mut input).await?;
    instance.stop().await?;
    Ok(())
}
