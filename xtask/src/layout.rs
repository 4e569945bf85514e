//! Generates the CPython tables of `molt-user` from `xtask/data`, or checks that they are up to date.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A column of `Layout` and the members that fill it: the first one that a version has.
const COLUMNS: &[(&str, &[&str])] = &[
    ("runtime_interpreters_head", &["runtime.interpreters_head"]),
    ("interp_next", &["interp.next"]),
    ("interp_threads_head", &["interp.threads_head"]),
    ("interp_modules", &["interp.modules"]),
    ("interp_sysdict", &["interp.sysdict"]),
    ("tstate_next", &["tstate.next"]),
    ("tstate_thread_id", &["tstate.thread_id"]),
    ("tstate_native_thread_id", &["tstate.native_thread_id"]),
    ("tstate_frame", &["tstate.frame", "tstate.cframe", "tstate.current_frame"]),
    ("cframe_current_frame", &["cframe.current_frame"]),
    ("frame_code", &["iframe.code", "frameobj.f_code"]),
    ("frame_previous", &["iframe.previous", "frameobj.f_back"]),
    ("frame_globals", &["iframe.globals", "frameobj.f_globals"]),
    ("frame_instr", &["iframe.instr", "frameobj.f_lasti"]),
    ("frame_owner", &["iframe.owner"]),
    ("code_size", &["code.ob_size", "code.co_code"]),
    ("code_argcount", &["code.co_argcount"]),
    ("code_posonlyargcount", &["code.co_posonlyargcount"]),
    ("code_kwonlyargcount", &["code.co_kwonlyargcount"]),
    ("code_flags", &["code.co_flags"]),
    ("code_firstlineno", &["code.co_firstlineno"]),
    ("code_filename", &["code.co_filename"]),
    ("code_name", &["code.co_name"]),
    ("code_qualname", &["code.co_qualname"]),
    ("code_linetable", &["code.co_linetable", "code.co_lnotab"]),
    ("code_varnames", &["code.co_localsplusnames", "code.co_varnames"]),
    ("code_monitoring", &["code.co_monitoring"]),
    ("code_executors", &["code.co_executors"]),
    ("code_firsttraceable", &["code.co_firsttraceable"]),
    ("code_adaptive", &["code.co_code_adaptive"]),
    ("monitoring_lines", &["code_monitoring.lines"]),
    ("monitoring_instructions", &["code_monitoring.per_instruction_opcodes"]),
    ("lines_entry_bytes", &["code_line_instr.bytes_per_entry"]),
    ("executors_items", &["executor_array.executors"]),
    ("executor_vm_data", &["executor.vm_data"]),
    ("vm_data_opcode", &["executor_vmdata.opcode"]),
    ("vm_data_oparg", &["executor_vmdata.oparg"]),
    ("object_type", &["object.ob_type"]),
    ("var_size", &["var.ob_size"]),
    ("type_name", &["type.tp_name"]),
    ("type_flags", &["type.tp_flags"]),
    ("type_base", &["type.tp_base"]),
    ("str_length", &["ascii.length"]),
    ("str_state", &["ascii.state"]),
    ("str_data", &["unicode.data"]),
    ("bytes_data", &["bytes.ob_sval"]),
    ("tuple_items", &["tuple.ob_item"]),
    ("list_items", &["list.ob_item"]),
    ("dict_keys", &["dict.ma_keys"]),
    ("dict_values", &["dict.ma_values"]),
    ("keys_size", &["dictkeys.dk_size"]),
    ("keys_log2_index_bytes", &["dictkeys.dk_log2_index_bytes"]),
    ("keys_kind", &["dictkeys.dk_kind"]),
    ("keys_nentries", &["dictkeys.dk_nentries"]),
    ("keys_indices", &["dictkeys.dk_indices"]),
    ("values_items", &["dictvalues.values"]),
    ("module_dict", &["module.md_dict"]),
    ("type_dict", &["type.tp_dict"]),
    ("code_consts", &["code.co_consts"]),
    ("function_code", &["func.func_code"]),
    ("function_qualname", &["func.func_qualname"]),
    ("staticmethod_callable", &["staticmethod.sm_callable"]),
    ("classmethod_callable", &["classmethod.cm_callable"]),
    ("property_get", &["property.prop_get"]),
    ("property_set", &["property.prop_set"]),
    ("property_del", &["property.prop_del"]),
    ("frame_slots", &["iframe.localsplus", "frameobj.f_localsplus"]),
    ("frame_stacktop", &["frameobj.f_stacktop"]),
    ("frame_state", &["frameobj.f_state"]),
    ("frameobj_frame", &["frameobj.f_frame"]),
    ("code_slots", &["code.co_nlocalsplus", "code.co_nlocals"]),
    ("code_cell2arg", &["code.co_cell2arg"]),
    ("code_cellvars", &["code.co_cellvars"]),
    ("cell_ref", &["cell.ob_ref"]),
    ("tstate_exception_type", &["tstate.curexc_type"]),
    ("tstate_traceback", &["tstate.curexc_traceback"]),
    ("tstate_exception", &["tstate.current_exception"]),
    ("exception_traceback", &["exc.traceback"]),
];

