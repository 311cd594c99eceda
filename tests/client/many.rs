//! Many peers on one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::connect;
use crate::proxy::Proxy;
use crate::server::TestServer;

const PEERS: usize = 1_000;
const MAX: usize = 10;

#[tokio::test]
async fn a_thousand_peers_share_a_connection() {
    let server = TestServer::start(&[("A", 10, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for number in 0..PEERS {
        let (client, now, most) = (client.clone(), Arc::clone(&now), Arc::clone(&most));
        tasks.push(tokio::spawn(async move {
            let peer = client.peer(number.to_string()).await.unwrap();
            for _ in 0..3 {
                let lease = peer.acquire("A").await.unwrap();
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                assert!(!lease.is_lost());
                now.fetch_sub(1, Ordering::SeqCst);
                lease.release().await.unwrap();
            }
        }));
    }
    // Once in the middle of it, the connection breaks.
    server.metric_becomes("throttle_peers", PEERS as f64).await;
    proxy.cut();
    for task in tasks {
        task.await.unwrap();
    }
    let most = most.load(Ordering::SeqCst);
    assert!((2..=MAX).contains(&most), "{most}");
    drop(client);
    server.metric_becomes("throttle_sessions", 0.0).await;
    assert_eq!(server.metric("throttle_acquired{semaphore=\"A\"}").await, Some(0.0));
}
