//! Peers that come and go: what a worker that starts and ends costs.

use std::time::{Duration, Instant};

use crate::{
    Fallible,
    cli::Options,
    client::Client,
    drive::{Cycle, drive},
    herd::MARGIN,
    report::print_table,
    request::Request,
    target::Target,
};

/// One connection.
pub(crate) struct Peers {
    client: Client,
    register: Request,
}

pub(crate) async fn run(options: &Options) -> Fallible<()> {
    let mut crew = crew(&options.url, options.connections).await?;
    let samples = drive(&mut crew, options.duration()).await;
    print_table(&[("peers registered + removed", &samples)]);
    samples.verdict()
}

pub(crate) async fn crew(target: &Target, connections: usize) -> Fallible<Vec<Peers>> {
    let mut crew = Vec::with_capacity(connections);
    for _ in 0..connections {
        let client = Client::connect(target).await?;
        let register = Request::new_peer(client.host(), MARGIN);
        crew.push(Peers { client, register });
    }
    Ok(crew)
}

impl Cycle for Peers {
    async fn once(&mut self) -> Fallible<Option<Duration>> {
        let start = Instant::now();
        let peer = self.client.register(&self.register).await?;
        self.client.delete_peer(peer).await?;
        Ok(Some(start.elapsed()))
    }

    async fn leave(self) -> Fallible<()> {
        Ok(())
    }
}
