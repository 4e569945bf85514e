//! Another process's memory, read with `process_vm_readv`. Its owner may read it without privileges, as far as
//! ptrace would let them. Where a seccomp filter refuses that call, `/proc/PID/mem` gives the same to the same readers.

use molt_common::fault::Fault;
use molt_common::walk::{Memory, checked};
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::cell::{Cell, OnceCell};
use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;

/// Most pieces that one system call reads (`UIO_MAXIOV`, `include/uapi/linux/uio.h`).
const MAX_PIECES: usize = 1024;

/// How many reads failed, by cause, after one more try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadFailures {
    /// The page is not mapped (`EFAULT`), or only the first part of the range is.
    pub unmapped: u64,
    /// The process has ended (`ESRCH`).
    pub gone: u64,
    /// This process may not read that one (`EPERM`).
    pub denied: u64,
    /// Anything else.
    pub other: u64,
    /// Reads that failed once and then did not; they are no failures.
    pub retried: u64,
}

impl ReadFailures {
    /// Those that were lost, under the names that the artifact's `collector.loss` has for their causes.
    pub fn by_cause(&self) -> [(&'static str, u64); 4] {
        [
            ("unmapped_read", self.unmapped),
            ("late_read", self.gone),
            ("denied_read", self.denied),
            ("failed_read", self.other),
        ]
    }
}

/// The memory of a running process.
#[derive(Debug)]
pub struct ProcessMemory {
    pid: Pid,
    failures: Cell<ReadFailures>,
    /// `/proc/PID/mem`, opened when the system call was refused; `None` where it cannot be.
    file: OnceCell<Option<File>>,
}

impl ProcessMemory {
    /// The memory of process `pid`. Nothing is read yet.
    pub fn new(pid: i32) -> Self {
        Self { pid: Pid::from_raw(pid), failures: Cell::default(), file: OnceCell::new() }
    }

    /// The failures so far.
    pub fn failures(&self) -> ReadFailures {
        self.failures.get()
    }

    fn try_read(&self, addr: u64, into: &mut [u8]) -> Result<(), Errno> {
        let len = into.len();
        let base = usize::try_from(addr).ok().ok_or(Errno::EFAULT)?;
        match process_vm_readv(self.pid, &mut [IoSliceMut::new(into)], &[RemoteIoVec { base, len }]) {
            Ok(read) if read == len => Ok(()),
            Ok(_) => Err(Errno::EFAULT),
            Err(refused) if is_filtered(refused) => self.read_file(addr, into),
            Err(refused) => Err(refused),
        }
    }

    /// Reads without the system call that was refused.
    fn read_file(&self, addr: u64, into: &mut [u8]) -> Result<(), Errno> {
        let open = || File::open(format!("/proc/{}/mem", self.pid)).ok();
        let file = self.file.get_or_init(open).as_ref().ok_or(Errno::EPERM)?;
        file.read_exact_at(into, addr).map_err(|_unmapped| Errno::EFAULT)
    }

    /// Fills `into` with these pieces, one after the other, each an address and a length: with one system call for up
    /// to [`MAX_PIECES`] of them. What cannot be read is not counted as a failure.
    pub fn read_pieces(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<(), Fault> {
        let mut rest = into;
        for pieces in pieces.chunks(MAX_PIECES) {
            let mut remote = Vec::with_capacity(pieces.len());
            for (addr, len) in pieces {
                let base = usize::try_from(checked(*addr)?).ok().ok_or(Fault::BadPointer)?;
                remote.push(RemoteIoVec { base, len: *len });
            }
            let length = pieces.iter().map(|(_, len)| len).sum();
            let (part, others) = rest.split_at_mut_checked(length).ok_or(Fault::BadPointer)?;
            rest = others;
            match process_vm_readv(self.pid, &mut [IoSliceMut::new(part)], &remote) {
                Ok(read) if read == length => {}
                Err(refused) if is_filtered(refused) => {
                    let mut part = &mut *part;
                    for (addr, len) in pieces {
                        let (piece, others) = part.split_at_mut_checked(*len).ok_or(Fault::BadPointer)?;
                        part = others;
                        self.read_file(*addr, piece).map_err(|_refused| Fault::ReadFault)?;
                    }
                }
                _ => return Err(Fault::ReadFault),
            }
        }
        Ok(())
    }

    fn count(&self, slot: fn(&mut ReadFailures) -> &mut u64) {
        let mut failures = self.failures.get();
        *slot(&mut failures) += 1;
        self.failures.set(failures);
    }
}

impl Memory for ProcessMemory {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        checked(addr)?;
        if self.try_read(addr, into).is_ok() {
            return Ok(());
        }
        match self.try_read(addr, into) {
            Ok(()) => {
                self.count(|failures| &mut failures.retried);
                return Ok(());
            }
            Err(Errno::EFAULT) => self.count(|failures| &mut failures.unmapped),
            Err(Errno::ESRCH) => self.count(|failures| &mut failures.gone),
            Err(Errno::EPERM) => self.count(|failures| &mut failures.denied),
            Err(_) => self.count(|failures| &mut failures.other),
        }
        Err(Fault::ReadFault)
    }
}

/// Whether the call may have been refused by a filter: such a refusal and one that is meant for the process look alike,
/// and who may not read the process may not open its memory either.
fn is_filtered(refused: Errno) -> bool {
    matches!(refused, Errno::EPERM | Errno::EACCES | Errno::ENOSYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process may read itself; a page that nobody mapped is counted under its cause.
    #[test]
    fn reads_memory_and_counts_failures_by_cause() {
        let word = 0x1234_5678_9abc_def0_u64;
        let memory = ProcessMemory::new(std::process::id().cast_signed());
        assert_eq!(memory.read_u64(std::ptr::from_ref(&word).addr() as u64), Ok(word));
        assert_eq!(memory.failures(), ReadFailures::default());
        assert_eq!(memory.read_u64(8), Err(Fault::ReadFault));
        assert_eq!(memory.read_u64(0), Err(Fault::BadPointer));
        assert_eq!(memory.failures(), ReadFailures { unmapped: 1, ..ReadFailures::default() });
    }

    /// Each cause has a name of its own, and a read that went well the second time is no loss.
    #[test]
    fn names_each_cause() {
        let failures = ReadFailures { unmapped: 1, gone: 2, denied: 3, other: 4, retried: 5 };
        let named = [("unmapped_read", 1), ("late_read", 2), ("denied_read", 3), ("failed_read", 4)];
        assert_eq!(failures.by_cause(), named);
    }

    /// What a filter would leave gives the same bytes, and the same failure.
    #[test]
    fn reads_the_same_without_the_system_call() {
        let words = [7_u64, 0x1234_5678_9abc_def0];
        let memory = ProcessMemory::new(std::process::id().cast_signed());
        let mut bytes = [0; 16];
        assert_eq!(memory.read_file(words.as_ptr().addr() as u64, &mut bytes), Ok(()));
        assert_eq!(
            bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>(),
            words
        );
        assert_eq!(memory.read_file(8, &mut bytes), Err(Errno::EFAULT));
        let gone = ProcessMemory::new(i32::MAX);
        assert_eq!(gone.read_file(0x1000, &mut bytes), Err(Errno::EPERM));
    }

    /// No process has this id: the largest that Linux gives is 2^22.
    #[test]
    fn says_that_a_process_is_gone() {
        let memory = ProcessMemory::new(i32::MAX);
        assert_eq!(memory.read_u64(0x1000), Err(Fault::ReadFault));
        assert_eq!(memory.failures().gone, 1);
    }
}
