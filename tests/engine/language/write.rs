//! Engines, commands and outcomes to text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{manners, operations};
use throttle::engine::{
    Change, Claims, Command, ConnectionId, Effect, Engine, Life, Limits, Lock, OnDisconnect,
    Outcome, PeerView, Reply, Revoked, SemaphoreSettings, SemaphoreState, Session, Settings, Span,
    Time, Want,
};

pub(crate) fn write_settings(settings: &Settings) -> String {
    let mut text = "semaphores".to_owned();
    for semaphore in &settings.semaphores {
        let _ = write!(text, " {}={}", semaphore.name, write_settings_of(semaphore));
    }
    let Limits { max_expires_in, max_peers, max_semaphores, .. } = settings.limits;
    let Limits { max_keyed, idle_ttl, dynamic, .. } = settings.limits;
    let _ = write!(text, " max_peers={max_peers} max_expires_in={max_expires_in}");
    let _ = write!(text, " max_semaphores={max_semaphores}");
    let dynamic = if dynamic { "yes" } else { "no" };
    let _ = write!(text, " max_keyed={max_keyed} idle_ttl={idle_ttl} dynamic={dynamic}");
    let (fence, grants_from) = (settings.last_fence, write_time(settings.grants_from));
    let _ = write!(text, " last_fence={fence} grants_from={grants_from}");
    text
}

fn write_declared(declared: &[SemaphoreSettings]) -> String {
    if declared.is_empty() {
        return String::new();
    }
    let each = declared.iter().map(|it| format!(" {}={}", it.name, write_settings_of(it)));
    format!(" declare{}", each.collect::<String>())
}

/// What a semaphore is made of, without its name.
pub(super) fn write_settings_of(semaphore: &SemaphoreSettings) -> String {
    let SemaphoreSettings { max, level, rate, manners, .. } = *semaphore;
    write_semaphore(Some(SemaphoreState { max, level, paused: false, rate, manners }))
}

pub(crate) fn write_command(command: &Command) -> String {
    match command {
        Command::Open { peer, expires_in, session } => {
            format!("open {peer} {expires_in}{}", write_session(session.as_ref()))
        }
        Command::Restore { peer, expires_in, session, held, slots, declared } => {
            let (session, held) = (write_session(session.as_ref()), write_want(held.as_ref()));
            let (slots, declared) = (write_claims(slots), write_declared(declared));
            format!("restore {peer} {expires_in}{session}{held}{slots}{declared}")
        }
        Command::KeepAlive { peer, expires_in } => format!("keep-alive {peer} {expires_in}"),
        Command::Resume { peer, expires_in, session } => {
            format!("resume {peer} {expires_in}{}", write_session(Some(session)))
        }
        Command::Adopt { peer, expires_in, session } => {
            format!("adopt {peer} {expires_in}{}", write_session(Some(session)))
        }
        Command::Disconnect { connection } => format!("disconnect {connection}"),
        Command::Close { peer } => format!("close {peer}"),
        Command::Acquire { peer, want, priority, timeout, max_wait, expires_in, declared } => {
            format!(
                "acquire {peer}{}{}{}{}{}{}",
                write_want(Some(want)),
                option("priority", Some(*priority).filter(|priority| priority.0 != 0)),
                option("timeout", *timeout),
                option("max-wait", *max_wait),
                option("expires-in", *expires_in),
                write_declared(declared)
            )
        }
        Command::Release { peer, names: None } => format!("release {peer} *"),
        Command::Release { peer, names: Some(names) } => {
            let names = names.iter().map(|name| format!(" {name}"));
            format!("release {peer}{}", names.collect::<String>())
        }
        Command::Cancel { peer } => format!("cancel {peer}"),
        Command::Leave { peer, name } => format!("leave {peer} {name}"),
        Command::Reserve { name, count, max_wait, declared } => {
            let declared = write_declared(declared.as_deref().map_or(&[], std::slice::from_ref));
            format!("reserve {name} {count}{}{declared}", option("max-wait", *max_wait))
        }
        Command::Unreserve { name, permit } => format!("unreserve {name} {permit}"),
        Command::Settle { peer, used } => format!("settle {peer}{}", write_want(Some(used))),
        Command::BackOff { peer, name, retry_after } => {
            format!("back-off {name} {retry_after}{}", option("by", *peer))
        }
        Command::Operate(operation) => operations::write(operation),
        Command::Expire => "expire".to_owned(),
    }
}

