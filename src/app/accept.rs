//! The loop that lets connections in. It must survive whatever the system says about a single one, and it must not
//! wait for any.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::connection::Connections;

/// How long to leave the system alone after it had no files or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections being told that there are too many, at once. Each needs a file; further ones are just closed.
pub(super) const FAREWELLS: usize = 32;

/// How long telling one may take.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// Accepts for ever.
pub(super) async fn accept(listener: &TcpListener, connections: &Connections) -> Infallible {
    let farewells = Arc::new(Semaphore::new(FAREWELLS));
    let mut failing = false;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                if !concerns_one(&error) {
                    // Once for each row of failures: this happens when there are many.
                    if !failing {
                        tracing::error!(%error, "cannot accept connections");
                    }
                    failing = true;
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            }
        };
        failing = false;
        match connections.place() {
            Some(place) => drop(tokio::spawn(connections.serve(stream, place))),
            None if connections.are_plain() => turn_away(stream, &farewells),
            // It would take a handshake to tell it why.
            None => drop(stream),
        }
    }
}

/// Whether the connection that was to be accepted is gone already.
fn concerns_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

fn turn_away(stream: TcpStream, farewells: &Arc<Semaphore>) {
    let Ok(permit) = Arc::clone(farewells).try_acquire_owned() else { return };
    tracing::debug!("a connection is turned away: there are too many");
    tokio::spawn(async move {
        // How it ends does not matter any more.
        let _ = tokio::time::timeout(FAREWELL_LIMIT, farewell(stream)).await;
        drop(permit);
    });
}

/// Says what is wrong, and waits until the other side has closed: closing first, while its request is on the way,
/// could cost it the answer.
async fn farewell(mut stream: TcpStream) -> io::Result<()> {
    let text = "Too many connections. Try again later.";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
