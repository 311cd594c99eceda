//! What Prometheus sees.

use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(target_os = "linux")]
use tokio::io::{AsyncReadExt, AsyncWriteExt};
#[cfg(target_os = "linux")]
use tokio::net::{TcpSocket, TcpStream};

use crate::buckets::{HOUR, bucket};
use crate::server::{TestServer, config, json};

/// All series of a scrape with their values, those about the process and about HTTP left out.
async fn series(server: &TestServer) -> BTreeMap<String, f64> {
    let scraped = server.get("/metrics").await;
    assert_eq!((scraped.status, scraped.content_type.as_str()), (200, "text/plain; version=0.0.4"));
    let lines = scraped.body.lines().filter(|line| !line.starts_with('#'));
    let series = lines.map(|line| line.rsplit_once(' ').unwrap());
    let series = series.map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    series.filter(|(name, _)| !name.starts_with("process_") && !name.contains("_http_")).collect()
}

#[tokio::test]
async fn series_exist_from_the_start() {
    let server = TestServer::start(&[("A", 3, 0), ("a \"b\"\\", 1, 0)]).await;
    let series = series(&server).await;
    for name in ["A", r#"a \"b\"\\"#] {
        for metric in ["acquired", "longest_pending_sec", "pending", "waiters", "overcommitted"] {
            let series = series.get(&format!("throttle_{metric}{{semaphore=\"{name}\"}}"));
            assert_eq!(series, Some(&0.0), "{metric} {name}");
        }
        for metric in ["wait_seconds_count", "hold_seconds_count", "grants_total"] {
            let series = series.get(&format!("throttle_{metric}{{semaphore=\"{name}\"}}"));
            assert_eq!(series, Some(&0.0), "{metric} {name}");
        }
        for reason in ["released", "closed", "expired"] {
            let labels = format!("{{reason=\"{reason}\",semaphore=\"{name}\"}}");
            let series = series.get(&format!("throttle_releases_total{labels}"));
            assert_eq!(series, Some(&0.0), "{reason} {name}");
        }
    }
    for code in throttle::engine::Refusal::CODES {
        let series = series.get(&format!("throttle_refusals_total{{code=\"{code}\"}}"));
        assert_eq!(series, Some(&0.0), "{code}");
    }
    for metric in ["num_404", "expirations_total", "restores_total", "peers"] {
        assert_eq!(series.get(&format!("throttle_{metric}")), Some(&0.0), "{metric}");
    }
    assert_eq!(series["throttle_max{semaphore=\"A\"}"], 3.0);
    let version = format!("throttle_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(series[&version], 1.0);
}

#[tokio::test]
async fn series_follow_what_happens() {
    let server = TestServer::start(&[("A", 3, 0)]).await;
    let (first, second) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(first, "A", 2).await, 200);
    assert_eq!(server.acquire(second, "A", 3).await, 202);
    assert_eq!(server.acquire(second, "A", 4).await, 409);
    let busy = series(&server).await;
    assert_eq!(busy["throttle_acquired{semaphore=\"A\"}"], 2.0);
    assert_eq!(busy["throttle_pending{semaphore=\"A\"}"], 3.0);
    assert_eq!(busy["throttle_waiters{semaphore=\"A\"}"], 1.0);
    assert!(busy["throttle_longest_pending_sec{semaphore=\"A\"}"] > 0.0);
    assert_eq!(busy["throttle_peers"], 2.0);
    assert_eq!(busy["throttle_refusals_total{code=\"never\"}"], 1.0);

    server.delete(&format!("/peers/{first}/A")).await;
    assert_eq!(server.delete(&format!("/peers/{second}")).await, json(200, "\"Peer released\""));
    server.put(&format!("/peers/{first}"), r#"{"expires_in":"0s"}"#).await;
    server.metric_becomes("throttle_expirations_total", 1.0).await;
    let idle = series(&server).await;
    assert_eq!(idle["throttle_acquired{semaphore=\"A\"}"], 0.0);
    assert_eq!(idle["throttle_pending{semaphore=\"A\"}"], 0.0);
    assert_eq!(idle["throttle_longest_pending_sec{semaphore=\"A\"}"], 0.0);
    assert_eq!(idle["throttle_peers"], 0.0);
    assert_eq!(idle["throttle_grants_total{semaphore=\"A\"}"], 2.0);
    assert_eq!(idle["throttle_wait_seconds_count{semaphore=\"A\"}"], 2.0);
    assert!(idle["throttle_wait_seconds_sum{semaphore=\"A\"}"] > 0.0);
    assert_eq!(idle["throttle_hold_seconds_count{semaphore=\"A\"}"], 2.0);
    assert_eq!(idle["throttle_releases_total{reason=\"released\",semaphore=\"A\"}"], 1.0);
    assert_eq!(idle["throttle_releases_total{reason=\"closed\",semaphore=\"A\"}"], 1.0);
    assert_eq!(idle["throttle_releases_total{reason=\"expired\",semaphore=\"A\"}"], 0.0);
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_what_callers_send() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let route = "method=\"PUT\",route=\"/peers/{id}/{semaphore}\"";
    let ok = format!("throttle_http_requests_total{{{route},status=\"2xx\"}}");
    let refused = format!("throttle_http_requests_total{{{route},status=\"4xx\"}}");
    let timed = format!("throttle_http_request_duration_seconds_count{{{route}}}");
    assert_eq!(server.metric(&ok).await, Some(0.0));
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "A", 1).await, 200);
    assert_eq!(server.acquire(peer, "secret", 1).await, 400);
    assert_eq!(server.get("/secret").await.status, 404);
    assert_eq!(server.metric(&ok).await, Some(1.0));
    assert_eq!(server.metric(&refused).await, Some(1.0));
    assert_eq!(server.metric(&timed).await, Some(2.0));
    let unmatched = "method=\"any\",route=\"unmatched\",status=\"4xx\"";
    let unmatched = format!("throttle_http_requests_total{{{unmatched}}}");
    assert_eq!(server.metric(&unmatched).await, Some(1.0));
    let metrics = server.get("/metrics").await.body;
    assert!(!metrics.contains("secret"), "{metrics}");
    assert!(!metrics.contains(&peer.to_string()), "{metrics}");
}

