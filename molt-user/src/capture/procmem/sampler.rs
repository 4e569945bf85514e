//! Samples what runs, at the rate asked for.
//!
//! A process earns a sample with each period of CPU time that it uses, as the kernel's clock would take one. It is
//! spent on a thread that runs when the sampler looks; a program that mostly sleeps waits until it is caught running.

use super::cpu;
use super::family::{Family, Image};
use super::header;
use super::queue::Queue;
use super::stack;
use super::state::States;
use crate::clock::monotonic_ns;
use crate::symbolize::memory::ProcessMemory;
use molt_common::config::{PROCESS_READY, ProcessConfig};
use molt_common::event::KIND_SAMPLE;
use molt_common::event::sample::{
    FRESH, Frame, NO_PYTHON, NOT_READY, STACK_CUT, STACK_TORN, STACK_VALUES, Sample,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use zerocopy::IntoBytes;

/// Most CPU time that waits for its samples, in nanoseconds, where that is more than a period: more than the scheduler
/// takes to tell of it.
const MOST_CREDIT_NS: u64 = 40_000_000;

/// What is sampled.
#[derive(Debug)]
pub(super) struct Sampler {
    period_ns: u64,
    queue: Arc<Queue>,
    processes: BTreeMap<u32, Sampled>,
    family: Family,
    /// CPU time of processes that are sampled no more.
    ended_ns: u64,
}

/// A process.
#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) config: ProcessConfig,
    pub(super) image: Image,
    memory: ProcessMemory,
    states: States,
    /// Its threads as molt knows them and as it knows them itself, and which of them is looked at first.
    threads: Vec<(u32, u32)>,
    turn: usize,
    /// CPU time: when sampling began, now, and that for which samples are to be taken.
    began_ns: u64,
    cpu_ns: u64,
    credit_ns: u64,
}

/// Samples until the queue is closed.
pub(super) fn run(sampler: &Mutex<Sampler>, queue: &Queue) {
    let lock = || sampler.lock().unwrap_or_else(PoisonError::into_inner);
    let period_ns = lock().period_ns;
    let mut next_ns = monotonic_ns();
    while !queue.is_closed() {
        let now_ns = monotonic_ns();
        if now_ns < next_ns {
            thread::park_timeout(Duration::from_nanos(next_ns - now_ns));
            continue;
        }
        lock().tick(now_ns);
        // Ticks that were missed are not made up for.
        next_ns = (next_ns + period_ns).max(now_ns);
    }
}

impl Sampler {
    /// Nothing to sample yet.
    pub(super) fn new(hz: u32, queue: Arc<Queue>) -> Self {
        let period_ns = 1_000_000_000 / u64::from(hz.max(1));
        Self { period_ns, queue, processes: BTreeMap::new(), family: Family::default(), ended_ns: 0 }
    }

    /// Samples process `pid` as `config` says, from now on or otherwise than before.
    pub(super) fn trace(&mut self, pid: u32, config: &ProcessConfig) {
        if let Some(known) = self.processes.get_mut(&pid) {
            known.config = *config;
        } else {
            self.processes.insert(pid, Sampled::new(pid, config));
        }
    }

    /// Samples process `pid` no more.
    pub(super) fn forget(&mut self, pid: u32) {
        if let Some(ended) = self.processes.remove(&pid) {
            self.ended_ns += ended.cpu_ns - ended.began_ns;
        }
    }

    /// Notices at once that process `pid` runs another program.
    pub(super) fn check_image(&mut self, pid: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.check_image(pid, Image::of(pid), &self.queue);
        }
    }

    /// CPU time of all processes while they were sampled.
    pub(super) fn cpu_ns(&self) -> u64 {
        let running = self.processes.values().map(|process| process.cpu_ns - process.began_ns);
        self.ended_ns + running.sum::<u64>()
    }

    fn tick(&mut self, now_ns: u64) {
        let most_ns = MOST_CREDIT_NS.max(4 * self.period_ns);
        for (pid, process) in &mut self.processes {
            process.earn(*pid, most_ns);
            if process.credit_ns >= self.period_ns {
                process.spend(*pid, self.period_ns, &self.queue);
            }
        }
        if self.family.is_due(now_ns) {
            for pid in self.family.look(now_ns, &mut self.processes, &self.queue) {
                self.forget(pid);
            }
        }
    }
}

