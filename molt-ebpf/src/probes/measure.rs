//! A hit that is for nothing: molt measures by its own what any hit costs.

use crate::calls::Hit;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;

/// On a function of molt's own.
#[uprobe]
pub fn call_measure(_ctx: ProbeContext) -> u32 {
    if let Some(hit) = Hit::begin() {
        hit.accept();
        hit.end();
    }
    0
}
