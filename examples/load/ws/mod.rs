//! The same over WebSockets: sessions with peers, driven by what the server pushes.

pub(crate) mod cli;
pub(crate) mod compare;
mod crew;
mod frame;
mod handoff;
mod idle;
mod inbox;
mod memory;
mod message;
mod pairs;
mod plan;
mod session;
mod socket;
mod watch;

use self::{
    cli::{Scenario, limited_files},
    plan::Plan,
    watch::Crowd,
};
use crate::{Fallible, cli::Options, report::print_table};

pub(crate) async fn run(options: &Options, scenario: Scenario) -> Fallible<()> {
    let (connections, semaphore) = (options.connections, options.roomy().to_owned());
    match scenario {
        Scenario::Pairs { in_flight } => {
            let plan = Plan::Pairs { connections, in_flight, semaphore };
            measure(options, "acquire + release pairs", &plan).await
        }
        Scenario::Handoff { waiting } => {
            let semaphore = options.mutex().to_owned();
            let plan = Plan::Handoff { connections, waiting, semaphore };
            measure(options, "hand-offs", &plan).await
        }
        Scenario::Watch { watchers, semaphores, peers, changes, every_ms } => {
            let crowd = Crowd { watchers, semaphores, peers, changes, every_ms };
            watch::run(options, crowd).await
        }
        Scenario::Idle { sessions, pid } => idle::run(options, sessions, pid).await,
    }
}

async fn measure(options: &Options, label: &str, plan: &Plan) -> Fallible<()> {
    limited_files(plan.connections())?;
    let samples = plan.measure(&options.url, options.duration()).await?;
    print_table(&[(label, &samples)]);
    Ok(())
}
