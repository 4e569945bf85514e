//! The one file of this stage with unsafe code: fork, and the parts of ptrace and waitpid that nix lacks.

use super::{Command, Ending, LaunchError, RunAs};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::{self, c_int, c_void, pid_t};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, signal};
use nix::unistd::{ForkResult, Pid, fork, pipe2, setgroups, setresgid, setresuid};
use std::ffi::{CString, c_char};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

/// The exit status of a child that has executed nothing. It is seen only where its reason could not be told.
const NOT_EXECUTED: c_int = 127;

/// The type of a ptrace request's number, which C libraries do not agree on.
#[cfg(target_env = "musl")]
type Request = c_int;
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;

/// All that the child needs, made before the fork: after it nothing may be allocated.
#[derive(Debug)]
pub(super) struct Prepared {
    argv: Vec<CString>,
    run_as: Option<RunAs>,
    signal_mask: SigSet,
}

/// A child that waits.
#[derive(Debug)]
pub(super) struct Forked {
    /// Its id.
    pub(super) pid: Pid,
    /// The process itself: unlike its id, it never names another one.
    pub(super) pidfd: OwnedFd,
    /// One byte written here lets it go on; closing ends it.
    pub(super) gate: File,
    /// Where it writes the error number of a failed exec. An exec closes the other end.
    pub(super) failure: File,
}

impl Prepared {
    pub(super) fn new(command: &Command) -> Result<Self, LaunchError> {
        let argv = command.argv.iter().enumerate().map(|(index, argument)| {
            CString::new(argument.clone().into_vec()).map_err(|_nul| LaunchError::NulByte { index })
        });
        let argv = argv.collect::<Result<Vec<_>, _>>()?;
        if argv.is_empty() {
            return Err(LaunchError::EmptyCommand);
        }
        Ok(Self { argv, run_as: command.run_as.clone(), signal_mask: command.signal_mask })
    }

    /// Makes the child.
    pub(super) fn fork(&self) -> Result<Forked, LaunchError> {
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(LaunchError::Fork);
        let ((gate_inside, gate), (failure, failure_inside)) = (pipe()?, pipe()?);
        let mut argv: Vec<*const c_char> = self.argv.iter().map(|argument| argument.as_ptr()).collect();
        argv.push(ptr::null());
        // SAFETY: the child runs `Self::exec` only, which makes system calls on memory that is ready, and
        // allocates nothing: other threads of the parent may hold the allocator's lock for ever.
        match unsafe { fork() }.map_err(LaunchError::Fork)? {
            ForkResult::Parent { child } => {
                let pidfd = open_pidfd(child).map_err(LaunchError::Fork)?;
                Ok(Forked { pid: child, pidfd, gate: gate.into(), failure: failure.into() })
            }
            ForkResult::Child => {
                // While the child held the gate's other end, it would not notice that molt is gone.
                drop(gate);
                self.exec(&argv, gate_inside, failure_inside)
            }
        }
    }

    /// Waits at the gate and executes the command. `argv` points to `self.argv` and ends with null.
    fn exec(&self, argv: &[*const c_char], gate: OwnedFd, failure: OwnedFd) -> ! {
        if File::from(gate).read_exact(&mut [0]).is_ok() {
            let number = self.become_user().and_then(|()| self.restore_signals()).map_or_else(
                |number| number,
                |()| {
                    if let Some(&program) = argv.first() {
                        // SAFETY: all pointers but the last, which is null, are to strings of `self.argv`,
                        // which end with NUL and live as long as `self`.
                        unsafe { libc::execvp(program, argv.as_ptr()) };
                    }
                    Errno::last()
                },
            );
            // If nobody reads it, nobody is there to be told.
            let _ = File::from(failure).write_all(&(number as i32).to_ne_bytes());
        }
        // SAFETY: ends the child without running what the parent has registered for its own end.
        unsafe { libc::_exit(NOT_EXECUTED) }
    }

    fn become_user(&self) -> nix::Result<()> {
        let Some(RunAs { uid, gid, groups }) = &self.run_as else { return Ok(()) };
        if nix::unistd::geteuid().is_root() {
            setgroups(groups)?;
        }
        setresgid(*gid, *gid, *gid)?;
        setresuid(*uid, *uid, *uid)
    }

    /// Undoes what molt did to its own signals. The rest passes through exec.
    fn restore_signals(&self) -> nix::Result<()> {
        // Rust's runtime ignores SIGPIPE, and an ignored signal stays ignored.
        // SAFETY: no handler is installed, and the child has one thread.
        unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }?;
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.signal_mask), None)
    }
}

impl Forked {
    /// Follows the child from now on, in the calling thread. When that fails, the child ends.
    pub(super) fn seize(self) -> Result<Self, LaunchError> {
        match seize(self.pid) {
            Ok(()) => Ok(self),
            Err(source) => {
                let refused = LaunchError::of(self.pid, LaunchError::Trace(source));
                drop(self.gate);
                let _ = wait(self.pid);
                Err(refused)
            }
        }
    }
}

/// The process that has this id now. The caller has not waited for its end yet.
pub(super) fn open_pidfd(pid: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let number = c_int::try_from(Errno::result(number)?).map_err(|_too_large| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, close-on-exec, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Sends a signal, unless the process has ended.
pub(super) fn send_signal(pidfd: &OwnedFd, signal: Signal) {
    let no_details = ptr::null::<libc::siginfo_t>();
    // SAFETY: without details the call takes numbers only.
    unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal as c_int, no_details, 0) };
}

