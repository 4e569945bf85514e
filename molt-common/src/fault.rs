//! Numbered faults and the counters of the kernel side.
//!
//! A number is never reused: recordings and artifacts of older versions keep their meaning.

/// Why an observation could not be made or kept. The number is the slot in the kernel's counter map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Fault {
    /// The ring buffer was full: user space did not drain it in time.
    RingFull = 0,
    /// A read of the target's memory failed: the page is not resident, or the pointer is stale.
    ReadFault = 1,
    /// No thread state was found for a thread that was on a CPU: it runs no Python, or has not begun to.
    NoThreadState = 2,
    /// A pointer in a frame or thread state is null or not in user space.
    BadPointer = 3,
    /// A process was traced before its interpreter was known.
    NotReady = 4,
    /// More processes at once than [`crate::limits::MAX_PROCESSES`].
    ProcessTableFull = 5,
    /// A scratch or configuration map had no entry: the object and its loader disagree.
    MapMissing = 6,
    /// The stack had more than [`crate::limits::MAX_SHIMS`] shim frames in a row: torn memory.
    ShimChain = 7,
    /// More calls open at once than [`crate::call::MAX_OPEN_CALLS`].
    OpenCallsFull = 8,
    /// A call that was counted without types, because the table of tuples was full.
    CallsFull = 9,
    /// A call that was not counted at all, because the table of call sites was full too.
    CallSitesFull = 10,
    /// A call whose start could not be read.
    UnreadCall = 11,
    /// A return whose value could not be read.
    UnreadReturn = 12,
    /// An exception that could not be read.
    UnreadException = 13,
    /// An object that was not copied, because another task on the same CPU was interrupted while it copied one.
    SnapshotBusy = 14,
    /// More pairs of code and event than [`crate::effect::MAX_EFFECTS`].
    EffectsFull = 15,
    /// An audit event or a system call whose code or name could not be read.
    UnreadEffect = 16,
    /// An import or a collection of garbage whose name or number could not be read.
    UnreadHappening = 17,
    /// More tuples of code, module and attribute than [`crate::mutation::MAX_MUTATIONS`].
    MutationsFull = 18,
    /// An assignment to an attribute of a module that could not be read.
    UnreadMutation = 19,
    /// More pieces of code than [`crate::allocation::MAX_ALLOCATIONS`] that allocate.
    AllocationsFull = 20,
    /// An allocation whose code or size could not be read.
    UnreadAllocation = 21,
}

impl Fault {
    /// Every fault, in the order of its number.
    pub const ALL: [Fault; 22] = [
        Fault::RingFull,
        Fault::ReadFault,
        Fault::NoThreadState,
        Fault::BadPointer,
        Fault::NotReady,
        Fault::ProcessTableFull,
        Fault::MapMissing,
        Fault::ShimChain,
        Fault::OpenCallsFull,
        Fault::CallsFull,
        Fault::CallSitesFull,
        Fault::UnreadCall,
        Fault::UnreadReturn,
        Fault::UnreadException,
        Fault::SnapshotBusy,
        Fault::EffectsFull,
        Fault::UnreadEffect,
        Fault::UnreadHappening,
        Fault::MutationsFull,
        Fault::UnreadMutation,
        Fault::AllocationsFull,
        Fault::UnreadAllocation,
    ];

    /// The name under which the artifact's `collector.loss` counts it.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::RingFull => "ring_full",
            Fault::ReadFault => "read_fault",
            Fault::NoThreadState => "no_thread_state",
            Fault::BadPointer => "bad_pointer",
            Fault::NotReady => "interpreter_not_ready",
            Fault::ProcessTableFull => "process_table_full",
            Fault::MapMissing => "map_missing",
            Fault::ShimChain => "shim_chain",
            Fault::OpenCallsFull => "open_calls_full",
            Fault::CallsFull => "calls_full",
            Fault::CallSitesFull => "call_sites_full",
            Fault::UnreadCall => "unread_call",
            Fault::UnreadReturn => "unread_return",
            Fault::UnreadException => "unread_exception",
            Fault::SnapshotBusy => "snapshot_busy",
            Fault::EffectsFull => "effects_full",
            Fault::UnreadEffect => "unread_effect",
            Fault::UnreadHappening => "unread_happening",
            Fault::MutationsFull => "mutations_full",
            Fault::UnreadMutation => "unread_mutation",
            Fault::AllocationsFull => "allocations_full",
            Fault::UnreadAllocation => "unread_allocation",
        }
    }
}

/// Slots of the kernel's counter map: the faults, and room for those to come.
pub const COUNTER_SLOTS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters are read back by position, so the list must follow the numbers.
    #[test]
    fn all_lists_each_fault_at_its_number() {
        for (slot, fault) in Fault::ALL.iter().enumerate() {
            assert_eq!(*fault as usize, slot);
            assert!((*fault as u32) < COUNTER_SLOTS);
        }
    }
}
