//! Commands and outcomes as text: what scenario scripts are written in, and what a failing simulation prints.

mod buckets;
mod manners;
mod operations;
mod wishes;
mod write;

use throttle::engine::{
    Claims, Command, ConnectionId, Count, Fence, Key, Label, Level, Limits, Manners, OnDisconnect,
    Priority, Rate, SemaphoreName, SemaphoreSettings, Session, Settings, Span, Time, Want,
};

pub(crate) use write::{write_command, write_outcome, write_settings, write_state};

/// Reads `semaphores A=1 B=5@2 C=10%5/60s [max_peers=N] [max_semaphores=N] [max_expires_in=D] [last_fence=N]
/// [grants_from=D]
/// [max_keyed=N] [idle_ttl=D] [dynamic=yes]`: maxima, levels behind an `@`, what makes it a bucket behind a `%`:
/// `REFILL/EVERY[+MAX_RESERVED]`, manners behind a `~`.
pub(crate) fn parse_settings(line: &str) -> Result<Settings, String> {
    let mut settings = Settings {
        semaphores: Vec::new(),
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    };
    for word in line.split_whitespace().skip(1) {
        let (name, value) = word.split_once('=').ok_or(format!("{word}: not NAME=MAX"))?;
        match name {
            "max_peers" => settings.limits.max_peers = number(value)?,
            "max_expires_in" => settings.limits.max_expires_in = parse_span(value)?,
            "grants_from" => settings.grants_from = Time::default().after(parse_span(value)?),
            "max_semaphores" => settings.limits.max_semaphores = number(value)?,
            "max_keyed" => settings.limits.max_keyed = number(value)?,
            "idle_ttl" => settings.limits.idle_ttl = parse_span(value)?,
            "dynamic" => settings.limits.dynamic = value == "yes",
            "last_fence" => settings.last_fence = Fence(number(value)?),
            name => settings.semaphores.push(parse_semaphore(name, value)?),
        }
    }
    Ok(settings)
}

fn parse_semaphore(name: &str, value: &str) -> Result<SemaphoreSettings, String> {
    let (value, manners) = match value.split_once('~') {
        Some((value, manners)) => (value, manners::parse(manners)?),
        None => (value, Manners::NONE),
    };
    let (value, rate) = match value.split_once('%') {
        Some((value, rate)) => (value, Some(parse_rate(rate)?)),
        None => (value, None),
    };
    let (max, level) = value.split_once('@').unwrap_or((value, "0"));
    let max = Count::new(number(max)?).ok_or(format!("{max}: not a max"))?;
    let (name, level) = (parse_name(name)?, Level(number(level)?));
    Ok(SemaphoreSettings { name, max, level, rate, manners })
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    let (rate, max_reserved) = match text.split_once('+') {
        Some((rate, max_reserved)) => (rate, Some(number(max_reserved)?)),
        None => (text, None),
    };
    let (refill, every) = rate.split_once('/').ok_or(format!("{rate}: not REFILL/EVERY"))?;
    let refill = Count::new(number(refill)?).ok_or("not a refill")?;
    let mut rate = Rate::new(refill, parse_span(every)?).ok_or("not a rate")?;
    rate.max_reserved = max_reserved.unwrap_or(rate.max_reserved);
    Ok(rate)
}

