//! What a hit of a probe costs on this machine, measured on a function of molt's own.

mod work;

use super::calls::HookError;
use super::load::Kernel;
use super::ticks::Ticks;
use super::uprobes::{Place, Scope};
use molt_common::call::Meter;
use molt_common::config::{PROCESS_CALLS, PROCESS_EFFECTS, PROCESS_READY, ProcessConfig};
use procfs::process::Process;
use std::hint::black_box;
use std::thread;
use std::time::Instant;
use work::Work;
use zerocopy::FromZeros;

/// Calls of one round, which takes about half a millisecond, and rounds, the quickest of which counts.
const CALLS: usize = 1_000;
const ROUNDS: usize = 7;
/// Rounds at once that a clock ticks into: a dozen times or more.
const TICKED: u64 = 4;
/// What is left behind by a trap is no less than the first part of it and no more than the second, whatever a busy machine
/// makes of the measurement. CPython 3.11 to 3.15 took 50 to 140 ns longer for a hit, of which the trap took 570.
const LEAST_AFTER: u64 = 7;
const MOST_AFTER: u64 = 4;

/// What a tracepoint adds to every system call besides its program (`syscall_trace_enter`, `kernel/entry/common.c`).
const TRACED_SYSCALL_NS: u64 = 80;

/// What a hit costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HitCost {
    /// Of one for nothing: the trap, and asking whether it is to be counted. In nanoseconds, like the others.
    pub trap_ns: u64,
    /// The part of that which is no time in the kernel: the code behind the trap runs slower, since caches and
    /// predictions are the kernel's. It is that of an interpreter with much to do between two hits.
    pub after_ns: u64,
    /// How long such a hit is by the meter, which reads the clock twice.
    pub empty_ns: u64,
    /// Of an interrupt of a processor's clock, with what it leaves behind: on a virtual machine ten times that of a trap.
    pub interrupt_ns: u64,
}

impl HitCost {
    /// The mean of hits that were metered like this, in nanoseconds.
    pub fn of(&self, meter: &Meter) -> u64 {
        self.trap_ns + mean_ns(meter).unwrap_or(self.empty_ns).saturating_sub(self.empty_ns)
    }

    /// As [`Self::of`], of hits that see effects, imports and collections.
    pub fn of_effect(&self, meter: &Meter) -> u64 {
        let mean = meter.effects_ns.checked_div(meter.effects_timed).unwrap_or(self.empty_ns);
        self.trap_ns + mean.saturating_sub(self.empty_ns)
    }

    /// As [`Self::of`], of hits that see requests of memory.
    pub fn of_allocation(&self, meter: &Meter) -> u64 {
        let mean = meter.allocations_ns.checked_div(meter.allocations_timed).unwrap_or(self.empty_ns);
        self.trap_ns + mean.saturating_sub(self.empty_ns)
    }

    /// As [`Self::of`], of system calls, which need no trap, but take the longer way into the kernel.
    pub fn of_syscall(&self, meter: &Meter) -> u64 {
        let mean = meter.syscalls_ns.checked_div(meter.syscalls_timed).unwrap_or(self.empty_ns);
        TRACED_SYSCALL_NS + mean.saturating_sub(self.empty_ns)
    }
}

fn mean_ns(meter: &Meter) -> Option<u64> {
    meter.timed_ns.checked_div(meter.timed)
}

