//! Says on what the figures were measured.

use sqlx::{Connection, Row};

use crate::server::Server;

/// Prints the machine, the server's version and the settings that matter.
pub async fn describe(server: &Server) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    println!("machine: {cores} cores,{}, {}", model.trim_start_matches([' ', '\t', ':']), kib.trim());
    let mut connection = server.superuser().await;
    let version: String = sqlx::query_scalar("select version()").fetch_one(&mut connection).await.expect("a version");
    println!("server:  {version}");
    let settings = sqlx::query(
        "select name, current_setting(name) as value from pg_settings where name in ('fsync', 'full_page_writes',
         'synchronous_commit', 'shared_buffers', 'max_wal_size', 'wal_level', 'wal_sync_method') order by name",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the settings");
    let settings: Vec<String> =
        settings.iter().map(|row| format!("{}={}", row.get::<String, _>(0), row.get::<String, _>(1))).collect();
    println!("         {}\n", settings.join(" "));
    connection.close().await.expect("the superuser leaves");
}
