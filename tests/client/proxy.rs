//! A network between client and server that can be cut, frozen and slowed down.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// What the network does.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    frozen: bool,
    delay: Duration,
    /// Connections that were made before this was raised are gone.
    cuts: u64,
    /// The same, but only the server notices.
    half_cuts: u64,
}

/// A network. It ends with the test.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    weather: watch::Sender<Weather>,
    server: Arc<Mutex<SocketAddr>>,
    /// All that servers have said.
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self {
            address,
            weather: watch::Sender::default(),
            server: Arc::new(Mutex::new(server)),
            heard: Arc::default(),
        };
        tokio::spawn(proxy.clone().accept(listener));
        proxy
    }

    /// From now on, connections go to another server.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = server;
    }

    /// All connections there are end, for both sides.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// All connections there are end for the server. The client hears nothing any more.
    pub(crate) fn cut_off_the_server(&self) {
        self.weather.send_modify(|weather| weather.half_cuts += 1);
    }

    /// Nothing gets through, and nobody notices.
    pub(crate) fn freeze(&self) {
        self.weather.send_modify(|weather| weather.frozen = true);
    }

    pub(crate) fn thaw(&self) {
        self.weather.send_modify(|weather| weather.frozen = false);
    }

    /// Everything takes so much longer.
    pub(crate) fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// The last text that servers have sent in this field.
    pub(crate) fn overheard(&self, field: &str) -> String {
        let heard = String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned();
        let (_, rest) = heard.rsplit_once(&format!("\"{field}\":\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(self.clone().connect(client));
        }
    }

    async fn connect(self, mut client: TcpStream) {
        let born = *self.weather.borrow();
        let (mut weather, mut half) = (self.weather.subscribe(), self.weather.subscribe());
        let address = *self.server.lock().unwrap();
        let Ok(mut server) = TcpStream::connect(address).await else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let listen = |bytes: &[u8]| self.heard.lock().unwrap().extend_from_slice(bytes);
        let there = pipe(from_client, to_server, self.weather.subscribe(), |_| {});
        let back = pipe(from_server, to_client, self.weather.subscribe(), listen);
        tokio::select! {
            () = there => return,
            () = back => return,
            _ = weather.wait_for(|now| now.cuts > born.cuts) => return,
            _ = half.wait_for(|now| now.half_cuts > born.half_cuts) => {}
        }
        drop(server);
        let _ = weather.wait_for(|now| now.cuts > born.cuts).await;
    }
}

/// Moves bytes as the weather allows.
async fn pipe(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
    listen: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let delay = weather.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if weather.wait_for(|weather| !weather.frozen).await.is_err() {
            return;
        }
        listen(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
