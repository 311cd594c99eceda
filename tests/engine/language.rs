//! Commands and outcomes as text: what scenario scripts are written in, and what a failing simulation prints.

use std::fmt::Write as _;

use throttle::engine::{
    Command, ConnectionId, Count, Effect, Engine, Fence, Level, Life, Limits, Lock, Outcome,
    PeerId, PeerView, Priority, Reply, SemaphoreName, SemaphoreSettings, Settings, Span, Time,
    Want,
};

/// Reads `semaphores A=1 B=5@2 [max_peers=N] [max_expires_in=D] [last_fence=N]`: maxima, levels behind an `@`.
pub(crate) fn parse_settings(line: &str) -> Result<Settings, String> {
    let mut settings =
        Settings { semaphores: Vec::new(), limits: Limits::default(), last_fence: Fence(0) };
    for word in line.split_whitespace().skip(1) {
        let (name, value) = word.split_once('=').ok_or(format!("{word}: not NAME=MAX"))?;
        match name {
            "max_peers" => settings.limits.max_peers = number(value)?,
            "max_expires_in" => settings.limits.max_expires_in = parse_span(value)?,
            "last_fence" => settings.last_fence = Fence(number(value)?),
            name => settings.semaphores.push(parse_semaphore(name, value)?),
        }
    }
    Ok(settings)
}

fn parse_semaphore(name: &str, value: &str) -> Result<SemaphoreSettings, String> {
    let (max, level) = value.split_once('@').unwrap_or((value, "0"));
    let max = Count::new(number(max)?).ok_or(format!("{max}: not a max"))?;
    Ok(SemaphoreSettings { name: parse_name(name)?, max, level: Level(number(level)?) })
}

pub(crate) fn write_settings(settings: &Settings) -> String {
    let mut text = "semaphores".to_owned();
    for semaphore in &settings.semaphores {
        let _ = write!(text, " {}={}@{}", semaphore.name, semaphore.max, semaphore.level);
    }
    let Limits { max_expires_in, max_peers } = settings.limits;
    let _ = write!(text, " max_peers={max_peers} max_expires_in={max_expires_in}");
    text
}

/// Reads one command: `acquire 1 A=1 B=2 priority 3 timeout 10s expires-in 1m` and so on.
pub(crate) fn parse_command(line: &str) -> Result<Command, String> {
    let mut words = Words(line.split_whitespace().peekable());
    let verb = words.next("a command")?;
    if verb == "expire" {
        return Ok(Command::Expire);
    }
    let peer = PeerId(number(words.next("a peer")?)?);
    let command = match verb {
        "open" => Command::Open {
            peer,
            expires_in: parse_span(words.next("a time to live")?)?,
            connection: words.option("connection")?.map(ConnectionId),
        },
        "restore" => {
            let expires_in = parse_span(words.next("a time to live")?)?;
            let connection = words.option("connection")?.map(ConnectionId);
            let held = words.want()?;
            let held = (!held.is_empty()).then(|| Want::new(held)).transpose();
            Command::Restore {
                peer,
                expires_in,
                connection,
                held: held.map_err(|e| e.to_string())?,
            }
        }
        "keep-alive" => {
            Command::KeepAlive { peer, expires_in: parse_span(words.next("a time to live")?)? }
        }
        "bind" => Command::Bind {
            peer,
            connection: ConnectionId(number(words.next("a connection")?)?),
            expires_in: words.span("expires-in")?,
        },
        "unbind" => {
            Command::Unbind { peer, connection: ConnectionId(number(words.next("a connection")?)?) }
        }
        "close" => Command::Close { peer },
        "acquire" => Command::Acquire {
            peer,
            want: Want::new(words.want()?).map_err(|e| e.to_string())?,
            priority: Priority(words.option("priority")?.unwrap_or(0)),
            timeout: words.span("timeout")?,
            expires_in: words.span("expires-in")?,
        },
        "release" if words.0.next_if_eq(&"*").is_some() => Command::Release { peer, names: None },
        "release" => {
            let names: Result<Vec<_>, _> = words.0.by_ref().map(parse_name).collect();
            Command::Release { peer, names: Some(names?) }
        }
        "cancel" => Command::Cancel { peer },
        "leave" => Command::Leave { peer, name: parse_name(words.next("a semaphore")?)? },
        verb => return Err(format!("{verb}: not a command")),
    };
    match words.0.next() {
        None => Ok(command),
        Some(word) => Err(format!("{word}: not expected here")),
    }
}

