//! The example of the README: work that takes two of the ten `database`s for as long as it lasts, and calls that are
//! counted and paced. Needs a server with the repository's configuration: `cargo run`.

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

async fn call() -> u32 {
    7 // tokens
}

async fn calls(client: &Client) -> Result<(), Error> {
    let permit = client.bucket("api").take(5).max_wait(Duration::from_secs(2)).await?;
    permit.settle(call().await).await?; // what was really used, more or less
    permit.throttled(Duration::from_secs(30)).await?; // we were refused: nobody gets anything for so long
    if let Some(_permit) = client.pacer("crawl").permit().await? {
        call().await; // left out when too many wait for their turn
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    copy().await?;
    calls(&Client::connect("ws://localhost:8000").await?).await
}
