//! Several measurements in turns, the last of which is what the others are compared with.

use super::{
    cli::{Contest, limited_files},
    plan::Plan,
};
use crate::{
    Fallible,
    cli::Options,
    drive::Samples,
    report::{grouped, median, print_table},
    target::Target,
};

pub(crate) async fn run(
    options: &Options,
    baseline: &Target,
    rounds: usize,
    contest: Contest,
) -> Fallible<()> {
    let mut entries = entries(options, baseline, contest);
    for entry in &entries {
        limited_files(entry.plan.connections())?;
    }
    print_heads(&entries);
    for round in 0..rounds {
        // Whoever is first in one round is last in another.
        let count = entries.len();
        for place in 0..count {
            entries[(round + place) % count].measure(options).await?;
        }
        let rates: Vec<f64> = entries.iter().map(|entry| entry.rates[round]).collect();
        print_line(&(round + 1).to_string(), &rates);
    }
    let medians: Vec<f64> = entries.iter().map(|entry| median(&entry.rates)).collect();
    print_line("median", &medians);
    print_ratios(&medians);
    let rows: Vec<_> = entries.iter().map(|entry| (&*entry.label, &entry.total)).collect();
    print_table(&rows);
    Ok(())
}

/// One of those that take turns.
struct Entry {
    label: String,
    target: Target,
    plan: Plan,
    rates: Vec<f64>,
    total: Samples,
}

fn entries(options: &Options, baseline: &Target, contest: Contest) -> Vec<Entry> {
    let (url, connections) = (&options.url, options.connections);
    let semaphore = options.roomy().to_owned();
    match contest {
        Contest::Pairs { in_flight } => {
            let plan = || Plan::Pairs { connections, in_flight, semaphore: semaphore.clone() };
            vec![
                Entry::new(url.to_string(), url, plan()),
                Entry::new(baseline.to_string(), baseline, plan()),
            ]
        }
        Contest::Handoff { waiting } => {
            let mutex = options.mutex();
            let handoff =
                |waiting| Plan::Handoff { connections, waiting, semaphore: mutex.to_owned() };
            let entry = |waiting| Entry::new(format!("{waiting} waiting"), url, handoff(waiting));
            let echo = Plan::Pairs { connections: 1, in_flight: 1, semaphore };
            let echo = Entry::new("one after another".to_owned(), baseline, echo);
            waiting.into_iter().map(entry).chain([echo]).collect()
        }
    }
}

impl Entry {
    fn new(label: String, target: &Target, plan: Plan) -> Self {
        Entry { label, target: target.clone(), plan, rates: Vec::new(), total: Samples::new() }
    }

    async fn measure(&mut self, options: &Options) -> Fallible<()> {
        let samples = self.plan.measure(&self.target, options.duration()).await?;
        self.rates.push(samples.per_second());
        self.total.add_later(samples);
        Ok(())
    }
}

fn print_heads(entries: &[Entry]) {
    print!("{:>6}", "round");
    entries.iter().for_each(|entry| print!(" {:>24}", entry.label));
    println!("    per second");
}

fn print_line(label: &str, rates: &[f64]) {
    print!("{label:>6}");
    rates.iter().for_each(|rate| print!(" {:>24}", grouped(rate.round() as u64)));
    println!();
}

fn print_ratios(medians: &[f64]) {
    print!("{:>6}", "ratio");
    let last = medians.last().copied().unwrap_or_default();
    medians.iter().for_each(|median| print!(" {:>24.3}", median / last.max(1e-9)));
    println!();
}
