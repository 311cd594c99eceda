//! One client on a network of its own, which takes and gives back until it is told to finish, or killed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use throttle::client::{Client, Error, Peer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::ledger::Ledger;
use crate::proxy::Proxy;
use crate::{DEADLINE, EXPIRES_IN};

pub(crate) struct Worker {
    pub(crate) proxy: Proxy,
    finish: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    pub(crate) async fn start(server: SocketAddr, ledger: Arc<Ledger>, dice: Rng) -> Self {
        let proxy = Proxy::start(server).await;
        let (finish, finished) = watch::channel(false);
        let task = tokio::spawn(work(proxy.address, ledger, dice, finished));
        Self { proxy, finish, task }
    }

    /// Nothing gets through for so long.
    pub(crate) fn freeze_for(&self, time: Duration) {
        let proxy = self.proxy.clone();
        proxy.freeze();
        tokio::spawn(async move {
            sleep(time).await;
            proxy.thaw();
        });
    }

    /// It is gone without having said anything.
    pub(crate) fn kill(self) {
        self.proxy.freeze();
        self.task.abort();
        self.proxy.cut();
    }

    /// It is to give back all that it has, and to go. Its network is well again.
    pub(crate) fn finish(&self) {
        self.finish.send_replace(true);
        self.proxy.delay(Duration::ZERO);
        self.proxy.thaw();
    }

    pub(crate) async fn finished(self) {
        timeout(DEADLINE, self.task).await.expect("a worker does not finish").unwrap();
    }
}

async fn work(
    server: SocketAddr,
    ledger: Arc<Ledger>,
    mut dice: Rng,
    mut finish: watch::Receiver<bool>,
) {
    while !*finish.borrow_and_update() {
        // The server may be away just now, and a client that has never connected does not try again.
        let Ok(client) = connect(server).await else {
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        let Ok(peer) = client.peer("chaos").await else { continue };
        while !*finish.borrow() && take_and_give_back(&peer, &ledger, &mut dice).await.is_ok() {}
        drop(peer);
        client.close().await;
    }
}

async fn connect(server: SocketAddr) -> Result<Client, Error> {
    Client::builder(&format!("ws://{server}"))
        .expires_in(EXPIRES_IN)
        .backoff(Duration::from_millis(10), Duration::from_millis(200))
        .connect()
        .await
}

/// An error: this client is of no use any more.
async fn take_and_give_back(peer: &Peer, ledger: &Ledger, dice: &mut Rng) -> Result<(), Error> {
    let want = match dice.u32(..6) {
        0 => vec![("mutex", 1)],
        1 | 2 => vec![("few", dice.u32(1..=3))],
        3 => vec![("few", 1), ("mutex", 1)],
        _ => vec![("many", dice.u32(1..=5))],
    };
    let patience = Duration::from_millis(dice.u64(..2_000));
    let lease = match peer.acquire(want).timeout(patience).await {
        Ok(lease) => Arc::new(lease),
        Err(error @ (Error::Ended | Error::Closed { .. })) => return Err(error),
        Err(_) => return Ok(()),
    };
    let entry = ledger.enter(&lease);
    // Mostly short, so that much happens, and now and then long enough to lose it.
    let longest = if dice.u32(..8) == 0 { 3_000 } else { 40 };
    let busy = sleep(Duration::from_millis(dice.u64(..longest)));
    tokio::select! {
        () = busy => {}
        _ = lease.lost() => ledger.note_a_loss(),
    }
    drop(entry);
    drop(lease);
    Ok(())
}