/// What waiting for a followed process gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It has ended, and its id is free.
    Ended(Ending),
    /// It has executed a program, which stands before its first instruction.
    Exec,
    /// Its main thread is about to end.
    Exit,
    /// It was stopped by job control, together with its other threads.
    GroupStop,
    /// A signal is about to be delivered.
    Signal(c_int),
    /// It was stopped for the tracer's sake only, as at the end of a group stop.
    Trap,
}

/// Follows a process. Its exec and its exit stop it; the death of molt lets it run on.
pub(super) fn seize(pid: Pid) -> nix::Result<()> {
    ptrace::seize(pid, Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACEEXIT)
}

/// Stops a followed process, without a signal, soon.
pub(super) fn interrupt(pid: Pid) {
    // Fails only when the process is gone, which `wait` tells.
    let _ = ptrace::interrupt(pid);
}

/// Waits for a change.
pub(super) fn wait(pid: Pid) -> nix::Result<Status> {
    loop {
        match wait_raw(pid, libc::__WALL) {
            Ok(Some(status)) => return Ok(status),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Looks for a change.
pub(super) fn poll(pid: Pid) -> nix::Result<Option<Status>> {
    wait_raw(pid, libc::__WALL | libc::WNOHANG)
}

/// Whether the signal that stopped a process was sent by the kernel itself.
pub(super) fn is_from_kernel(pid: Pid) -> bool {
    ptrace::getsiginfo(pid).is_ok_and(|info| info.si_code == libc::SI_KERNEL)
}

/// Lets a stopped process go on, with a signal or 0. Nix knows no real-time signals.
pub(super) fn resume(pid: Pid, signal: c_int) {
    request(libc::PTRACE_CONT, pid, signal);
}

/// Leaves a process in the stop that job control put it in, and hears when that ends.
pub(super) fn listen(pid: Pid) {
    request(libc::PTRACE_LISTEN, pid, 0);
}

/// The status with which a thread at its exit will end.
pub(super) fn exit_status(pid: Pid) -> Option<Ending> {
    let status = ptrace::getevent(pid).ok()?;
    parse_ending(c_int::try_from(status).ok()?)
}

/// Makes a ptrace request that takes a number. A process that was killed meanwhile cannot be asked any more;
/// its end comes from `wait`.
fn request(request: Request, pid: Pid, number: c_int) {
    let address = ptr::null_mut::<c_void>();
    let number = ptr::without_provenance_mut::<c_void>(usize::try_from(number).unwrap_or(0));
    // SAFETY: these requests ignore the address and take the last argument as a number.
    unsafe { libc::ptrace(request, pid.as_raw(), address, number) };
}

fn wait_raw(pid: Pid, flags: c_int) -> nix::Result<Option<Status>> {
    let mut status = 0;
    // SAFETY: `status` is a writable int.
    let changed: pid_t = unsafe { libc::waitpid(pid.as_raw(), &raw mut status, flags) };
    Ok((Errno::result(changed)? != 0).then(|| parse_status(status)))
}

/// `man 2 ptrace`: an event stands above the status's lower 16 bits.
fn parse_status(status: c_int) -> Status {
    if let Some(ending) = parse_ending(status) {
        return Status::Ended(ending);
    }
    match (status >> 16, libc::WSTOPSIG(status)) {
        (libc::PTRACE_EVENT_EXEC, _) => Status::Exec,
        (libc::PTRACE_EVENT_EXIT, _) => Status::Exit,
        (libc::PTRACE_EVENT_STOP, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => {
            Status::GroupStop
        }
        (0, signal) => Status::Signal(signal),
        _ => Status::Trap,
    }
}

fn parse_ending(status: c_int) -> Option<Ending> {
    if libc::WIFEXITED(status) {
        return u8::try_from(libc::WEXITSTATUS(status)).ok().map(Ending::Code);
    }
    let number = u8::try_from(libc::WTERMSIG(status)).ok()?;
    libc::WIFSIGNALED(status).then(|| Ending::Signal { number, core: libc::WCOREDUMP(status) })
}

#[cfg(test)]
mod tests {
    use super::{Ending, Status, parse_status};

    /// Statuses as the kernel makes them.
    #[test]
    fn tells_statuses_apart() {
        assert_eq!(parse_status(0x0300), Status::Ended(Ending::Code(3)));
        assert_eq!(parse_status(9), Status::Ended(Ending::Signal { number: 9, core: false }));
        assert_eq!(parse_status(0x8b), Status::Ended(Ending::Signal { number: 11, core: true }));
        assert_eq!(parse_status(0x0a7f), Status::Signal(10));
        assert_eq!(parse_status(0x287f), Status::Signal(40), "a real-time signal");
        assert_eq!(parse_status(0x0004_057f), Status::Exec);
        assert_eq!(parse_status(0x0006_057f), Status::Exit);
        assert_eq!(parse_status(0x0080_137f), Status::GroupStop);
        assert_eq!(parse_status(0x0080_057f), Status::Trap);
        assert_eq!(parse_status(0x137f), Status::Signal(19), "delivered, and not yet a stop");
    }
}
