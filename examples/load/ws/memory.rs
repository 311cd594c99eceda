//! How much resident memory the server has, from the system or from the server itself.

use crate::{Fallible, client::Client, target::Target};

/// Where the server says it.
const METRIC: &str = "process_resident_memory_bytes ";

/// In bytes. `None`: nobody says it.
pub(crate) async fn resident(target: &Target, pid: Option<u32>) -> Fallible<Option<u64>> {
    match pid {
        Some(pid) => of_process(pid).map(Some),
        None => {
            let mut client = Client::connect(target).await?;
            let metrics = String::from_utf8_lossy(client.get("/metrics").await?).into_owned();
            let value = metrics.lines().find_map(|line| line.strip_prefix(METRIC));
            Ok(value.map(str::parse::<f64>).transpose()?.map(|bytes| bytes as u64))
        }
    }
}

fn of_process(pid: u32) -> Fallible<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes = kibibytes.ok_or_else(|| format!("{path} does not tell VmRSS"))?;
    Ok(kibibytes.trim().parse::<u64>()? * 1024)
}
