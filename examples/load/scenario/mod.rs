//! The scenarios, one a file: what is prepared, what is measured and what is left behind.

pub(crate) mod expire;
pub(crate) mod handoff;
pub(crate) mod list;
pub(crate) mod pairs;
pub(crate) mod peers;
