//! The `throttle` server.

fn main() {}