#[tokio::test]
async fn limits_are_seen_and_whether_it_is_ready() {
    let mut config = config(&[]);
    (config.limits.max_peers, config.sessions.max_sessions) = (77, Some(5));
    let server = TestServer::with(&config).await;
    assert_eq!(server.metric("throttle_peers_max").await, Some(77.0));
    assert_eq!(server.metric("throttle_sessions_max").await, Some(5.0));
    assert_eq!(server.metric("throttle_ready").await, Some(1.0));
    config.recovery_grace = Duration::from_secs(3600);
    let server = TestServer::with(&config).await;
    assert_eq!(server.metric("throttle_ready").await, Some(0.0));
}

#[tokio::test]
async fn what_is_promised_over_rest_is_seen() {
    let mut config = config(&[("A", 1, 0)]);
    config.semaphores.extend([bucket("api", 1, HOUR), bucket("tenant/*", 1, HOUR)]);
    let server = TestServer::with(&config).await;
    let reserved = "throttle_reserved{semaphore=\"api\"}";
    assert_eq!(server.metric(reserved).await, Some(0.0));
    for bucket in ["api", "api", "api", "tenant%2F7"] {
        assert_eq!(server.post(&format!("/buckets/{bucket}/permits"), "{}").await.status, 200);
    }
    // The first one was due at once.
    assert_eq!(server.metric(reserved).await, Some(2.0));
    assert_eq!(server.metric("throttle_reservations_total").await, Some(4.0));
    // Where there are none, or no sum of them, there is no figure.
    let all = series(&server).await;
    assert_eq!(all.keys().filter(|name| name.starts_with("throttle_reserved")).count(), 1);
}

#[tokio::test]
async fn thousands_of_semaphores_are_all_there_once() {
    let names: Vec<_> = (0..2_000).map(|at| format!("semaphore {at}")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), 7, 0)).collect();
    let server = TestServer::start(&all).await;
    let first = server.get("/metrics").await;
    let lines: Vec<_> = first.body.lines().filter(|it| it.starts_with("throttle_max{")).collect();
    let mut expected: Vec<_> =
        names.iter().map(|name| format!("throttle_max{{semaphore=\"{name}\"}} 7")).collect();
    expected.sort();
    assert_eq!(lines, expected);
    let kind = |line: &&str| line.starts_with("# TYPE throttle_max gauge");
    assert_eq!(first.body.lines().filter(kind).count(), 1);
    assert!(first.body.ends_with('\n'), "the last piece is there");
    let again = server.get("/metrics").await.body;
    let names = |text: &str| {
        text.lines().map(|line| line.rsplit(' ').nth(1).map(str::to_owned)).collect::<Vec<_>>()
    };
    assert!(names(&first.body) == names(&again), "the order is the same each time");
}

/// One who asks for metrics, and takes nothing but the beginning of them.
#[cfg(target_os = "linux")]
async fn stuck(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    stream
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_does_not_read_makes_others_share_a_text() {
    // In all more than a socket takes.
    let names: Vec<_> = (0..600).map(|at| format!("semaphore {at}")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), 7, 0)).collect();
    let server = TestServer::start(&all).await;
    let acquired = "throttle_acquired{semaphore=\"semaphore 1\"}";
    let peer = server.new_peer().await;
    let one = stuck(&server).await;
    assert_eq!(server.acquire(peer, "semaphore 1", 1).await, 200);
    assert_eq!(server.metric(acquired).await, Some(1.0), "there is room for another one");
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(stuck(&server).await);
    }
    assert_eq!(server.acquire(peer, "semaphore 1", 2).await, 409);
    let (shared, again) = (server.get("/metrics").await, server.get("/metrics").await);
    assert_eq!((shared.status, shared.body.contains("\nthrottle_refusals_total")), (200, true));
    assert!(shared.body.ends_with('\n') && shared.body == again.body, "it is whole, and the same");
    let refused = "throttle_refusals_total{code=\"hierarchy\"}";
    assert_eq!(server.metric(refused).await, Some(0.0), "it was written before that");
    drop(one);
    server.metric_becomes(refused, 1.0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_is_seen_too() {
    let server = TestServer::start(&[]).await;
    assert!(server.metric("process_resident_memory_bytes").await > Some(0.0));
    assert!(server.metric("process_open_fds").await > Some(0.0));
}
