//! Leases that are lost: before anybody else is granted the lock, whatever happens to the network or this program.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::SinkExt;
use serde_json::json;
use throttle::client::{Code, Error, LostReason, OnDisconnect};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::proxy::Proxy;
use crate::server::{TestServer, config, eventually};
use crate::{builder, connect};

const SHORT: Duration = Duration::from_secs(1);

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn write(&self, event: &'static str) {
        self.0.lock().unwrap().push(event);
    }

    fn read(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Nobody notices that the network is frozen, until the server misses heartbeats.
    Freeze,
    /// The server notices at once, the client does not.
    CutOffTheServer,
}

/// Somebody holds the lock and another one waits for it. When the network fails, the holder knows before the other one
/// has the lock.
async fn a_lease_is_lost_before_the_next_one_has_it(trouble: Trouble, into_the_lease: Duration) {
    let mut config = config(&[("A", 1, 0)]);
    config.sessions.heartbeat = Duration::from_secs(1);
    let server = TestServer::with(&config).await;
    let proxy = Proxy::start(server.address).await;
    let far = builder(proxy.address).expires_in(SHORT).connect().await.unwrap();
    let near = connect(server.address).await;
    let lease = far.peer("").await.unwrap().acquire("A").await.unwrap();
    let log = Log::default();
    let granted = {
        let (log, peer) = (log.clone(), near.peer("").await.unwrap());
        tokio::spawn(async move {
            let lease = peer.acquire("A").await.unwrap();
            log.write("granted");
            lease
        })
    };
    server.metric_becomes("throttle_waiters{semaphore=\"A\"}", 1.0).await;
    // Where in the rhythm of pings it happens should not matter.
    tokio::time::sleep(into_the_lease).await;
    assert!(!lease.is_lost());
    match trouble {
        Trouble::Freeze => proxy.freeze(),
        Trouble::CutOffTheServer => {
            // Nor does the client get through again.
            proxy.freeze();
            proxy.cut_off_the_server();
        }
    }
    let lost = lease.lost().await;
    log.write("lost");
    assert_eq!(lost.reason, LostReason::Silence);
    assert!(lease.is_lost());
    let _granted = granted.await.unwrap();
    assert_eq!(log.read(), ["lost", "granted"]);
    // Back again, it does not pretend to hold anything.
    proxy.thaw();
    proxy.cut();
    assert!(matches!(lease.release().await, Err(Error::Lost(_))));
    eventually("it is back", || async { server.metric("throttle_sessions").await == Some(2.0) })
        .await;
    assert_eq!(server.metric("throttle_overcommitted{semaphore=\"A\"}").await, Some(0.0));
}

#[tokio::test]
async fn a_frozen_network() {
    a_lease_is_lost_before_the_next_one_has_it(Trouble::Freeze, Duration::from_millis(300)).await;
}

#[tokio::test]
async fn a_connection_that_only_the_server_knows_to_be_gone() {
    let moments = [0, 70, 130, 210, 290, 370, 450].map(Duration::from_millis);
    let all =
        moments.map(|it| a_lease_is_lost_before_the_next_one_has_it(Trouble::CutOffTheServer, it));
    futures_util::future::join_all(all).await;
}

/// The program is held up for longer than the lease lives. It need not await anything to know.
#[test]
fn a_program_that_was_held_up() {
    let elsewhere = tokio::runtime::Runtime::new().unwrap();
    let server = elsewhere.block_on(TestServer::start(&[("A", 1, 0)]));
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    here.block_on(async {
        let client = builder(server.address).expires_in(SHORT).connect().await.unwrap();
        let lease = client.peer("").await.unwrap().acquire("A").await.unwrap();
        assert!(!lease.is_lost());
        let until_lost = lease.lost_at().remaining();
        std::thread::sleep(until_lost);
        assert!(lease.is_lost());
        assert_eq!(lease.lost().await.reason, LostReason::Silence);
    });
}

/// Whoever has the key has the peer.
#[tokio::test]
async fn a_peer_that_somebody_else_has_taken_over() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    let peer = client.peer("").await.unwrap();
    let lease = peer.acquire("A").await.unwrap();
    let key = proxy.overheard("resume");
    let request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut thief, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 60_000, "resume": key});
    thief.send(Message::text(json!([{"type": "hello"}, open]).to_string())).await.unwrap();
    let lost = lease.lost().await;
    assert_eq!(lost.reason, LostReason::Superseded);
    assert!(lost.deadline.has_passed());
    drop(lease);
    // It is somebody else's now, and is not given back in its name.
    let id = peer.id();
    let waiting = tokio::spawn(peer.acquire("A").into_future());
    server.metric_becomes("throttle_waiters{semaphore=\"A\"}", 1.0).await;
    thief.send(Message::text(r#"{"type":"close","peer":1}"#)).await.unwrap();
    let lease = waiting.await.unwrap().unwrap();
    assert_ne!(lease.peer_id(), id);
}

#[tokio::test]
async fn a_peer_that_goes_with_its_connection() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    let peer = client.peer("").on_disconnect(OnDisconnect::Release).await.unwrap();
    let lease = peer.acquire("A").await.unwrap();
    proxy.cut();
    assert_eq!(lease.lost().await.reason, LostReason::Disconnected);
    let again = peer.acquire("A").await.unwrap();
    assert!(!again.is_lost() && lease.is_lost());
    assert!(again.fence("A") > lease.fence("A"));
}

/// An operator is about to take away who had a lock. Its next wait is no business of theirs.
#[tokio::test]
async fn a_peer_that_is_about_to_be_taken_away_goes_on_as_another_one() {
    let server = TestServer::start(&[("A", 1, 1), ("B", 1, 0)]).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    let lease = peer.acquire("A").await.unwrap();
    let id = peer.id();
    let revoke = format!("/operate/peers/{id}/revoke");
    let revoked = server.post(&revoke, r#"{"grace":"1h","why":"deploy"}"#).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(lease.noticed(None).await.message.as_deref(), Some("deploy"));
    // What it holds may have to do with what it wants.
    let refused = peer.acquire("B").await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Revoked));
    lease.release().await.unwrap();
    let lease = peer.acquire("B").await.unwrap();
    assert_ne!(lease.peer_id(), id);
    // Nothing is left of the one of before, and nothing of this one is taken.
    server.metric_becomes("throttle_peers", 1.0).await;
    assert_eq!(server.post(&revoke, "{}").await.status, 404);
    assert!(!lease.is_lost());
    lease.release().await.unwrap();
}