impl Kernel {
    /// Measures it, in about 30 ms, with every hit granted; `ticks` tick for that. What the meter shows from then on does
    /// not count these.
    pub fn measure_hits(&mut self, ticks: Option<&Ticks>) -> Result<HitCost, HookError> {
        let pid = std::process::id();
        let offset = offset_in_file(place as extern "C" fn() as usize as u64).ok_or(HookError::Path)?;
        let mut config = ProcessConfig::new_zeroed();
        config.flags = PROCESS_CALLS | PROCESS_READY;
        let work = Work::new(CALLS);
        let bare_ns = quickest(|| work.round_ns(place));
        self.grant(None)?;
        self.trace(pid, &config).map_err(|_refused| HookError::Unprepared)?;
        let interrupt_ns = ticks.map(|ticks| interrupt_ns(&work, bare_ns, ticks));
        let library = self.library.as_ref().ok_or(HookError::Unprepared)?;
        let scope = Scope { pid: Some(pid), returns: false };
        let program = library.program("call_measure")?;
        let links = program.attach(c"/proc/self/exe", &[Place { offset, cookie: 0 }], scope)?;
        let each = |ns: u64| ns / CALLS as u64;
        let alone_ns = each(quickest(calls_ns));
        let among_work_ns = each(quickest(|| work.round_ns(place)).saturating_sub(bare_ns));
        // Where there is no thread to wait for the kernel, the link is gone all the same.
        let _ = thread::Builder::new().name("molt-unhook".to_owned()).spawn(move || drop(links));
        self.forget(pid);
        let meter = self.meter()?;
        self.calls.measured = meter;
        let after_ns = among_work_ns.saturating_sub(alone_ns);
        let after_ns = after_ns.clamp(alone_ns / LEAST_AFTER, alone_ns / MOST_AFTER);
        let empty_ns = mean_ns(&meter).unwrap_or(0);
        let trap_ns = alone_ns + after_ns;
        // Without ticks there are samples alone, and an interrupt costs no less than a trap.
        Ok(HitCost { trap_ns, after_ns, empty_ns, interrupt_ns: interrupt_ns.unwrap_or(trap_ns) })
    }
}

/// What one of these ticks takes of `work`, a round of which lasts so long without them.
fn interrupt_ns(work: &Work, bare_ns: u64, ticks: &Ticks) -> u64 {
    ticks.enable(true);
    let ticking_ns = quickest(|| (0..TICKED).map(|_| work.round_ns(place)).sum());
    ticks.enable(false);
    let taken_ns = ticking_ns.saturating_sub(TICKED * bare_ns);
    taken_ns.saturating_mul(ticks.period_ns()).checked_div(ticking_ns).unwrap_or(0)
}

impl Kernel {
    /// Measures how much longer a system call takes that a traced process makes, in nanoseconds; none where they cannot
    /// be watched.
    pub fn measure_syscalls(&mut self) -> Option<u64> {
        let pid = std::process::id();
        let mut config = ProcessConfig::new_zeroed();
        config.flags = PROCESS_EFFECTS | PROCESS_READY;
        self.trace(pid, &config).ok()?;
        let bare_ns = quickest(syscalls_ns);
        let watched = self.watch_syscalls(std::iter::empty());
        let watched_ns = quickest(syscalls_ns);
        self.ignore_syscalls();
        self.forget(pid);
        watched.ok()?;
        Some(watched_ns.saturating_sub(bare_ns) / CALLS as u64)
    }
}

/// How long as many system calls take that do nothing.
fn syscalls_ns() -> u64 {
    let began = Instant::now();
    for _ in 0..CALLS {
        black_box(nix::unistd::getppid());
    }
    nanos_since(began)
}

/// How long the calls alone take.
fn calls_ns() -> u64 {
    let began = Instant::now();
    for _ in 0..CALLS {
        black_box(place as extern "C" fn())();
    }
    nanos_since(began)
}

fn nanos_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The quickest of some rounds: whatever else the machine does only adds to one.
fn quickest(round: impl FnMut() -> u64) -> u64 {
    std::iter::repeat_with(round).take(ROUNDS).min().unwrap_or(0)
}

/// Where in molt's file the code at `address` is.
fn offset_in_file(address: u64) -> Option<u64> {
    let maps = Process::myself().ok()?.maps().ok()?;
    let map = maps.iter().find(|map| (map.address.0..map.address.1).contains(&address))?;
    Some(address - map.address.0 + map.offset)
}

/// Begins with an instruction that the kernel emulates, like those where interpreters are probed.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
extern "C" fn place() {
    std::arch::naked_asm!("jmp 2f", "2:", "ret");
}

/// Begins with whatever the compiler makes of it.
#[cfg(not(target_arch = "x86_64"))]
#[inline(never)]
extern "C" fn place() {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock that is read for the meter is a part of no hit.
    #[test]
    fn a_hit_costs_its_trap_and_its_program() {
        let cost = HitCost { trap_ns: 450, empty_ns: 30, ..HitCost::default() };
        let meter = Meter { timed: 4, timed_ns: 4 * 230, ..Meter::default() };
        assert_eq!(cost.of(&meter), 650);
        assert_eq!(cost.of(&Meter::default()), 450);
    }

    /// The probed function lies in a file.
    #[test]
    fn finds_its_own_code() {
        assert!(offset_in_file(place as extern "C" fn() as usize as u64).is_some());
        assert_eq!(offset_in_file(1), None);
    }
}
