//! The walk over frames, as the kernel side does it: ends within its bounds in any memory.
#![no_main]

use molt_common::event::sample::Frame;
use molt_common::limits::{MAX_FRAMES, MAX_THREADS};
use molt_common::walk::stack::{Cursor, MAX_STEPS};
use molt_common::walk::thread::{Search, Thread};
use molt_common::walk::{Buffers, frame};
use molt_fuzz::fuzz_target;
use molt_user::cpython::layout::Layout;
use molt_user::cpython::version::Version;
use molt_user::symbolize::fuzz::AnyMemory;

fuzz_target!(|input: &[u8]| {
    let Some(([choice, place @ ..], rest)) = input.split_first_chunk::<9>() else { return };
    let Some(layout) = Layout::of(Version::release(3, 8 + (choice & 7), 0), choice & 8 != 0) else { return };
    let (memory, layout, place) = (AnyMemory(rest), layout.walk(), u64::from_le_bytes(*place));
    assert!(layout.is_sound());

    let mut tstate = place;
    if let Ok(mut search) = Search::new(&memory, &layout, place, Thread { pointer: place, tid: 7 }) {
        for _ in 0..MAX_THREADS {
            if let Ok(Some(found)) = search.advance(&memory, &layout) {
                tstate = found;
            }
        }
    }
    let Ok(innermost) = frame::innermost(&memory, &layout, tstate) else { return };
    let mut cursor = Cursor::new(innermost);
    let (mut buffers, mut frames) = (Buffers::default(), [Frame::default(); MAX_FRAMES]);
    for _ in 0..MAX_STEPS {
        match cursor.advance(&memory, &layout, &mut buffers, &mut frames) {
            Ok(true) => {}
            Ok(false) | Err(_) => break,
        }
    }
    assert!(cursor.count as usize <= MAX_FRAMES);
});
