//! The example of the README: work that takes two of the ten `database`s for as long as it lasts. Needs a server with
//! the repository's configuration: `cargo run`.

use std::time::Duration;
use throttle::client::{Client, Error};

async fn copy_rows() {
    // ...
}

async fn copy() -> Result<(), Error> {
    let client = Client::connect("ws://localhost:8000").await?;
    let peer = client.peer("worker 7").await?;
    let lease = peer.acquire(("database", 2)).timeout(Duration::from_secs(10)).await?;
    tokio::select! {
        () = copy_rows() => {}
        lost = lease.lost() => eprintln!("stopped in the middle: {lost}"),
    }
    lease.release().await
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    copy().await
}
