//! The text beside the object, so that a change of the object has a diff that a person can read.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use aya_obj::Object;
use aya_obj::generated::bpf_map_type;

use super::toolchain::Toolchain;
use crate::digest::sha256;

/// Toolchain, size and hash, then programs, functions that they call, and maps, each sorted by name.
pub(crate) fn text(bytes: &[u8], toolchain: &Toolchain) -> Result<String> {
    let object = Object::parse(bytes).context("failed to parse the object")?;
    let mut text =
        String::from("Made by `cargo xtask ebpf`, with the object beside it. Not edited by hand.\n\n");
    writeln!(text, "rustc       {}", toolchain.rustc_line.trim_start_matches("rustc "))?;
    writeln!(text, "LLVM        {}", toolchain.llvm)?;
    writeln!(text, "bpf-linker  {}", toolchain.pinned_linker)?;
    writeln!(text, "size        {} bytes", bytes.len())?;
    writeln!(text, "sha256      {}", sha256(bytes))?;
    write_programs(&mut text, &object)?;
    write_functions(&mut text, &object)?;
    write_maps(&mut text, &object)?;
    Ok(text)
}

fn write_programs(text: &mut String, object: &Object) -> Result<()> {
    writeln!(text, "\n{:<24} {:<36} {:>12}", "program", "kind", "instructions")?;
    let mut programs: Vec<_> = object.programs.iter().collect();
    programs.sort_by_key(|(name, _)| *name);
    for (name, program) in programs {
        let function = object.functions.get(&program.function_key());
        let instructions = function.map_or(0, |function| function.instructions.len());
        writeln!(text, "{name:<24} {:<36} {instructions:>12}", format!("{:?}", program.section))?;
    }
    Ok(())
}

fn write_functions(text: &mut String, object: &Object) -> Result<()> {
    let entries: Vec<_> = object.programs.values().map(aya_obj::Program::function_key).collect();
    let mut functions: Vec<_> = object
        .functions
        .iter()
        .filter(|(key, _)| !entries.contains(key))
        .map(|(_, function)| function)
        .collect();
    functions.sort_by_key(|function| &function.name);
    writeln!(text, "\n{:<61} {:>12}", "function called by programs", "instructions")?;
    for function in functions {
        writeln!(text, "{:<61} {:>12}", function.name, function.instructions.len())?;
    }
    Ok(())
}

fn write_maps(text: &mut String, object: &Object) -> Result<()> {
    writeln!(text, "\n{:<16} {:<28} {:>8} {:>8} {:>10}", "map", "type", "key", "value", "entries")?;
    let mut maps: Vec<_> = object.maps.iter().collect();
    maps.sort_by_key(|(name, _)| *name);
    for (name, map) in maps {
        let kind = bpf_map_type::try_from(map.map_type())
            .map_or_else(|_| map.map_type().to_string(), |kind| format!("{kind:?}"));
        let kind = kind.trim_start_matches("BPF_MAP_TYPE_").to_lowercase();
        let (key, value, entries) = (map.key_size(), map.value_size(), map.max_entries());
        writeln!(text, "{name:<16} {kind:<28} {key:>8} {value:>8} {entries:>10}")?;
    }
    Ok(())
}
