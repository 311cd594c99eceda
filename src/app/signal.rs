//! The signals that end the server: SIGTERM and SIGINT, and on Windows Ctrl+C and the closing of the console.

use std::io;

/// A wish that the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What people call it.
    pub name: &'static str,
    number: u8,
}

impl Signal {
    const INTERRUPT: Self = Self { name: "SIGINT", number: 2 };
    const TERMINATE: Self = Self { name: "SIGTERM", number: 15 };

    /// The exit code of a process that the signal has ended.
    pub const fn exit_code(self) -> i32 {
        128 + self.number as i32
    }
}

/// Receives signals from when it is made. They do not end the process by themselves any more.
#[derive(Debug)]
pub struct Signals {
    interrupt: Interrupt,
    terminate: Terminate,
}

#[cfg(unix)]
type Interrupt = tokio::signal::unix::Signal;
#[cfg(unix)]
type Terminate = tokio::signal::unix::Signal;
#[cfg(windows)]
type Interrupt = tokio::signal::windows::CtrlC;
#[cfg(windows)]
type Terminate = tokio::signal::windows::CtrlClose;

impl Signals {
    /// Starts to receive.
    ///
    /// # Errors
    /// When the system does not let it.
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Starts to receive.
    ///
    /// # Errors
    /// When the system does not let it.
    #[cfg(windows)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close};
        Ok(Self { interrupt: ctrl_c()?, terminate: ctrl_close()? })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::INTERRUPT,
            Some(()) = self.terminate.recv() => Signal::TERMINATE,
            else => std::future::pending().await,
        }
    }
}

/// Asks for the configuration to be read again: SIGHUP. Where there is none, nobody ever asks.
#[derive(Debug)]
pub struct Hangups(#[cfg(unix)] tokio::signal::unix::Signal);

impl Hangups {
    /// Starts to receive. The signal does not end the process any more.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn new() -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?));
        #[cfg(not(unix))]
        return Ok(Self());
    }

    /// The next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