fn write_session(session: Option<&Session>) -> String {
    let Some(Session { connection, key, label, on_disconnect }) = session else {
        return String::new();
    };
    let release = match on_disconnect {
        OnDisconnect::Expire => "",
        OnDisconnect::Release => " release",
    };
    let label = option("label", label.as_ref());
    format!(" connection {connection} key {}{label}{release}", key.secret())
}

/// The reply on the first line, the effects below it; those that happened after the reply begin with `then`.
pub(crate) fn write_outcome(outcome: &Outcome) -> String {
    let mut text = match &outcome.reply {
        Ok(reply) => write_reply(reply),
        Err(refusal) => format!("refused {}: {refusal}", refusal.code()),
    };
    for (number, effect) in outcome.effects.iter().enumerate() {
        let then = if number < outcome.before_reply { "" } else { "then " };
        let _ = write!(text, "\n  {then}{}", write_effect(effect));
    }
    text
}

fn write_reply(reply: &Reply) -> String {
    match reply {
        Reply::Opened => "opened".to_owned(),
        Reply::Restored { locks } => format!("restored{}", write_locks(locks)),
        Reply::KeptAlive => "kept alive".to_owned(),
        Reply::Bound { locks, pending } => {
            format!("bound{}{}", write_locks(locks), option("ticket", *pending))
        }
        Reply::Disconnected { peers } => format!("disconnected {peers}"),
        Reply::Closed => "closed".to_owned(),
        Reply::Held { locks } => format!("held{}", write_locks(locks)),
        Reply::Queued { ticket, position, eta } => {
            format!("queued ticket {ticket} position {position}{}", option("eta", *eta))
        }
        Reply::Reserved { permit, from, until } => {
            let (from, until) = (write_time(*from), write_time(*until));
            format!("reserved permit {permit} from {from} until {until}")
        }
        Reply::Settled => "settled".to_owned(),
        Reply::BackedOff { until } => format!("closed until {}", write_time(*until)),
        Reply::Released { locks } => format!("released {locks}"),
        Reply::Cancelled { ticket } => format!("cancelled{}", option("ticket", *ticket)),
        Reply::Changed(changes) => {
            let change = |Change { name, before, after }: &Change| {
                let (before, after) = (write_semaphore(*before), write_semaphore(*after));
                format!("{name} changed from {before} to {after}")
            };
            changes.iter().map(change).collect::<Vec<_>>().join(", ")
        }
        Reply::Revoked { revoked, until } => {
            let revoked = revoked.iter().map(write_revoked).collect::<Vec<_>>().join(",");
            format!("revoked at {}:{revoked}", write_time(*until))
        }
        Reply::Expired { peers } => format!("expired {peers}"),
    }
}

fn write_effect(effect: &Effect) -> String {
    match effect {
        Effect::Granted { peer, ticket, locks, waited, connection } => format!(
            "granted to {peer}{}{} after {waited}{}",
            write_locks(locks),
            option("ticket", *ticket),
            write_owed(*connection)
        ),
        Effect::Ended { peer, ticket, reason, connection } => {
            let owed = write_owed(*connection);
            format!("wait of {peer} ended, ticket {ticket}: {reason:?}{owed}")
        }
        Effect::Released { peer, lock, held, reason, connection } => {
            let owed = write_owed(*connection);
            format!("{peer} no longer holds{} after {held}: {reason:?}{owed}", write_lock(lock))
        }
        Effect::Restored { peer, lock } => format!("restored to {peer}{}", write_lock(lock)),
        Effect::Expired { peer } => format!("{peer} expired"),
        Effect::Closed { peer, connection } => {
            format!("{peer} closed{}", write_owed(Some(*connection)))
        }
        Effect::Yield { revoked, grace, connection } => {
            let owed = write_owed(*connection);
            format!("to be taken in {grace}{}{owed}", write_revoked(revoked))
        }
        Effect::Revoked { revoked, connection } => {
            format!("taken{}{}", write_revoked(revoked), write_owed(*connection))
        }
        Effect::Superseded { peer, connection } => {
            format!("connection {connection} lost {peer}")
        }
    }
}