/// Fields of `_Py_DebugOffsets` and the columns that they give.
const DEBUG_COLUMNS: &[(&str, &str)] = &[
    ("runtime_state.interpreters_head", "runtime_interpreters_head"),
    ("interpreter_state.next", "interp_next"),
    ("interpreter_state.threads_head", "interp_threads_head"),
    ("interpreter_state.imports_modules", "interp_modules"),
    ("interpreter_state.sysdict", "interp_sysdict"),
    ("thread_state.next", "tstate_next"),
    ("thread_state.thread_id", "tstate_thread_id"),
    ("thread_state.native_thread_id", "tstate_native_thread_id"),
    ("thread_state.current_frame", "tstate_frame"),
    ("interpreter_frame.executable", "frame_code"),
    ("interpreter_frame.previous", "frame_previous"),
    ("interpreter_frame.instr_ptr", "frame_instr"),
    ("interpreter_frame.owner", "frame_owner"),
    ("code_object.argcount", "code_argcount"),
    ("code_object.firstlineno", "code_firstlineno"),
    ("code_object.filename", "code_filename"),
    ("code_object.name", "code_name"),
    ("code_object.qualname", "code_qualname"),
    ("code_object.linetable", "code_linetable"),
    ("code_object.localsplusnames", "code_varnames"),
    ("code_object.co_code_adaptive", "code_adaptive"),
    ("pyobject.ob_type", "object_type"),
    ("tuple_object.ob_size", "var_size"),
    ("type_object.tp_name", "type_name"),
    ("type_object.tp_flags", "type_flags"),
    ("unicode_object.length", "str_length"),
    ("unicode_object.state", "str_state"),
    ("unicode_object.asciiobject_size", "ascii_bytes"),
    ("bytes_object.ob_sval", "bytes_data"),
    ("tuple_object.ob_item", "tuple_items"),
    ("list_object.ob_item", "list_items"),
    ("dict_object.ma_keys", "dict_keys"),
    ("dict_object.ma_values", "dict_values"),
];

/// `cargo xtask layout [--check]`: writes the generated tables, or fails when one of them is out of date.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask layout [--check]"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = root.join("data");
    let into = root.join("../molt-user/src/cpython");
    let mut stale = Vec::new();
    for (path, text) in tables(&data)? {
        let path = into.join(path);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if !check {
            fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        }
        stale.push(path.display().to_string());
    }
    if check && !stale.is_empty() {
        bail!("tables differ from xtask/data: {}\nrun `cargo xtask layout`", stale.join(", "));
    }
    Ok(())
}

/// Every generated file: its path under `molt-user/src/cpython` and its text.
fn tables(data: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for (version, entry) in objects(&read(&data.join("offsets.json"))?)? {
        files.push((PathBuf::from(format!("layout/{}.rs", module(version))), layout(version, entry)?));
    }
    for (version, entry) in objects(&read(&data.join("debug_offsets.json"))?)? {
        files.push((PathBuf::from(format!("debug_offsets/{}.rs", module(version))), debug(entry)?));
    }
    let folder = data.join("opcodes");
    for file in fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))? {
        let path = file?.path();
        let version = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.push((PathBuf::from(format!("opcode/{}.rs", module(&version))), opcodes(&read(&path)?)?));
    }
    Ok(files)
}

const HEADER: &str = "// Generated by `cargo xtask layout` from `xtask/data`.\n";

fn layout(version: &str, entry: &Value) -> Result<String> {
    let from = entry["from"].as_str().context("offsets.json: no `from`")?;
    let minor: u8 = version.trim_start_matches("3.").trim_end_matches('t').parse()?;
    let mut out = format!(
        "{HEADER}//! CPython {from}, x86-64.\n\nuse super::Layout;\nuse molt_common::layout::ABSENT;\n\n"
    );
    out += "pub(super) const LAYOUT: Layout = Layout {\n";
    writeln!(out, "    minor: {minor},")?;
    writeln!(out, "    free_threaded: {},", version.ends_with('t'))?;
    writeln!(out, "    tag_bits: {},", number(&entry["tag_bits"])?)?;
    writeln!(out, "    owner_shim: {},", number(&entry["owner_shim"])?)?;
    let offsets = &entry["offsets"];
    let key = offsets["Py_tss_t._key"].as_u64().unwrap_or(0);
    let tss = offsets["runtime.autoTSSkey"].as_u64().map(|at| at + key);
    writeln!(out, "    runtime_tss_key: {},", column(tss))?;
    for (name, members) in COLUMNS {
        let at = members.iter().find_map(|member| offsets[member].as_u64());
        writeln!(out, "    {name}: {},", column(at))?;
    }
    writeln!(out, "    ascii_bytes: {},", number(&entry["sizes"]["ascii"])?)?;
    writeln!(out, "    compact_bytes: {},", number(&entry["sizes"]["compact"])?)?;
    for mask in ["kind", "compact", "ascii"] {
        writeln!(
            out,
            "    str_{mask}_mask: {:#x},",
            number(&entry["masks"][format!("ascii.state.{mask}")])?
        )?;
    }
    out += "};\n";
    if !out.contains(": ABSENT") {
        out = out.replace("use molt_common::layout::ABSENT;\n", "");
    }
    Ok(out)
}

