//! Tables for analysts: where their rows come from, what their columns are, and how they are written. Rows come and go a
//! few at a time, so that the memory it takes depends on none of them.

pub mod output;
pub mod parquet;
pub mod source;
pub mod table;
pub mod writer;
