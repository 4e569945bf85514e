//! Entry points for fuzzing: each takes any bytes, returns, and allocates within the bounds that stand beside
//! the readers' own constants.

use super::code::read_code;
use super::containers::read_container;
use super::functions::{Budget, Wanted, find_qualname};
use super::locals::locals;
use super::memory::Image;
use super::modules::{main_interpreter, read_import_paths, read_modules};
use super::source::SourceFile;
use super::tracked::tracked;
use super::types::{
    class_state, read_class, read_instance, read_lineage, read_slots, read_type, read_type_module,
};
use crate::cpython::debug_offsets::layout_of;
use crate::cpython::layout::Layout;
use crate::cpython::linetable::LineTable;
use crate::cpython::object::Objects;
use crate::cpython::opcode::{Moved, Opcodes};
use crate::cpython::text::Text;
use crate::cpython::version::Version;
use molt_common::fault::Fault;
use molt_common::walk::{Buffers, Memory, checked, frame};

/// Memory whose every address holds something: a window of the fuzzer's bytes that the address chooses. Some
/// addresses cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct AnyMemory<'a>(pub &'a [u8]);

impl Memory for AnyMemory<'_> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        let len = self.0.len() as u64;
        if checked(addr)? % 61 == 0 || len == 0 {
            return Err(Fault::ReadFault);
        }
        let first = usize::try_from(addr % len).unwrap_or(0);
        for (to, from) in into.iter_mut().zip(self.0.iter().cycle().skip(first)) {
            *to = *from;
        }
        Ok(())
    }
}

/// Every reader of objects, over any memory, as any version. The first three bytes choose version and build.
pub fn any_memory(bytes: &[u8]) {
    let Some(([minor, micro, free_threaded], rest)) = bytes.split_first_chunk() else { return };
    let version = Version::release(3, 8 + minor % 9, *micro);
    let memory = AnyMemory(rest);
    let own = layout_of(&memory, version, ANY_RUNTIME).map(|checked| checked.layout).ok();
    if let Some(layout) = own.or_else(|| Layout::of(version, free_threaded % 2 == 1)) {
        read_all(&memory, &layout, ANY_RUNTIME);
    }
}

/// An address that [`AnyMemory`] can read.
const ANY_RUNTIME: u64 = 0x10_0000;

/// The same over a memory image, whose pointers lead somewhere: its version (u32) and the address of
/// `_PyRuntime` (u64), little-endian, then the image's file form.
pub fn memory_image(bytes: &[u8]) {
    let Some((hex, rest)) = bytes.split_first_chunk() else { return };
    let Some((runtime, rest)) = rest.split_first_chunk() else { return };
    let Ok(image) = Image::parse(rest) else { return };
    let (version, runtime) = (Version { hex: u32::from_le_bytes(*hex) }, u64::from_le_bytes(*runtime));
    if let Ok(checked) = layout_of(&image, version, runtime) {
        read_all(&image, &checked.layout, runtime);
    }
}

/// Reads what a session reads: modules, paths, the stack of the first thread and the code on it.
fn read_all<M: Memory>(memory: &M, layout: &Layout, runtime: u64) {
    let interp = main_interpreter(memory, layout, runtime);
    read_object(memory, layout, interp.unwrap_or(runtime));
    let Ok(interp) = interp else { return };
    let _any = (read_modules(memory, layout, interp), read_import_paths(memory, layout, interp));
    let (walk, mut buffers) = (layout.walk(), Buffers::default());
    let tstate = memory.read_u64(interp.wrapping_add(u64::from(layout.interp_threads_head))).unwrap_or(0);
    let mut addr = frame::innermost(memory, &walk, tstate).unwrap_or(0);
    for _ in 0..MAX_STEPS {
        let Ok(step) = frame::step(memory, &walk, addr, &mut buffers) else { return };
        if let Some(frame) = step.frame
            && let Ok(code) = read_code(memory, layout, frame.code, frame.globals)
        {
            code.site(frame.lasti);
            code.kind(None);
            code.missing().count();
            let objects = Objects::new(memory, layout);
            let mut budget = Budget::default();
            let (code, globals, callers) = (frame.code, frame.globals, &[runtime, frame.code]);
            find_qualname(&objects, Wanted { code, globals, callers, name: "f" }, &mut budget);
        }
        addr = step.previous;
    }
}

/// Reads `sys.modules` as a dict and as an instance, and its type as a type and as a class.
fn read_object<M: Memory>(memory: &M, layout: &Layout, interp: u64) {
    let objects = Objects::new(memory, layout);
    let Ok(addr) = objects.u64(interp, layout.interp_modules) else { return };
    let Ok(class) = objects.u64(addr, layout.object_type) else { return };
    // Any name is as good as the true one, and this one makes slots of all attributes.
    let name = |_| Ok("member_descriptor".to_owned());
    let slots = read_slots(memory, layout, class).unwrap_or_default();
    let state = class_state(memory, layout, class, None).ok();
    let _any = (
        class_state(memory, layout, class, state.as_ref()),
        read_type_module(memory, layout, class),
        read_lineage(memory, layout, class, name),
        tracked(memory, layout, interp, interp, 1000),
        locals(memory, layout, interp),
    );
    let _any = (
        read_type(memory, layout, class),
        read_class(memory, layout, interp, class, name),
        read_container(memory, layout, addr, name),
        read_instance(memory, layout, addr, &slots, name),
    );
}

/// Frames followed.
const MAX_STEPS: usize = 32;

/// Line tables of each format.
pub fn line_table(bytes: &[u8]) {
    for minor in [8, 10, 11, 14] {
        let table = LineTable { bytes: bytes.into(), first_line: i32::MAX - 3, minor };
        for lasti in [-1, 0, 2, 255, i32::MAX] {
            table.position(lasti);
        }
    }
}

/// Adaptive code with instrumentation and executors out of the same bytes.
pub fn canonical_code(bytes: &[u8]) {
    for minor in 11..=15 {
        let Some(opcodes) = Opcodes::of(minor) else { continue };
        let mut code = bytes.to_vec();
        let moved = Moved { lines: Some((bytes.to_vec(), 2)), instructions: Some(bytes.to_vec()) };
        let _any = opcodes.restore(&mut code, &moved, |index| Ok((index, index)));
        opcodes.starts(&code).of(u32::try_from(bytes.len() / 2).unwrap_or(u32::MAX));
    }
}

/// The text of a str, in each width.
pub fn text(bytes: &[u8]) {
    for width in 0..=5 {
        Text::decode(bytes, width);
    }
}

/// A source file and what the parser finds in it.
pub fn source(bytes: &[u8]) {
    if let Ok(file) = SourceFile::new(bytes.to_vec(), None) {
        file.outline();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small, fixed run of what the fuzzer does: nothing panics, nothing hangs.
    #[test]
    fn survives_any_bytes() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..400 {
            let len = 64 + round % 512;
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Small numbers look like lengths and offsets, zeros in the upper bytes like pointers.
                if state & 0x600 == 0 { 0 } else { state.to_le_bytes()[2] >> ((state >> 60) % 8) }
            })
            .take(len)
            .collect();
            any_memory(&bytes);
            line_table(&bytes);
            canonical_code(&bytes);
            text(&bytes);
            source(&bytes);
        }
    }
}
