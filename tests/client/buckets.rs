//! Buckets and pacers of a real server: so slow that nothing comes back while a test runs, unless time is what it is
//! about.

use std::time::Duration;

use throttle::client::{Code, Error, Limit};
use throttle::config::Config;
use throttle::engine::{Count, Rate, SemaphoreName, SemaphoreSettings, Span};
use tokio::sync::mpsc;

use crate::proxy::Proxy;
use crate::server::{TestServer, config, eventually};
use crate::{builder, connect};

const HOUR: Span = Span::from_secs(3_600);
const SHORT: Duration = Duration::from_secs(1);

fn bucket(name: &str, capacity: i64, every: Span) -> SemaphoreSettings {
    let (name, capacity) = (SemaphoreName::new(name).unwrap(), Count::new(capacity).unwrap());
    SemaphoreSettings::bucket(name, capacity, Rate::new(Count::new(1).unwrap(), every).unwrap())
}

fn settings() -> Config {
    let mut pacer = bucket("pacer", 1, HOUR);
    pacer.rate.as_mut().unwrap().max_reserved = 1;
    let mut config = config(&[("A", 1, 0), ("gpu", 1, 1)]);
    config.semaphores.extend([bucket("api", 5, HOUR), pacer]);
    config.semaphores.push(bucket("fast", 1, Span::from_millis(100)));
    config
}

#[tokio::test]
async fn tokens_stay_taken_until_they_are_settled() {
    let server = TestServer::with(&settings()).await;
    let api = connect(server.address).await.bucket("api").label("who takes");
    let permit = api.take(4).await.unwrap();
    assert_eq!((permit.bucket(), permit.count()), ("api", 4));
    assert_eq!(server.remainder("api").await, "1");
    permit.settle(1).await.unwrap();
    assert_eq!((permit.count(), server.remainder("api").await.as_str()), (1, "4"));
    permit.settle(3).await.unwrap();
    permit.release().await.unwrap();
    assert_eq!(server.remainder("api").await, "2");
    // It is told even if nobody waits for that.
    let permit = api.take(2).await.unwrap();
    let settling = permit.settle(0);
    tokio::select! {
        biased;
        settled = settling => settled.unwrap(),
        () = std::future::ready(()) => drop(permit),
    }
    eventually("they are back", || async { server.remainder("api").await == "2" }).await;
    server.metric_becomes("throttle_peers", 0.0).await;
}

#[tokio::test]
async fn permits_nest_in_each_other_and_in_locks() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    let _lock = peer.acquire("A").await.unwrap();
    let api = client.bucket("api");
    let _outer = api.take(2).await.unwrap();
    let inner = api.take(2).await.unwrap();
    inner.settle(1).await.unwrap();
    assert_eq!(server.remainder("api").await, "2");
}

#[tokio::test]
async fn who_does_not_want_to_wait_so_long_is_told_how_long_it_would_be() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let api = client.bucket("api");
    let _all = api.take(5).await.unwrap();
    for max_wait in [Duration::ZERO, Duration::from_secs(60)] {
        let refused = api.take(1).max_wait(max_wait).await.unwrap_err();
        let Error::Timeout { eta: Some(eta) } = refused else { panic!("{refused:?}") };
        assert!(eta > Duration::from_secs(3_500) && eta <= Duration::from_secs(3_600), "{eta:?}");
    }
    let missed = api.take(1).timeout(Duration::from_millis(30)).await.unwrap_err();
    assert_eq!(missed, Error::Timeout { eta: None });
    let peer = client.peer("").await.unwrap();
    let refused = peer.acquire([("gpu", 1), ("api", 2)]).max_wait(SHORT).await.unwrap_err();
    assert!(matches!(refused, Error::Timeout { eta: Some(_) }), "{refused:?}");
    assert_eq!(api.take(6).await.unwrap_err().code(), Some(Code::Never));
    assert_eq!(
        client.bucket("other").take(1).await.unwrap_err().code(),
        Some(Code::UnknownSemaphore)
    );
}