fn write_semaphore(state: Option<SemaphoreState>) -> String {
    let Some(SemaphoreState { max, level, paused, rate, manners }) = state else {
        return "nothing".to_owned();
    };
    let rate = rate.map(|rate| {
        let (refill, every) = (rate.refill(), rate.every());
        format!("%{refill}/{every}+{}", rate.max_reserved)
    });
    let (rate, manners) = (rate.unwrap_or_default(), manners::write(manners));
    format!("{max}@{level}{rate}{manners}{}", if paused { " paused" } else { "" })
}

fn write_revoked(revoked: &Revoked) -> String {
    let Revoked { peer, locks, whole, why } = revoked;
    let what = if *whole { "peer" } else { "lock of" };
    format!(" {what} {peer}{}{}", write_locks(locks), option("why", why.as_ref()))
}

/// To whom an effect is owed.
fn write_owed(connection: Option<ConnectionId>) -> String {
    connection.map(|connection| format!(", to connection {connection}")).unwrap_or_default()
}

/// All that can be seen of an engine.
pub(crate) fn write_state(engine: &Engine) -> String {
    let mut text = String::new();
    for semaphore in engine.semaphores() {
        let _ = write!(text, "{}: {} of {} held", semaphore.name, semaphore.held, semaphore.max);
        if semaphore.paused {
            text.push_str(" paused");
        }
        if let Some(bucket) = semaphore.bucket {
            let _ = write!(text, ", {} available", bucket.available);
            if bucket.reserved > 0 {
                let _ = write!(text, ", {} reserved", bucket.reserved);
            }
        }
        let name = semaphore.name.as_str();
        let holders: Vec<_> = engine.holders(name).map(|(peer, ..)| peer.to_string()).collect();
        if !holders.is_empty() {
            let _ = write!(text, " by {}", holders.join(", "));
        }
        if semaphore.delayed > 0 {
            let _ = write!(text, ", {} delayed", semaphore.delayed);
        }
        if semaphore.waiters > 0 {
            let queue: Vec<_> = engine.queue(name).map(|peer| peer.to_string()).collect();
            let _ = write!(text, ", {} pending: {}", semaphore.pending, queue.join(", "));
        }
        text.push('\n');
    }
    let (mut peers, _) = engine.peers(Default::default(), usize::MAX);
    peers.sort_by_key(|peer| peer.id);
    for peer in peers {
        let _ = writeln!(text, "{}", write_peer(&peer));
    }
    text.trim_end().to_owned()
}

fn write_peer(peer: &PeerView) -> String {
    let life = match peer.life {
        Life::Bound(connection) => format!("bound to {connection}"),
        Life::Until(at) => format!("until {}", write_time(at)),
    };
    let label = peer.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let mut text = format!("peer {}{label} {life}", peer.id);
    if !peer.locks.is_empty() {
        let _ = write!(text, ", holds{}", write_locks(&peer.locks));
    }
    if let Some(ticket) = &peer.pending {
        let parts = ticket.want.iter().map(|(name, count)| format!(" {name}={count}"));
        let until = ticket.until.map(|at| format!(" until {}", write_time(at)));
        let (parts, until) = (parts.collect::<String>(), until.unwrap_or_default());
        let _ = write!(text, ", waits for{parts}{until}");
    }
    text
}

fn write_locks(locks: &[Lock]) -> String {
    locks.iter().map(write_lock).collect()
}

fn write_lock(lock: &Lock) -> String {
    let slots = if lock.slots.is_empty() { String::new() } else { format!("{:?}", lock.slots) };
    format!(" {}={}#{}{}", lock.name, lock.count, lock.fence, slots.replace(' ', ""))
}

fn write_want(want: Option<&Want>) -> String {
    let parts = want.into_iter().flat_map(Want::iter);
    parts.map(|(name, count)| format!(" {name}={count}")).collect()
}

fn write_claims(claims: &Claims) -> String {
    let numbers = |numbers: &BTreeSet<u32>| {
        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let each = claims.iter().map(|(name, it)| format!(" {name}={}", numbers(it)));
    let slots = if claims.iter().len() > 0 { " slots" } else { "" };
    format!("{slots}{}", each.collect::<String>())
}

fn write_time(time: Time) -> Span {
    time.since(Time::default())
}

pub(super) fn option(name: &str, value: Option<impl ToString>) -> String {
    value.map(|value| format!(" {name} {}", value.to_string())).unwrap_or_default()
}