/// Reads one command: `acquire 1 A=1 B=2 priority 3 timeout 10s expires-in 1m` and so on.
pub(crate) fn parse_command(line: &str) -> Result<Command, String> {
    let mut words = Words(line.split_whitespace().peekable());
    let verb = words.next("a command")?;
    if verb == "expire" {
        return Ok(Command::Expire);
    }
    if verb == "disconnect" {
        let connection = ConnectionId(number(words.next("a connection")?)?);
        return Ok(Command::Disconnect { connection });
    }
    if let Some(command) = buckets::parse(verb, &mut words)? {
        return words.end(command);
    }
    if let Some(operation) = operations::parse(verb, &mut words)? {
        return words.end(Command::Operate(operation));
    }
    let peer = words.next("a peer")?.parse().map_err(|_| "not a peer")?;
    let command = match verb {
        "open" => Command::Open { peer, expires_in: words.life()?, session: words.session()? },
        "restore" => {
            let (expires_in, session, held) = (words.life()?, words.session()?, words.want()?);
            let held = (!held.is_empty()).then(|| Want::new(held)).transpose();
            let held = held.map_err(|e| e.to_string())?;
            let (slots, declared) = (words.claims()?, words.declared()?);
            Command::Restore { peer, expires_in, session, held, slots, declared }
        }
        "keep-alive" => Command::KeepAlive { peer, expires_in: words.life()? },
        "resume" | "adopt" => {
            let expires_in = words.life()?;
            let session = words.session()?.ok_or("a connection is missing")?;
            match verb {
                "resume" => Command::Resume { peer, expires_in, session },
                _ => Command::Adopt { peer, expires_in, session },
            }
        }
        "close" => Command::Close { peer },
        "acquire" => Command::Acquire {
            peer,
            want: Want::new(words.want()?).map_err(|e| e.to_string())?,
            priority: Priority(words.option("priority")?.unwrap_or(0)),
            timeout: words.span("timeout")?,
            max_wait: words.span("max-wait")?,
            expires_in: words.span("expires-in")?,
            declared: words.declared()?,
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
    words.end(command)
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

    /// The command, if nothing is left behind it.
    fn end(mut self, command: Command) -> Result<Command, String> {
        match self.0.next() {
            None => Ok(command),
            Some(word) => Err(format!("{word}: not expected here")),
        }
    }

    fn option<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        if self.0.next_if_eq(&name).is_none() {
            return Ok(None);
        }
        number(self.next(name)?).map(Some)
    }

    fn life(&mut self) -> Result<Span, String> {
        parse_span(self.next("a time to live")?)
    }

    /// `connection 7 [key 5] [label worker] [release]`. The key is 0 for who does not care.
    fn session(&mut self) -> Result<Option<Session>, String> {
        let Some(connection) = self.option("connection")? else { return Ok(None) };
        let key = Key::new(self.option("key")?.unwrap_or(0));
        let label = self.option::<String>("label")?.map(|label| Label::new(&label));
        let label = label.transpose().map_err(|error| error.to_string())?;
        let on_disconnect = match self.0.next_if_eq(&"release") {
            Some(_) => OnDisconnect::Release,
            None => OnDisconnect::Expire,
        };
        let connection = ConnectionId(connection);
        Ok(Some(Session { connection, key, label, on_disconnect }))
    }

    fn span(&mut self, name: &str) -> Result<Option<Span>, String> {
        if self.0.next_if_eq(&name).is_none() {
            return Ok(None);
        }
        parse_span(self.next(name)?).map(Some)
    }

    /// `declare A=3 B=5%1/1s`.
    fn declared(&mut self) -> Result<Box<[SemaphoreSettings]>, String> {
        let mut declared = Vec::new();
        if self.0.next_if_eq(&"declare").is_some() {
            while let Some((name, value)) = self.0.next().and_then(|word| word.split_once('=')) {
                declared.push(parse_semaphore(name, value)?);
            }
        }
        Ok(declared.into())
    }

    /// `slots A=0,3 B=1`.
    fn claims(&mut self) -> Result<Claims, String> {
        let mut claims = Vec::new();
        if self.0.next_if_eq(&"slots").is_some() {
            while let Some(word) = self.0.next_if(|word| word.contains('=')) {
                let (name, numbers) = word.split_once('=').unwrap_or((word, ""));
                let numbers = numbers.split(',').filter(|number| !number.is_empty());
                let numbers: Result<Vec<_>, _> = numbers.map(number).collect();
                claims.push((parse_name(name)?, numbers?));
            }
        }
        Ok(Claims::new(claims))
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