#[tokio::test]
async fn a_pacer_leaves_out_what_is_too_much() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let pacer = client.pacer("pacer");
    assert!(pacer.permit().await.unwrap().is_some());
    let waiting = tokio::spawn(client.bucket("pacer").take(1).into_future());
    server.metric_becomes("throttle_waiters{semaphore=\"pacer\"}", 1.0).await;
    assert!(pacer.permit().await.unwrap().is_none());
    let busy = client.bucket("pacer").take(1).await.unwrap_err();
    let Error::Busy { semaphore, retry_after } = busy else { panic!("{busy:?}") };
    assert!(semaphore == "pacer" && retry_after > Duration::from_secs(3_500), "{retry_after:?}");
    // Who is not waited for any more leaves the line.
    waiting.abort();
    server.metric_becomes("throttle_waiters{semaphore=\"pacer\"}", 0.0).await;
    assert!(client.pacer("other").permit().await.is_err());
}

#[tokio::test]
async fn who_was_refused_closes_the_bucket_for_everybody() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let api = client.bucket("api");
    let permit = api.take(1).await.unwrap();
    permit.throttled(Duration::from_secs(60)).await.unwrap();
    let refused = api.take(1).max_wait(Duration::ZERO).await.unwrap_err();
    let Error::Timeout { eta: Some(eta) } = refused else { panic!("{refused:?}") };
    assert!(eta > Duration::from_secs(30) && eta <= Duration::from_secs(60), "{eta:?}");
}

#[tokio::test]
async fn a_grant_comes_when_it_is_due() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let fast = client.bucket("fast");
    let (told, mut places) = mpsc::unbounded_channel();
    let mut fences = Vec::new();
    for _ in 0..3 {
        let told = told.clone();
        let permit = fast.take(1).on_progress(move |progress| drop(told.send(progress))).await;
        fences.push(permit.unwrap().count());
    }
    assert_eq!(fences, [1, 1, 1]);
    let progress = places.recv().await.unwrap();
    assert!(progress.eta.unwrap() <= Duration::from_millis(100), "{progress:?}");
}

#[tokio::test]
async fn a_lease_of_semaphores_and_buckets_is_settled_by_name() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    let lease = peer.acquire([("gpu", 1), ("api", 5)]).await.unwrap();
    lease.settle(("api", 3)).await.unwrap();
    assert_eq!((lease.counts()["api"], server.remainder("api").await.as_str()), (3, "2"));
    let wrong = lease.settle(("gpu", 1)).await.unwrap_err();
    assert_eq!(wrong, Error::NotABucket { semaphore: "gpu".to_owned() });
    let wrong = lease.throttled("gpu", SHORT).await.unwrap_err();
    assert_eq!(wrong.code(), Some(Code::NotABucket));
    let other = lease.settle(("A", 1)).await.unwrap_err();
    assert_eq!(other, Error::NotHeld { semaphore: "A".to_owned() });
    lease.throttled("api", SHORT).await.unwrap();
    assert!(!lease.is_lost());
    lease.release().await.unwrap();
}

#[tokio::test]
async fn a_permit_outlives_its_connection_and_a_settled_lease_too() {
    let server = TestServer::with(&settings()).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    let peer = client.peer("").await.unwrap();
    let lease = peer.acquire([("gpu", 1), ("api", 3)]).await.unwrap();
    let permit = client.bucket("api").take(2).await.unwrap();
    lease.settle(("api", 0)).await.unwrap();
    proxy.cut();
    permit.settle(1).await.unwrap();
    lease.settle(("api", 2)).await.unwrap();
    assert_eq!(server.remainder("api").await, "2");
    assert!(!lease.is_lost());
}