fn debug(entry: &Value) -> Result<String> {
    let mut out =
        format!("{HEADER}use super::{{Field, Table}};\n\npub(super) const TABLE: Table = Table {{\n");
    writeln!(out, "    bytes: {},", number(&entry["__size__"])?)?;
    out += "    #[rustfmt::skip]\n    fields: &[\n";
    for (field, column) in DEBUG_COLUMNS {
        let at = number(&entry[field]).with_context(|| format!("debug_offsets.json: no {field}"))?;
        writeln!(
            out,
            "        Field {{ at: {at}, name: \"{field}\", column: |layout| &mut layout.{column} }},"
        )?;
    }
    out += "    ],\n};\n";
    Ok(out)
}

fn opcodes(entry: &Value) -> Result<String> {
    let mut base = bytes(&entry["deopt"])?;
    for (instrumented, original) in objects(&entry["de_instrument"])? {
        let slot = base.get_mut(instrumented.parse::<usize>()?).context("opcode above 255")?;
        *slot = u8::try_from(number(original)?)?;
    }
    let named = |name: &str| -> Result<u64> {
        let found = objects(&entry["names"])?.into_iter().find(|(_, text)| text.as_str() == Some(name));
        found.with_context(|| format!("no opcode {name}"))?.0.parse().context("opcode is no number")
    };
    let option = |value: Option<u64>| value.map_or("None".to_owned(), |number| format!("Some({number})"));
    let mut out = format!("{HEADER}use super::Opcodes;\n\npub(super) static OPCODES: Opcodes = Opcodes {{\n");
    for (field, name) in [
        ("line", "INSTRUMENTED_LINE"),
        ("instruction", "INSTRUMENTED_INSTRUCTION"),
        ("executor", "ENTER_EXECUTOR"),
    ] {
        writeln!(out, "    {field}: {},", option(entry[name].as_u64()))?;
    }
    writeln!(out, "    extended_arg: {},", number(&entry["EXTENDED_ARG"])?)?;
    writeln!(out, "    precall: {},", option(named("PRECALL").ok()))?;
    writeln!(out, "    call: {},", named("CALL")?)?;
    for (field, name) in [("return_value", "RETURN_VALUE"), ("return_const", "RETURN_CONST")] {
        let written = [named(name), named(&format!("INSTRUMENTED_{name}"))];
        let [plain, instrumented] = written.map(Result::ok);
        writeln!(out, "    {field}: [{}, {}],", plain.unwrap_or(0), instrumented.or(plain).unwrap_or(0))?;
    }
    writeln!(out, "    raise: {},", named("RAISE_VARARGS")?)?;
    out += &rows("base", "[", &base)?;
    out += &rows("caches", "[", &bytes(&entry["caches"])?)?;
    out += "    #[rustfmt::skip]\n    resume: &[\n";
    for (opcode, name) in objects(&entry["names"])? {
        let name = name.as_str().context("opcode without a name")?;
        if name.strip_prefix("INSTRUMENTED_").unwrap_or(name).starts_with("RESUME") {
            writeln!(out, "        ({opcode}, \"{name}\"),")?;
        }
    }
    out += "    ],\n";
    out += &rows("undefined", "&[", entry["undefined"].as_array().context("no list of undefined opcodes")?)?;
    out += "};\n";
    Ok(out)
}

/// A field of bytes, 16 to the row, behind the bracket that opens it.
fn rows(field: &str, open: &str, values: &[impl ToString]) -> Result<String> {
    let mut out = format!("    #[rustfmt::skip]\n    {field}: {open}\n");
    for row in values.chunks(16) {
        let row: Vec<String> = row.iter().map(ToString::to_string).collect();
        writeln!(out, "        {},", row.join(", "))?;
    }
    out += "    ],\n";
    Ok(out)
}

/// `3.13t` as the name of a module.
fn module(version: &str) -> String {
    format!("v{}", version.replace('.', "_"))
}

fn column(at: Option<u64>) -> String {
    at.map_or("ABSENT".to_owned(), |at| at.to_string())
}

fn number(value: &Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("expected a number, found {value}"))
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    let values = value.as_array().filter(|list| list.len() == 256).context("expected 256 opcodes")?;
    values.iter().map(|value| Ok(u8::try_from(number(value)?)?)).collect()
}

fn objects(value: &Value) -> Result<Vec<(&String, &Value)>> {
    Ok(value.as_object().context("expected a JSON object")?.iter().collect())
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("failed to parse {}", path.display()))
}
