//! Getting in, and being kept out.

use std::time::Duration;

use throttle::client::{Client, Code, Error};
use tokio::net::TcpListener;

use crate::server::TestServer;
use crate::{builder, connect};

#[tokio::test]
async fn many_forms_of_an_address_lead_to_the_server() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    for url in ["ws://", "http://", "", "HTTP://"] {
        let client = Client::connect(&format!("{url}{}", server.address)).await.unwrap();
        client.peer("").await.unwrap().acquire("A").await.unwrap().release().await.unwrap();
        client.close().await;
    }
    server.metric_becomes("throttle_sessions", 0.0).await;
}

#[tokio::test]
async fn whoever_cannot_connect_is_told_at_once() {
    let server = TestServer::start(&[]).await;
    let wrong_path = Client::connect(&format!("http://{}/locks", server.address)).await;
    assert!(matches!(&wrong_path, Err(Error::Connect { .. })), "{wrong_path:?}");
    let address = Client::connect("ftp://localhost").await;
    assert!(matches!(&address, Err(Error::Address { .. })), "{address:?}");
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = Client::connect(&format!("ws://{nobody}")).await;
    let Err(Error::Connect { url, reason }) = refused else { panic!("{refused:?}") };
    assert_eq!(url, format!("ws://{nobody}/ws"));
    assert!(!reason.is_empty());
}

/// The system takes the connection, and nobody ever answers.
#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let impatient =
        builder(silent.local_addr().unwrap()).connect_timeout(Duration::from_millis(50));
    let refused = impatient.connect().await;
    assert!(matches!(&refused, Err(Error::Connect { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_peer_may_be_refused() {
    let server = TestServer::start(&[]).await;
    let client = connect(server.address).await;
    let refused = client.peer("x".repeat(129)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::BadMessage), "{refused}");
    let decade = Duration::from_secs(10 * 366 * 86_400);
    let Err(Error::Refused(refused)) = client.peer("").expires_in(decade).await else { panic!() };
    assert_eq!(refused.code, Code::LimitExceeded);
    assert_eq!(refused.explanation.max_ms, Some(365 * 86_400_000));
    // Others are not disturbed.
    assert!(client.peer("").await.unwrap().id().starts_with('s'));
}
