//! Waits for a process that is yet to be started, as a sidecar does for the program beside it.

use super::Failure;
use crate::diagnose::command;
use crate::diagnose::subject::{Untraceable, find_process};
use crate::discover::privileges::Privileges;
use crate::discover::{DiscoverError, Process};
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Pause between two looks at the processes. A look at a few hundred of them takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(50);

/// The process that is waited for: the oldest that runs Python and has both.
#[derive(Clone, Debug, Default)]
pub struct Awaited {
    /// How the name of its program begins, the file's or the one that it was called by.
    pub program: Option<String>,
    /// A part of its command line, the arguments joined by spaces.
    pub command: Option<String>,
    /// Longest time to wait; for ever if `None`.
    pub timeout: Option<Duration>,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("process that runs Python")?;
        if let Some(program) = &self.program {
            write!(f, ", whose program's name begins with {program:?}")?;
        }
        if let Some(command) = &self.command {
            write!(f, ", whose command line contains {command:?}")?;
        }
        Ok(())
    }
}

impl Awaited {
    /// Waits until there is such a process, and gives its id. A Python that cannot be traced ends the wait: it will not
    /// change by itself.
    pub fn wait(&self) -> Result<u32, Failure> {
        let end = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(pid) = self.look()? {
                return Ok(pid);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                let waited = self.timeout.unwrap_or_default();
                return Err(Failure::new(
                    anyhow::anyhow!("waited {waited:?} in vain for a {self}"),
                    [OUT_OF_SIGHT.to_owned()],
                ));
            }
            thread::sleep(PAUSE);
        }
    }

    /// The oldest such process.
    fn look(&self) -> Result<Option<u32>, Failure> {
        let mut fitting = Vec::new();
        for pid in Process::all() {
            if pid.cast_unsigned() == std::process::id() {
                continue;
            }
            if let Ok(process) = Process::read(pid)
                && self.fits(process.exe.as_deref(), &process.command)
            {
                fitting.push((process.start_ticks, pid.cast_unsigned()));
            }
        }
        fitting.sort_unstable();
        for (_, pid) in fitting {
            match find_process(pid) {
                Ok(found) if found.interpreter.is_some() => return Ok(Some(pid)),
                // It may run Python in a moment, or has ended.
                Ok(_)
                | Err(
                    Untraceable::NotYet { .. }
                    | Untraceable::OtherProgram { .. }
                    | Untraceable::Discover(
                        DiscoverError::NoSuchProcess { .. }
                        | DiscoverError::Vanished { .. }
                        | DiscoverError::KernelThread { .. },
                    ),
                ) => {}
                Err(refused) => {
                    let advice = refused.advice(&Privileges::read(), &command::line());
                    return Err(Failure::new(refused, advice));
                }
            }
        }
        Ok(None)
    }

    /// Whether a process with this executable and command line is the one.
    fn fits<T: AsRef<OsStr>>(&self, exe: Option<&Path>, command: &[T]) -> bool {
        let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        let names = [exe.and_then(name), command.first().and_then(|first| name(Path::new(first)))];
        let begins = |wanted: &String| names.iter().flatten().any(|name| name.starts_with(wanted));
        let words: Vec<_> = command.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        self.program.as_ref().is_none_or(begins)
            && self.command.as_ref().is_none_or(|wanted| words.join(" ").contains(wanted))
    }
}

/// Why a process that runs may not be found.
const OUT_OF_SIGHT: &str = "processes of other containers are out of sight unless the pod has shareProcessNamespace: true, or molt's has hostPID: true";

#[cfg(test)]
mod tests {
    use super::Awaited;
    use std::path::Path;

    fn fits(program: Option<&str>, command: Option<&str>) -> bool {
        let awaited =
            Awaited { program: program.map(String::from), command: command.map(String::from), timeout: None };
        awaited
            .fits(Some(Path::new("/usr/bin/python3.11")), &["/usr/bin/gunicorn", "--workers", "4", "app:web"])
    }

    /// The file's name counts and the one that it was called by; of the command line any part.
    #[test]
    fn a_process_fits_by_program_and_by_command_line() {
        assert!(fits(Some("python"), None) && fits(Some("python3.11"), None) && fits(Some("gunicorn"), None));
        assert!(fits(None, Some("--workers 4")) && fits(Some("python"), Some("app:web")));
        for (program, command) in [
            (Some("usr"), None),
            (Some("python3.12"), None),
            (None, Some("celery")),
            (Some("x"), Some("app")),
        ] {
            assert!(!fits(program, command), "{program:?} {command:?}");
        }
    }
}
