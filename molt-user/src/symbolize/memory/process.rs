//! Another process's memory, read with `process_vm_readv`. Its owner may read it without privileges, as far as
//! ptrace would let them.

use molt_common::fault::Fault;
use molt_common::walk::{Memory, checked};
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::cell::Cell;
use std::io::IoSliceMut;

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
    /// All of them.
    pub fn total(&self) -> u64 {
        self.unmapped + self.gone + self.denied + self.other
    }
}

/// The memory of a running process.
#[derive(Debug)]
pub struct ProcessMemory {
    pid: Pid,
    failures: Cell<ReadFailures>,
}

impl ProcessMemory {
    /// The memory of process `pid`. Nothing is read yet.
    pub fn new(pid: i32) -> Self {
        Self { pid: Pid::from_raw(pid), failures: Cell::default() }
    }

    /// The failures so far.
    pub fn failures(&self) -> ReadFailures {
        self.failures.get()
    }

    fn try_read(&self, addr: u64, into: &mut [u8]) -> Result<(), Errno> {
        let len = into.len();
        let base = usize::try_from(addr).ok().ok_or(Errno::EFAULT)?;
        let read = process_vm_readv(self.pid, &mut [IoSliceMut::new(into)], &[RemoteIoVec { base, len }])?;
        if read == len { Ok(()) } else { Err(Errno::EFAULT) }
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
            let read = process_vm_readv(self.pid, &mut [IoSliceMut::new(part)], &remote);
            if read != Ok(length) {
                return Err(Fault::ReadFault);
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

    /// No process has this id: the largest that Linux gives is 2^22.
    #[test]
    fn says_that_a_process_is_gone() {
        let memory = ProcessMemory::new(i32::MAX);
        assert_eq!(memory.read_u64(0x1000), Err(Fault::ReadFault));
        assert_eq!(memory.failures().gone, 1);
    }
}
