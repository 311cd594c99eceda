//! Tables for people: aligned, with units.

use std::time::Duration;

use crate::drive::Samples;

/// Prints one line for each of the measured things.
pub(crate) fn print_table(rows: &[(&str, &Samples)]) {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    println!();
    println!(
        "{:width$} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>7}",
        "", "count", "per second", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "errors"
    );
    for (label, samples) in rows {
        println!(
            "{label:width$} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>7}",
            grouped(samples.latencies.len()),
            grouped(samples.per_second().round() as u64),
            quantile(samples, 0.5),
            quantile(samples, 0.99),
            quantile(samples, 0.999),
            milliseconds(samples.latencies.max()),
            samples.errors,
        );
    }
    println!();
}

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The one in the middle, or the mean of both.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        length if length.is_multiple_of(2) => {
            f64::midpoint(sorted[length / 2 - 1], sorted[length / 2])
        }
        length => sorted[length / 2],
    }
}

fn quantile(samples: &Samples, quantile: f64) -> String {
    milliseconds(samples.latencies.value_at_quantile(quantile))
}

fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3}", Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3)
}
