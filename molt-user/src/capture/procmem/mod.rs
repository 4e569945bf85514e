//! The backend without privileges: reads the memory of processes that molt may ptrace, from user space, without
//! stopping them.
//!
//! A thread of its own does what the kernel side's programs do, as far as that can be done from outside: it samples
//! threads while they run ([`cpu`], [`state`], [`stack`]) and notices processes that begin, run another program and
//! end ([`family`]). Records are those of the kernel side.

mod cpu;
mod family;
mod queue;
mod sampler;
mod stack;
mod state;

use molt_common::config::ProcessConfig;
use molt_common::event::Header;
use nix::errno::Errno;
use queue::Queue;
use sampler::Sampler;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Why the sampling thread could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ProcmemError {
    /// The thread that samples could not be made.
    #[error("failed to start the sampling thread")]
    Thread(#[source] io::Error),
    /// What wakes the reader could not be made.
    #[error("failed to make an event descriptor")]
    Wakeup(#[source] Errno),
}

/// Samples processes until it is dropped.
#[derive(Debug)]
pub struct Procmem {
    sampler: Arc<Mutex<Sampler>>,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    /// CPU time and lost records of the last account.
    told: (u64, u64),
}

impl Procmem {
    /// Samples `hz` times a second of CPU time whatever [`Procmem::trace`] names.
    pub fn start(hz: u32) -> Result<Self, ProcmemError> {
        let queue = Arc::new(Queue::new().map_err(ProcmemError::Wakeup)?);
        let sampler = Arc::new(Mutex::new(Sampler::new(hz, Arc::clone(&queue))));
        let (shared, sent) = (Arc::clone(&sampler), Arc::clone(&queue));
        let thread = std::thread::Builder::new()
            .name("molt-procmem".to_owned())
            .spawn(move || sampler::run(&shared, &sent))
            .map_err(ProcmemError::Thread)?;
        Ok(Self { sampler, queue, thread: Some(thread), told: (0, 0) })
    }

    /// Samples process `pid` from here on, as `config` says.
    pub fn trace(&self, pid: u32, config: &ProcessConfig) {
        self.lock().trace(pid, config);
    }

    /// Samples process `pid` no more. Nothing happens if it was not sampled.
    pub fn forget(&self, pid: u32) {
        self.lock().forget(pid);
    }

    /// Process `pid` stands at an exec, which is told of if it was not before.
    pub fn at_exec(&self, pid: u32) {
        self.lock().check_image(pid);
    }

    /// Becomes readable when there are records.
    pub fn events_fd(&self) -> BorrowedFd<'_> {
        self.queue.events_fd()
    }

    /// Hands each waiting record's bytes to `take`, oldest first, at most `most` of them.
    pub fn drain(&self, most: usize, take: impl FnMut(&[u8])) -> usize {
        self.queue.drain(most, take)
    }

    /// Since the last account: CPU time of all processes that were sampled, in nanoseconds, and records that found no
    /// room.
    pub fn account(&mut self) -> (u64, u64) {
        let now = (self.lock().cpu_ns(), self.queue.lost());
        let before = std::mem::replace(&mut self.told, now);
        (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1))
    }

    /// A thread that has panicked leaves the counts as they were, which is good enough for the rest of the run.
    fn lock(&self) -> MutexGuard<'_, Sampler> {
        self.sampler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Procmem {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Whatever it ended with, it has ended.
            let _ = thread.join();
        }
    }
}

/// The head of a record of `kind`, now.
fn header(kind: u16, pid: u32, tid: u32) -> Header {
    Header { kind, flags: 0, pid, tid, reserved: 0, time_ns: crate::clock::monotonic_ns() }
}
