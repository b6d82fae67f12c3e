//! The whole service against a real PostgreSQL.
