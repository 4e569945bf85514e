//! Records on their way from the thread that samples to the one that reads: what the ring buffer is to the kernel side.

use super::header;
use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zerocopy::IntoBytes;

/// Most bytes that wait, as in the kernel side's ring.
const MAX_BYTES: usize = molt_common::limits::RING_BYTES as usize;

/// A bounded queue of records, and a descriptor to wait on.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wakeup: EventFd,
    lost: AtomicU64,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    records: VecDeque<Box<[u8]>>,
    bytes: usize,
}

impl Queue {
    pub(super) fn new() -> Result<Self, Errno> {
        let wakeup = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self {
            waiting: Mutex::default(),
            wakeup,
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// Adds a record, or counts it as lost where there is no room.
    pub(super) fn push(&self, record: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes + record.len() > MAX_BYTES {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += record.len();
        waiting.records.push_back(record.into());
        drop(waiting);
        // It is full when nobody has read for long: then it is readable already.
        let _ = self.wakeup.write(1);
    }

    /// Adds a record that is a head alone.
    pub(super) fn push_header(&self, kind: u16, pid: u32, tid: u32) {
        self.push(header(kind, pid, tid).as_bytes());
    }

    /// Hands at most `most` records to `take`, the oldest first. How many there were.
    pub(super) fn drain(&self, most: usize, mut take: impl FnMut(&[u8])) -> usize {
        // Lowered before the look: what comes after it raises it again.
        let _ = self.wakeup.read();
        let mut taken = 0;
        while taken < most {
            let Some(record) = self.pop() else { return taken };
            take(&record);
            taken += 1;
        }
        // There may be more, of which the descriptor is to tell.
        let _ = self.wakeup.write(1);
        taken
    }

    fn pop(&self) -> Option<Box<[u8]>> {
        let mut waiting = self.lock();
        let record = waiting.records.pop_front()?;
        waiting.bytes -= record.len();
        Some(record)
    }

    pub(super) fn events_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Nobody reads any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, Queue};

    /// Records come in order, some at a time; what finds no room is counted.
    #[test]
    fn keeps_order_and_counts_what_is_lost() {
        let queue = Queue::new().unwrap();
        for number in 0..3 {
            queue.push(&[number]);
        }
        queue.push(&vec![0; MAX_BYTES]);
        let mut seen = Vec::new();
        assert_eq!(queue.drain(2, |record| seen.extend_from_slice(record)), 2);
        assert_eq!(queue.drain(2, |record| seen.extend_from_slice(record)), 1);
        assert_eq!((seen, queue.lost()), (vec![0, 1, 2], 1));
    }
}
