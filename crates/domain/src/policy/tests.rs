//! The table of the domain page, every command by every role.
