//! A process on a terminal, whose keys are pressed and whose screen is read by the test.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::openpty;

use crate::server::eventually;

/// A process in a session of its own, on a terminal that the test looks at.
pub(crate) struct OnTerminal {
    child: Child,
    keys: File,
    pub(crate) screen: Arc<Mutex<String>>,
    /// How much of it was waited for.
    seen: usize,
}

impl OnTerminal {
    pub(crate) fn start(program: &Command) -> Self {
        let pair = openpty(None, None).unwrap();
        let (master, slave) = (File::from(pair.master), File::from(pair.slave));
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.stdin(Stdio::from(slave.try_clone().unwrap()));
        session.stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
        let child = session.spawn().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let (shown, mut output) = (Arc::clone(&screen), master.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { child, keys: master, screen, seen: 0 }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Returns when the text is there, behind what was waited for before.
    pub(crate) async fn shows(&mut self, text: &str) {
        let find = || self.screen.lock().unwrap()[self.seen..].find(text);
        let what = format!("the terminal shows {text:?}");
        eventually(&what, || async { find().is_some() }).await;
        self.seen += find().unwrap() + text.len();
    }

    pub(crate) async fn exit_code(mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        eventually("it ends", || async { child.lock().unwrap().try_wait().unwrap().is_some() })
            .await;
        self.child.wait().unwrap().code()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the terminal shows:\n{}", self.screen.lock().unwrap());
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