#[tokio::test]
async fn of_a_permit_that_has_expired_nothing_can_be_told() {
    let server = TestServer::with(&settings()).await;
    let proxy = Proxy::start(server.address).await;
    let client = builder(proxy.address).expires_in(SHORT).connect().await.unwrap();
    let permit = client.bucket("api").take(2).await.unwrap();
    proxy.freeze();
    proxy.cut();
    server.metric_becomes("throttle_peers", 0.0).await;
    proxy.thaw();
    eventually("it is back", || async { server.metric("throttle_sessions").await == Some(1.0) })
        .await;
    eventually("the server has said so", || async {
        permit.settle(1).await == Err(Error::NotHeld { semaphore: "api".to_owned() })
    })
    .await;
    assert_eq!(permit.count(), 2);
    permit.release().await.unwrap();
}

#[tokio::test]
async fn what_is_taken_for_nobody_is_given_back() {
    let server = TestServer::with(&settings()).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    for _ in 0..5 {
        proxy.delay(Duration::from_millis(20));
        let taking = tokio::spawn(client.bucket("api").take(5).into_future());
        eventually("it is granted", || async { server.remainder("api").await == "0" }).await;
        taking.abort();
        eventually("it is back", || async { server.remainder("api").await == "5" }).await;
        proxy.delay(Duration::ZERO);
    }
}

#[tokio::test]
async fn names_come_into_being_where_that_is_allowed() {
    let server = TestServer::with(&Config { dynamic: true, ..settings() }).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    let want = [("jobs", 3), ("A", 1)];
    let lease = peer.acquire(want).declare("jobs", Limit::semaphore(5)).await.unwrap();
    assert_eq!((server.remainder("jobs").await.as_str(), lease.counts()["jobs"]), ("2", 3));
    let hour = Duration::from_secs(3_600);
    let mail = client.bucket("mail").declare(Limit::bucket(10, 1, hour));
    let _permit = mail.take(4).await.unwrap();
    assert_eq!(server.remainder("mail").await, "6");
    let pacer = client.pacer("crawl").declare(Limit::pacer(hour).max_reserved(0));
    assert!(pacer.permit().await.unwrap().is_some());
    assert!(pacer.permit().await.unwrap().is_none());

    let other = client.bucket("mail").declare(Limit::bucket(11, 1, hour)).take(1).await;
    let Err(Error::DeclaredOtherwise { semaphore, declared, actual, .. }) = other else {
        panic!("{other:?}")
    };
    assert_eq!(semaphore, "mail");
    let capacity = |limit| match limit {
        Some(Limit::Bucket { capacity, refill: 1, every, .. }) if every == hour => capacity,
        limit => panic!("{limit:?}"),
    };
    assert_eq!((capacity(declared), capacity(actual)), (11, 10));
    let other = client.peer("").await.unwrap().acquire("A").declare("A", Limit::semaphore(2));
    assert_eq!(other.await.unwrap_err().code(), Some(Code::DeclaredOtherwise));
}

#[tokio::test]
async fn a_semaphore_is_no_bucket() {
    let server = TestServer::with(&settings()).await;
    let client = connect(server.address).await;
    let wrong = client.bucket("gpu").take(1).await.unwrap_err();
    assert_eq!(wrong, Error::NotABucket { semaphore: "gpu".to_owned() });
    // Nothing of it is held.
    let peer = client.peer("").await.unwrap();
    peer.acquire("gpu").timeout(SHORT).await.unwrap();
}

#[tokio::test]
async fn who_has_little_time_does_not_wait_to_learn_that_it_is_a_bucket() {
    let server = TestServer::with(&settings()).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    proxy.delay(Duration::from_millis(500));
    let taking = client.bucket("api").take(5).timeout(Duration::from_secs(2)).into_future();
    let taking = tokio::spawn(taking);
    eventually("it is granted", || async { server.remainder("api").await == "0" }).await;
    // The grant is on its way by now. Whatever the client says to it gets nowhere.
    tokio::time::sleep(Duration::from_millis(200)).await;
    proxy.delay(Duration::from_secs(3_600));
    let taken = tokio::time::timeout(Duration::from_secs(10), taking).await;
    let permit = taken.expect("the request has a timeout").unwrap().unwrap();
    assert_eq!((permit.bucket(), permit.count()), ("api", 5));
}
