//! The door for memory in which a call's start is read: a program's stack of 512 bytes has no room for it.

use crate::atomic;
use crate::maps::DESKS as MAP;
use molt_common::call::OpenCall;
use molt_common::walk::call::Start;

/// Desks of each CPU. A task that is interrupted at one keeps it, and whoever runs meanwhile takes the next.
pub const DESKS: u32 = 4;

/// What the reading of a start needs.
#[repr(C)]
pub struct Desk {
    /// 0 while nobody is there.
    taken: u64,
    number: u64,
    pub start: Start,
    /// A frame's first call on its way into the map `OPEN`.
    pub first: OpenCall,
}

impl Desk {
    /// One of this CPU's that nobody is at.
    #[inline(always)]
    pub fn take() -> Option<&'static mut Self> {
        for number in 0..DESKS {
            let desk: *mut Self = MAP.get_ptr_mut(number)?;
            // SAFETY: the entry exists for the whole life of the map.
            let taken = unsafe { &raw mut (*desk).taken };
            // SAFETY: as above, and only this file's functions change it.
            if unsafe { atomic::add(taken, 1) } == 0 {
                // SAFETY: who finds 0 has the desk alone, and only that one writes anything but the integer.
                let desk = unsafe { &mut *desk };
                desk.number = u64::from(number);
                return Some(desk);
            }
        }
        None
    }

    /// Its number, for [`Desk::again`].
    #[inline(always)]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The desk of this number of this CPU's, which the caller has taken: a function that is verified by itself is
    /// given numbers only.
    ///
    /// # Safety
    ///
    /// The desk is the caller's, and it holds no other reference to it meanwhile.
    #[inline(always)]
    pub unsafe fn again(number: u64) -> Option<&'static mut Self> {
        let desk: *mut Self = MAP.get_ptr_mut(number as u32)?;
        // SAFETY: the entry exists for the whole life of the map, and by contract nobody else is at it.
        Some(unsafe { &mut *desk })
    }

    /// Leaves it to the next.
    #[inline(always)]
    pub fn leave(&mut self) {
        // SAFETY: the integer is this task's, as in [`Self::take`].
        unsafe { (&raw mut self.taken).write_volatile(0) };
    }
}
