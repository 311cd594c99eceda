//! Looking again every second, until somebody has seen enough. Whoever watches is not left alone when the server is
//! away: that is said, and it is tried again.

use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::failure::Failure;
use super::look::{Form, Subject, look};
use super::screen::Screen;
use super::server::Server;

/// From the end of one look to the beginning of the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches until Ctrl+C, which is no failure.
pub(super) fn watch(server: Server, subject: Subject, form: Form) -> Result<(), Failure> {
    let system = |error: std::io::Error| Failure::Trouble(format!("cannot start: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(system)?;
    let (ended, end) = oneshot::channel();
    let watching = async {
        // Nobody need know how it ended when Ctrl+C was faster.
        thread::spawn(move || ended.send(keep_looking(&server, &subject, form)));
        end.await.unwrap_or_else(|_| Err(Failure::Trouble("it has stopped looking".to_owned())))
    };
    runtime.block_on(async {
        tokio::select! {
            // First, so that it listens before anything is shown.
            biased;
            interrupted = tokio::signal::ctrl_c() => {
                Screen::restore(form);
                interrupted.map_err(system)
            }
            ended = watching => ended,
        }
    })
}

fn keep_looking(server: &Server, subject: &Subject, form: Form) -> Result<(), Failure> {
    let mut screen = Screen::for_form(form);
    let mut seen = false;
    loop {
        match look(server, subject, form) {
            Ok(lines) => {
                screen.show(&lines, form)?;
                seen = true;
            }
            Err(Failure::Trouble(message)) => screen.trouble(&message)?,
            // What was there may come back.
            Err(Failure::Refused(message)) if seen => screen.trouble(&message)?,
            Err(failure) => return Err(failure),
        }
        thread::sleep(PAUSE);
    }
}
