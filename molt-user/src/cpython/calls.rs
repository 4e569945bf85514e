//! What the kernel side must know of an interpreter to read its calls.

use super::layout::Layout;
use super::opcode::Opcodes;
use crate::discover::Interpreter;
use molt_common::call::CallLayout;
use molt_common::layout::ABSENT;

/// `RAISE_VARARGS` and `EXTENDED_ARG` of 3.8 to 3.10 (`Include/opcode.h`), which have no table.
const OLD_OPCODES: (u8, u8) = (130, 144);

/// How `interpreter`'s calls are read.
pub fn call_layout(layout: &Layout, interpreter: &Interpreter) -> CallLayout {
    let build = &interpreter.build;
    let at = |address: u64| address.wrapping_add(interpreter.load_bias);
    let (low, bytes) = build.extent();
    let head = layout.walk().code_head;
    let in_head = |at: u32| if at == ABSENT { ABSENT } else { at.saturating_sub(head) };
    let opcodes = Opcodes::of(layout.minor);
    let (raise, extended_arg) =
        opcodes.map_or(OLD_OPCODES, |opcodes| (opcodes.raise(), opcodes.extended_arg()));
    CallLayout {
        cell_type: build.elf.find_symbol(b"PyCell_Type").map_or(0, |symbol| at(symbol.address)),
        module_type: build.elf.find_symbol(b"PyModule_Type").map_or(0, |symbol| at(symbol.address)),
        static_low: at(low),
        static_bytes: bytes,
        slot_mask: !u64::from(layout.tag_bits),
        frame_slots: layout.frame_slots,
        frame_stacktop: layout.frame_stacktop,
        frame_state: layout.frame_state,
        frameobj_frame: layout.frameobj_frame,
        code_slots: in_head(layout.code_slots),
        code_cell2arg: in_head(layout.code_cell2arg),
        code_cellvars: in_head(layout.code_cellvars),
        code_consts: layout.code_consts,
        code_firsttraceable: layout.code_firsttraceable,
        tuple_items: layout.tuple_items,
        var_size: layout.var_size,
        bytes_data: layout.bytes_data,
        cell_ref: layout.cell_ref,
        object_type: layout.object_type,
        type_base: layout.type_base,
        type_qualname: layout.heap_type_qualname,
        ascii_bytes: layout.ascii_bytes,
        tstate_exception_type: layout.tstate_exception_type,
        tstate_traceback: layout.tstate_traceback,
        tstate_exception: layout.tstate_exception,
        exception_traceback: layout.exception_traceback,
        return_value: opcodes.map_or([0; 2], Opcodes::return_value),
        return_const: opcodes.map_or([0; 2], Opcodes::return_const),
        extended_arg,
        raise,
        reserved: [0; 6],
    }
}

/// Whether frames and code objects of this layout fit what the kernel side reads of them at a call.
pub fn fits(layout: &Layout) -> bool {
    let most = size_of::<molt_common::walk::call::CallBlock>();
    let walk = layout.walk();
    walk.frame_bytes as usize <= most && walk.code_bytes as usize <= most && !layout.free_threaded
}