impl Sampled {
    pub(super) fn new(pid: u32, config: &ProcessConfig) -> Self {
        let cpu_ns = cpu::process_ns(pid).unwrap_or(0);
        let mut process = Self {
            config: *config,
            image: Image::of(pid),
            memory: ProcessMemory::new(pid.cast_signed()),
            states: States::default(),
            threads: Vec::new(),
            turn: 0,
            began_ns: cpu_ns,
            cpu_ns,
            credit_ns: 0,
        };
        process.set_threads(pid, &cpu::threads(pid));
        process
    }

    /// These are its threads now.
    pub(super) fn set_threads(&mut self, pid: u32, threads: &[u32]) {
        let known: BTreeMap<u32, u32> = self.threads.iter().copied().collect();
        let inner = |tid: &u32| known.get(tid).copied().unwrap_or_else(|| cpu::inner_tid(pid, *tid));
        self.threads = threads.iter().map(|tid| (*tid, inner(tid))).collect();
    }

    /// The ids of its threads when they were looked at last.
    pub(super) fn threads(&self) -> impl Iterator<Item = u32> {
        self.threads.iter().map(|(tid, _)| *tid)
    }

    /// Notices that it runs another program, whose interpreter is not known yet.
    pub(super) fn check_image(&mut self, pid: u32, image: Image, queue: &Queue) {
        if image.is_other_than(self.image) {
            self.config.flags &= !PROCESS_READY;
            self.states = States::default();
            queue.push_header(molt_common::event::KIND_EXEC, pid, pid);
            self.image = image;
        }
    }

    /// Adds the CPU time that it has used meanwhile.
    fn earn(&mut self, pid: u32, most_ns: u64) {
        let now_ns = cpu::process_ns(pid).unwrap_or(self.cpu_ns).max(self.cpu_ns);
        self.credit_ns = (self.credit_ns + (now_ns - self.cpu_ns)).min(most_ns);
        self.cpu_ns = now_ns;
    }

    /// Samples the threads that run, each in its turn, as far as the time that was used allows.
    fn spend(&mut self, pid: u32, period_ns: u64, queue: &Queue) {
        for step in 0..self.threads.len() {
            let at = (self.turn + step) % self.threads.len();
            let Some((tid, inner)) = self.threads.get(at).copied() else { return };
            let Some(processor) = cpu::running_on(pid, tid) else { continue };
            cpu::go_to(processor);
            self.sample(pid, tid, inner, queue);
            self.credit_ns -= period_ns;
            if self.credit_ns < period_ns {
                self.turn = at + 1;
                return;
            }
        }
    }

    /// Sends the stack of one thread.
    fn sample(&mut self, pid: u32, tid: u32, inner: u32, queue: &Queue) {
        let mut sample =
            Sample { header: header(KIND_SAMPLE, pid, tid), frames: 0, fault: 0, values: [0; STACK_VALUES] };
        let mut frames: Vec<Frame> = Vec::new();
        let flags = &mut sample.header.flags;
        if self.config.flags & PROCESS_READY == 0 {
            *flags = NOT_READY;
        } else {
            match self.stack(pid, inner) {
                Ok(stack) if stack.frames.is_empty() => *flags = NO_PYTHON,
                Ok(stack) => {
                    *flags = if stack.cut { FRESH | STACK_CUT } else { FRESH };
                    frames = stack.frames;
                }
                Err(fault) => {
                    *flags = STACK_TORN;
                    sample.fault = fault as u32;
                }
            }
        }
        sample.frames = u32::try_from(frames.len()).unwrap_or(0);
        queue.push(&[sample.as_bytes(), frames.as_bytes()].concat());
    }

    fn stack(&mut self, pid: u32, inner: u32) -> Result<stack::Stack, molt_common::fault::Fault> {
        let main = self.threads.iter().find(|(tid, _)| *tid == pid).map_or(pid, |(_, inner)| *inner);
        let tstate = self.states.find(&self.memory, &self.config, main, inner)?;
        if tstate == 0 {
            return Ok(stack::Stack::default());
        }
        stack::read(&self.memory, &self.config.layout, tstate)
    }
}
