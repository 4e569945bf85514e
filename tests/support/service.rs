//! A service that must answer, and who asks it.
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::process::{Running, wait_for};
use super::pythons::Interpreter;

/// More than an answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// service.py under load from one client, which asks again as soon as it is answered.
#[derive(Debug)]
pub(crate) struct Service {
    process: Running,
    answered: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
    client: Option<JoinHandle<Load>>,
}

/// What the client saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) answered: u64,
    /// The longest that it waited for an answer.
    pub(crate) longest: Duration,
}

impl Service {
    pub(crate) fn start(python: &Interpreter) -> Self {
        let mut process = Running::start(python.start().arg("service.py").stdin(Stdio::piped()));
        let port: u16 = wait_for("the service to listen", || {
            assert!(!process.has_ended(), "{}", process.stderr());
            process.stdout().strip_prefix("ready ")?.strip_suffix('\n')?.parse().ok()
        });
        let (answered, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let client = thread::spawn({
            let (answered, enough) = (Arc::clone(&answered), Arc::clone(&enough));
            move || ask(port, &answered, &enough)
        });
        Self { process, answered, enough, client: Some(client) }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.process.pid().as_raw()
    }

    /// Answers in a second, over a time in which nothing else happens.
    pub(crate) fn speed(&self, time: Duration) -> f64 {
        let (before, began) = (self.answered.load(Ordering::Relaxed), Instant::now());
        thread::sleep(time);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand answers")]
        let answers = (self.answered.load(Ordering::Relaxed) - before) as f64;
        answers / began.elapsed().as_secs_f64()
    }

    /// Ends the load, upon which every request must have been answered rightly, and then the service, which must end
    /// by itself.
    pub(crate) fn end(mut self) -> Load {
        self.enough.store(true, Ordering::Relaxed);
        let load = self.client.take().unwrap().join().unwrap();
        assert!(!self.process.has_ended(), "{}", self.process.stderr());
        drop(self.process.stdin());
        let ended = self.process.wait().succeeded();
        assert!(ended.stdout.ends_with("done\n") && ended.stderr.is_empty(), "{}", ended.stderr);
        load
    }
}

/// Asks until it is enough; panics at a wrong answer, or at none.
fn ask(port: u16, answered: &AtomicU64, enough: &AtomicBool) -> Load {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut load = Load { answered: 0, longest: Duration::ZERO };
    while !enough.load(Ordering::Relaxed) {
        let began = Instant::now();
        // In one piece: the second of two would wait for the first one's receipt.
        stream.write_all(format!("{}\n", load.answered % 1000).as_bytes()).unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        load.longest = load.longest.max(began.elapsed());
        assert_eq!(line.trim().parse(), Ok(expected(load.answered % 1000)));
        load.answered += 1;
        answered.store(load.answered, Ordering::Relaxed);
    }
    load
}

/// What the service works out.
fn expected(number: u64) -> u64 {
    (0..3).flat_map(|add| (0..200).map(move |step| step * (number + add) % 7)).sum()
}
