//! Two servers in turns: what disturbs the machine disturbs both, and medians forget it.

use std::time::Duration;

use crate::{
    Fallible,
    cli::{Contest, Options},
    client::Client,
    drive::{Cycle, Samples, drive, leave},
    herd::{Herd, Lifetime, MARGIN},
    report::{grouped, median, print_table},
    scenario::{handoff, pairs, peers},
    target::Target,
    ws,
};

/// How long both are driven before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);

pub(crate) async fn run(
    options: &Options,
    baseline: &Target,
    rounds: usize,
    contest: Contest,
) -> Fallible<()> {
    let plan = Plan { options, baseline, rounds };
    match contest {
        Contest::Pairs { idle_peers } => plan.pairs(idle_peers).await,
        Contest::Handoff => plan.handoff().await,
        Contest::Peers => plan.peers().await,
        Contest::Ws { contest } => ws::compare::run(options, baseline, rounds, contest).await,
    }
}

struct Plan<'a> {
    options: &'a Options,
    baseline: &'a Target,
    rounds: usize,
}

impl Plan<'_> {
    async fn pairs(&self, idle_peers: usize) -> Fallible<()> {
        let (connections, semaphore) = (self.options.connections, self.options.roomy());
        let ours = pairs::crew(&self.options.url, connections, semaphore, self.budget()).await?;
        let theirs = pairs::crew(self.baseline, connections, semaphore, self.budget()).await?;
        let lifetime = Lifetime::For(self.budget() + MARGIN);
        let herd = Herd::register(self.options, idle_peers, lifetime).await?;
        let result = self.take_turns("pairs/s", ours, theirs).await;
        herd.remove().await?;
        result
    }

    async fn handoff(&self) -> Fallible<()> {
        let (connections, semaphore) = (self.options.connections, self.options.mutex());
        let (url, baseline, budget) = (&self.options.url, self.baseline, self.budget());
        let (ours, our_holders) = handoff::crew(url, connections, semaphore, budget).await?;
        let (theirs, their_holders) =
            handoff::crew(baseline, connections, semaphore, budget).await?;
        self.take_turns("hand-offs/s", ours, theirs).await?;
        our_holders.judge(&mut Client::connect(url).await?, url).await?;
        their_holders.judge(&mut Client::connect(baseline).await?, baseline).await
    }

    async fn peers(&self) -> Fallible<()> {
        let connections = self.options.connections;
        let ours = peers::crew(&self.options.url, connections).await?;
        let theirs = peers::crew(self.baseline, connections).await?;
        self.take_turns("peers/s", ours, theirs).await
    }

    /// How long all rounds take together.
    fn budget(&self) -> Duration {
        let rounds = u32::try_from(self.rounds).unwrap_or(u32::MAX);
        self.options.duration().saturating_mul(2).saturating_mul(rounds)
    }

    async fn take_turns<C: Cycle>(&self, unit: &str, ours: Vec<C>, theirs: Vec<C>) -> Fallible<()> {
        let mut ours = Side::new(ours);
        let mut theirs = Side::new(theirs);
        drive(&mut ours.crew, WARM_UP).await.verdict()?;
        drive(&mut theirs.crew, WARM_UP).await.verdict()?;
        let (url, baseline) = (self.options.url.to_string(), self.baseline.to_string());
        println!("{:>6} {url:>24} {baseline:>24} {:>7}", "round", "ratio");
        println!("{:>6} {unit:>24} {unit:>24}", "");
        for round in 0..self.rounds {
            if round % 2 == 0 {
                ours.measure(self.options.duration()).await?;
                theirs.measure(self.options.duration()).await?;
            } else {
                theirs.measure(self.options.duration()).await?;
                ours.measure(self.options.duration()).await?;
            }
            print_line(&(round + 1).to_string(), ours.rates[round], theirs.rates[round]);
        }
        let (our_median, their_median) = (median(&ours.rates), median(&theirs.rates));
        print_line("median", our_median, their_median);
        print_table(&[(&url, &ours.total), (&baseline, &theirs.total)]);
        println!("ratio of medians: {:.3}", our_median / their_median.max(1e-9));
        leave(ours.crew).await?;
        leave(theirs.crew).await
    }
}

/// One of the two servers.
struct Side<C> {
    crew: Vec<C>,
    rates: Vec<f64>,
    total: Samples,
}

impl<C: Cycle> Side<C> {
    fn new(crew: Vec<C>) -> Self {
        Side { crew, rates: Vec::new(), total: Samples::new() }
    }

    async fn measure(&mut self, duration: Duration) -> Fallible<()> {
        let samples = drive(&mut self.crew, duration).await;
        samples.verdict()?;
        self.rates.push(samples.per_second());
        self.total.add_later(samples);
        Ok(())
    }
}

fn print_line(label: &str, ours: f64, theirs: f64) {
    let [left, right] = [ours, theirs].map(|rate| grouped(rate.round() as u64));
    println!("{label:>6} {left:>24} {right:>24} {:>7.3}", ours / theirs.max(1e-9));
}
