//! What the holder of tokens tells about them: what was really used, or that the resource behind them has refused it.
//! It is said again after each reconnect until the server has answered, which takes no harm from hearing it twice.

use std::collections::BTreeMap;
use std::time::Duration;

use super::leases::Lease;
use super::{About, Error, Event, LeaseId, Machine, PeerNumber, ReportId, RequestId, Time};
use crate::client::refused::{Code, Refused};
use crate::client::want::Want;
use crate::client::wire::{MAX_INTEGER, Request};

/// What there is to tell about tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) enum Told {
    /// So much was used.
    Used(Want),
    /// The resource behind a bucket wants nobody for so long.
    Throttled { name: String, retry_after: Duration },
}

/// Something that was told, and not answered yet.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) lease: LeaseId,
    pub(super) told: Told,
    /// The request on the connection there is.
    pub(super) sent: Option<RequestId>,
}

impl Told {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Used(used) => used.names().collect(),
            Self::Throttled { name, .. } => vec![name],
        }
    }

    fn request(&self, id: RequestId, peer: PeerNumber) -> Request<'_> {
        match self {
            Self::Used(used) => Request::Settle { id: Some(id), peer, used: used.iter().collect() },
            Self::Throttled { name, retry_after } => {
                let millis = retry_after.as_micros().div_ceil(1_000);
                let retry_after_ms = u64::try_from(millis).unwrap_or(MAX_INTEGER).min(MAX_INTEGER);
                Request::Throttled { id, peer, name, retry_after_ms }
            }
        }
    }

    /// That there are no tokens to tell about.
    fn not_held(&self) -> Error {
        let semaphore = self.names().first().copied().unwrap_or_default().to_owned();
        Error::NotHeld { semaphore }
    }
}

impl Machine {
    /// There is something to tell about the tokens of a lease. [`Event::Reported`] follows.
    ///
    /// # Errors
    /// What can be said without the server: there is nothing to tell about any more.
    pub(in crate::client) fn report(
        &mut self,
        now: Time,
        lease: LeaseId,
        told: Told,
    ) -> Result<ReportId, Error> {
        if let Some(error) = self.over() {
            return Err(error);
        }
        if let Told::Used(used) = &told {
            used.check()?;
        }
        if let Some(lost) = self.lost(lease, now) {
            return Err(Error::Lost(lost));
        }
        let Some(Lease { peer: number, locks, .. }) = self.leases.get(&lease) else {
            return Err(told.not_held());
        };
        if let Some(other) = told.names().into_iter().find(|name| !locks.contains_key(*name)) {
            return Err(Error::NotHeld { semaphore: other.to_owned() });
        }
        let number = *number;
        let id = ReportId(self.next_id());
        let peer = self.peers.get_mut(&number).filter(|peer| peer.leases.contains(&lease));
        let Some(peer) = peer else { return Err(told.not_held()) };
        peer.reports.insert(id, Report { lease, told, sent: None });
        self.dirty.insert(number);
        self.look_at(self.free_at(number));
        Ok(id)
    }

    /// The server has done what was reported.
    pub(super) fn on_reported(&mut self, id: RequestId) {
        let about = self.answered(id, |about| matches!(about, About::Report(..)));
        let Some(About::Report(number, report)) = about else { return };
        let Some(Report { lease, told, .. }) = self.take_report(number, report) else { return };
        if let (Told::Used(used), Some(lease)) = (told, self.leases.get_mut(&lease)) {
            for (name, used) in used.iter() {
                lease.locks.entry(name.to_owned()).and_modify(|lock| lock.count = used);
            }
        }
        self.events.push_back(Event::Reported { report, result: Ok(()) });
    }

    /// The server does not do what was reported.
    pub(super) fn not_reported(
        &mut self,
        number: PeerNumber,
        report: ReportId,
        refused: Box<Refused>,
    ) {
        let Some(Report { told, .. }) = self.take_report(number, report) else { return };
        let gone = refused.code == Code::UnknownPeer;
        let error = if gone { told.not_held() } else { Error::from(refused) };
        self.events.push_back(Event::Reported { report, result: Err(error) });
    }

    /// Nobody will answer what a peer has to report. `None`: because it holds nothing.
    pub(super) fn fail_reports(&mut self, number: PeerNumber, error: Option<&Error>) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        for (report, Report { told, .. }) in std::mem::take(&mut peer.reports) {
            let error = error.cloned().unwrap_or_else(|| told.not_held());
            self.events.push_back(Event::Reported { report, result: Err(error) });
        }
    }

    /// What is not said on the connection there is: the requests, in their order.
    pub(super) fn unsaid_reports(&self, number: PeerNumber) -> Vec<ReportId> {
        let reports: Option<&BTreeMap<_, Report>> =
            self.peers.get(&number).map(|peer| &peer.reports);
        let unsaid = reports.into_iter().flatten().filter(|(_, report)| report.sent.is_none());
        unsaid.map(|(id, _)| *id).collect()
    }

    /// Whether the server may have so much of a name for a lease, because it was told that this was used.
    pub(super) fn may_be_settled(
        &self,
        number: PeerNumber,
        of: LeaseId,
        name: &str,
        count: u32,
    ) -> bool {
        let reports = self.peers.get(&number).into_iter().flat_map(|peer| peer.reports.values());
        let mut reports = reports.filter(|report| report.lease == of);
        reports.any(|report| match &report.told {
            Told::Used(used) => used.iter().any(|it| it == (name, count)),
            Told::Throttled { .. } => false,
        })
    }

    fn take_report(&mut self, number: PeerNumber, report: ReportId) -> Option<Report> {
        self.peers.get_mut(&number)?.reports.remove(&report)
    }
}

impl Report {
    /// What is said of it with this request.
    pub(super) fn say(&mut self, id: RequestId, peer: PeerNumber) -> Request<'_> {
        self.sent = Some(id);
        self.told.request(id, peer)
    }
}
