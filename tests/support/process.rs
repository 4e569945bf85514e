//! Runs commands with a deadline, and kills what is left of them.
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// More than any single step takes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(2);

/// Waits until `condition` gives a value; panics with what was awaited when it does not in time.
pub(crate) fn wait_for<T>(awaited: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} in vain for {awaited}");
        thread::sleep(POLL);
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The exit status, and 128+N where signal N ended the process, as a shell says it.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().or_else(|| self.status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
    }

    /// The same run, which must have succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.with_code(0)
    }

    /// The same run, which must have ended with this [`Ended::code`].
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert!(self.code() == code, "{}\nstdout: {}\nstderr: {}", self.status, self.stdout, self.stderr);
        self
    }
}

/// A running process, the head of a process group of its own that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
    /// Writes there what comes through a terminal.
    copying: Option<JoinHandle<()>>,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Starts `command` in a process group of its own; what it says goes to files, which never fill up.
    pub(crate) fn start(command: &mut Command) -> Self {
        let stderr = tempfile::tempfile().unwrap();
        let inside = stderr.try_clone().unwrap();
        Self::spawn(command, inside.into(), stderr)
    }

    /// The same with a terminal as its standard error.
    pub(crate) fn start_on_terminal(command: &mut Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
        let stderr = tempfile::tempfile().unwrap();
        let mut copy = stderr.try_clone().unwrap();
        let mut running = Self::spawn(command, slave.into(), stderr);
        // With the command's own the terminal would stay open, and nobody would learn that all has been said.
        command.stderr(Stdio::null());
        running.copying = Some(thread::spawn(move || {
            // It ends with an error, EIO, when the last program has closed the terminal.
            let _ = std::io::copy(&mut File::from(master), &mut copy);
        }));
        running
    }

    fn spawn(command: &mut Command, inside: Stdio, stderr: File) -> Self {
        let stdout = tempfile::tempfile().unwrap();
        command.stdout(stdout.try_clone().unwrap()).stderr(inside).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        Self { child, stdout, stderr, copying: None, ended: None }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// What the process has written to its standard output so far.
    pub(crate) fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// What the process has written to its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        text(&self.stderr)
    }

    pub(crate) fn stdin(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Sends a signal to the process alone.
    pub(crate) fn signal(&self, signal: Signal) {
        signal::kill(self.pid(), signal).unwrap();
    }

    /// Sends a signal to the whole group, as a terminal does on Ctrl-C.
    pub(crate) fn signal_group(&self, signal: Signal) {
        signal::killpg(self.pid(), signal).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.poll().is_some()
    }

    fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) -> Ended {
        let end = Instant::now() + DEADLINE;
        while self.poll().is_none() {
            assert!(
                Instant::now() < end,
                "process ran for more than {DEADLINE:?}\nstdout: {}\nstderr: {}",
                self.stdout(),
                self.stderr()
            );
            thread::sleep(POLL);
        }
        if let Some(copying) = self.copying.take() {
            copying.join().unwrap();
        }
        Ended { status: self.ended.unwrap(), stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Also when the head has ended: what it started may still run. The group may be empty by then.
        let _ = signal::killpg(self.pid(), Signal::SIGKILL);
        if self.poll().is_none() {
            let _ = self.child.wait();
        }
    }
}

/// Runs `command` to its end, without input.
pub(crate) fn run(command: &mut Command) -> Ended {
    Running::start(command.stdin(Stdio::null())).wait()
}

fn text(file: &File) -> String {
    // A descriptor of its own would share the offset at which the process writes.
    let mut bytes = Vec::new();
    let mut copy = File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file))).unwrap();
    copy.seek(SeekFrom::Start(0)).unwrap();
    copy.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