pub(crate) fn write_command(command: &Command) -> String {
    match command {
        Command::Open { peer, expires_in, connection } => {
            format!("open {peer} {expires_in}{}", option("connection", *connection))
        }
        Command::Restore { peer, expires_in, connection, held } => {
            let connection = option("connection", *connection);
            format!("restore {peer} {expires_in}{connection}{}", write_want(held.as_ref()))
        }
        Command::KeepAlive { peer, expires_in } => format!("keep-alive {peer} {expires_in}"),
        Command::Bind { peer, connection, expires_in } => {
            format!("bind {peer} {connection}{}", option("expires-in", *expires_in))
        }
        Command::Unbind { peer, connection } => format!("unbind {peer} {connection}"),
        Command::Close { peer } => format!("close {peer}"),
        Command::Acquire { peer, want, priority, timeout, expires_in } => format!(
            "acquire {peer}{}{}{}{}",
            write_want(Some(want)),
            option("priority", Some(*priority).filter(|priority| priority.0 != 0)),
            option("timeout", *timeout),
            option("expires-in", *expires_in)
        ),
        Command::Release { peer, names: None } => format!("release {peer} *"),
        Command::Release { peer, names: Some(names) } => {
            let names = names.iter().map(|name| format!(" {name}"));
            format!("release {peer}{}", names.collect::<String>())
        }
        Command::Cancel { peer } => format!("cancel {peer}"),
        Command::Leave { peer, name } => format!("leave {peer} {name}"),
        Command::Expire => "expire".to_owned(),
    }
}

/// The reply on the first line, the effects below it.
pub(crate) fn write_outcome(outcome: &Outcome) -> String {
    let mut text = match &outcome.reply {
        Ok(reply) => write_reply(reply),
        Err(refusal) => format!("refused {}: {refusal}", refusal.code()),
    };
    for effect in &outcome.effects {
        let _ = write!(text, "\n  {}", write_effect(effect));
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
        Reply::Unbound => "unbound".to_owned(),
        Reply::Closed => "closed".to_owned(),
        Reply::Held { locks } => format!("held{}", write_locks(locks)),
        Reply::Queued { ticket } => format!("queued ticket {ticket}"),
        Reply::Released { locks } => format!("released {locks}"),
        Reply::Cancelled { ticket } => format!("cancelled{}", option("ticket", *ticket)),
        Reply::Expired { peers } => format!("expired {peers}"),
    }
}

fn write_effect(effect: &Effect) -> String {
    match effect {
        Effect::Granted { peer, ticket, locks, waited } => format!(
            "granted to {peer}{}{} after {waited}",
            write_locks(locks),
            option("ticket", *ticket)
        ),
        Effect::Ended { peer, ticket, reason } => {
            format!("wait of {peer} ended, ticket {ticket}: {reason:?}")
        }
        Effect::Released { peer, lock, held, reason } => {
            format!("{peer} no longer holds{} after {held}: {reason:?}", write_lock(lock))
        }
        Effect::Restored { peer, lock } => format!("restored to {peer}{}", write_lock(lock)),
        Effect::Expired { peer } => format!("{peer} expired"),
        Effect::Superseded { peer, connection } => {
            format!("connection {connection} lost {peer}")
        }
    }
}

/// All that can be seen of an engine.
pub(crate) fn write_state(engine: &Engine) -> String {
    let mut text = String::new();
    for semaphore in engine.semaphores() {
        let _ = write!(text, "{}: {} of {} held", semaphore.name, semaphore.held, semaphore.max);
        if semaphore.waiters > 0 {
            let queue: Vec<_> = engine.queue(semaphore.name.as_str()).collect();
            let queue: Vec<_> = queue.iter().map(ToString::to_string).collect();
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
    let mut text = format!("peer {} {life}", peer.id);
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
    format!(" {}={}#{}", lock.name, lock.count, lock.fence)
}

fn write_want(want: Option<&Want>) -> String {
    let parts = want.into_iter().flat_map(Want::iter);
    parts.map(|(name, count)| format!(" {name}={count}")).collect()
}

fn write_time(time: Time) -> Span {
    time.since(Time::default())
}

fn option(name: &str, value: Option<impl ToString>) -> String {
    value.map(|value| format!(" {name} {}", value.to_string())).unwrap_or_default()
}

pub(crate) fn parse_span(text: &str) -> Result<Span, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let micros = match &text[digits..] {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        unit => return Err(format!("{unit:?}: not a unit of time")),
    };
    Ok(Span::from_micros(number::<u64>(&text[..digits])?.saturating_mul(micros)))
}

fn parse_name(text: &str) -> Result<SemaphoreName, String> {
    SemaphoreName::new(text).map_err(|error| error.to_string())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text}: not a number here"))
}

/// The words of one line.
struct Words<'a>(std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.0.next().ok_or(format!("{what} is missing"))
    }

    fn option<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        if self.0.next_if_eq(&name).is_none() {
            return Ok(None);
        }
        number(self.next(name)?).map(Some)
    }

    fn span(&mut self, name: &str) -> Result<Option<Span>, String> {
        if self.0.next_if_eq(&name).is_none() {
            return Ok(None);
        }
        parse_span(self.next(name)?).map(Some)
    }

    fn want(&mut self) -> Result<Vec<(SemaphoreName, i64)>, String> {
        let mut want = Vec::new();
        while let Some(word) = self.0.next_if(|word| word.contains('=')) {
            let (name, count) = word.split_once('=').unwrap_or((word, ""));
            want.push((parse_name(name)?, number(count)?));
        }
        Ok(want)
    }
}
