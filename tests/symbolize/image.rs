//! The walk and the symbolizer over kept memory images of real interpreters, and with reads that fail.
//!
//! `tests/fixtures/memory/VERSION.mem` is what molt read of `tests/programs/blocked.py`, `VERSION.json` what
//! the program said of itself. `MOLT_BLESS=1` makes them anew from the interpreters of this machine.

use crate::support::{hex, interpreters, target::Target};
use molt_common::walk::{Buffers, Memory, frame};
use molt_user::cpython::Unknown;
use molt_user::cpython::debug_offsets::{LayoutError, layout_of};
use molt_user::cpython::layout::Layout;
use molt_user::cpython::object::Objects;
use molt_user::cpython::version::Version;
use molt_user::symbolize::code::{CodeObject, read_code};
use molt_user::symbolize::fuzz;
use molt_user::symbolize::memory::{FaultyMemory, Image, Recorder};
use molt_user::symbolize::modules::{
    ImportPaths, Modules, main_interpreter, read_import_paths, read_modules,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Deepest stack that the program has.
const MAX_DEPTH: usize = 64;

/// Of how many pieces one is taken away.
const STEP: usize = 12;

/// Offsets and code objects of frames, innermost first.
type Stack = Vec<(i32, Result<CodeObject, Unknown>)>;

/// What molt makes of a process.
#[derive(Debug, PartialEq)]
struct Observation {
    stack: Stack,
    /// Whether the walk came to the outermost frame.
    whole: bool,
    modules: Result<Modules, Unknown>,
    paths: Result<ImportPaths, Unknown>,
}

fn observe<M: Memory>(memory: &M, version: Version, runtime: u64) -> Result<Observation, LayoutError> {
    let layout = layout_of(memory, version, runtime)?.layout;
    let interp = main_interpreter(memory, &layout, runtime);
    let (stack, whole) = interp.map_or((Vec::new(), false), |interp| stack(memory, &layout, interp));
    let modules = interp.and_then(|interp| read_modules(memory, &layout, interp));
    let paths = interp.and_then(|interp| read_import_paths(memory, &layout, interp));
    Ok(Observation { stack, whole, modules, paths })
}

/// The frames of the interpreter's only thread, innermost first, without shims.
fn stack<M: Memory>(memory: &M, layout: &Layout, interp: u64) -> (Stack, bool) {
    let (walk, mut buffers, mut stack) = (layout.walk(), Buffers::default(), Vec::new());
    let tstate = Objects::new(memory, layout).u64(interp, layout.interp_threads_head).unwrap_or(0);
    let Ok(mut addr) = frame::innermost(memory, &walk, tstate) else { return (stack, false) };
    for _ in 0..MAX_DEPTH {
        if addr == 0 {
            return (stack, true);
        }
        let Ok(step) = frame::step(memory, &walk, addr, &mut buffers) else { return (stack, false) };
        if let Some(frame) = step.frame {
            let code = read_code(memory, layout, frame.code, frame.globals);
            if let Ok(code) = &code {
                assert!(frame.identity == 0 || frame.identity == code.identity, "two ways to one identity");
            }
            stack.push((frame.lasti, code));
        }
        addr = step.previous;
    }
    (stack, false)
}

fn compare(version: &str, report: &Value, seen: &Observation) {
    let text = |text: &molt_user::cpython::Known<molt_user::cpython::text::Text>| {
        text.as_ref().unwrap().value.clone()
    };
    let stack: Vec<Value> = seen
        .stack
        .iter()
        .map(|(lasti, code)| {
            let code = code.as_ref().unwrap();
            let position = code.position(*lasti).unwrap();
            assert_eq!(code.site(*lasti).position, Some(position), "the site is where the frame is");
            let hash = hex(&code.code_hash.unwrap());
            let columns =
                position.end_line.map(|end| json!([position.line, end, position.col, position.end_col]));
            json!({
                "name": text(&code.name),
                "qualname": code.qualname.as_ref().ok().map(|name| name.value.clone()),
                "module": text(&code.module),
                "filename": text(&code.filename),
                "first_line": code.first_line,
                "line": position.line,
                "position": columns,
                "hash": hash,
            })
        })
        .collect();
    let mut want = report["stack"].clone();
    for frame in want.as_array_mut().unwrap() {
        frame.as_object_mut().unwrap().remove("address");
    }
    // The innermost frame has gone on, from the call that printed the report to the one that waits.
    let mut stack = Value::from(stack);
    for frames in [&mut want, &mut stack] {
        frames[0]["position"] = Value::Null;
    }
    assert_eq!(stack, want, "{version}");
    let modules: serde_json::Map<String, Value> = seen
        .modules
        .as_ref()
        .unwrap()
        .modules
        .iter()
        .map(|module| {
            (module.name.value.clone(), module.file.as_ref().ok().map(|file| file.value.clone()).into())
        })
        .collect();
    assert_eq!(Value::from(modules), report["modules"], "{version}");
    assert_eq!(Value::from(seen.paths.as_ref().unwrap().path.clone()), report["path"], "{version}");
    assert!(seen.whole);
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/memory"))
}

/// The images in the repository: version text, runtime address, report, memory.
fn images() -> Vec<(String, Version, u64, Value, Image)> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "mem"))
        .collect();
    names.sort();
    assert!(names.len() >= 8, "the images are in the repository");
    names
        .into_iter()
        .map(|path| {
            let report: Value =
                serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
            let version = Version { hex: u32::try_from(report["hex"].as_u64().unwrap()).unwrap() };
            let runtime = report["runtime"].as_u64().unwrap();
            let image = Image::parse(&fs::read(&path).unwrap()).unwrap();
            (version.to_string(), version, runtime, report, image)
        })
        .collect()
}

/// A live process, on every interpreter found.
#[test]
fn stacks_are_what_the_interpreter_says() {
    let mut kept = BTreeSet::new();
    for python in interpreters::found(8) {
        let mut target = Target::run(&python, &["-I", "-S", "-B"], "blocked.py", &[]);
        target.wait_until_it_sleeps();
        let version = Version { hex: u32::try_from(target.report["hex"].as_u64().unwrap()).unwrap() };
        let recorder = Recorder::new(&target.memory);
        let seen = observe(&recorder, version, target.runtime).unwrap();
        compare(&python.display().to_string(), &target.report, &seen);
        // One image for each minor version.
        if std::env::var_os("MOLT_BLESS").is_some() && kept.insert(version.minor()) {
            target.report["runtime"] = target.runtime.into();
            let path = folder().join(format!("{version}.mem"));
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, recorder.into_image().to_bytes()).unwrap();
            fs::write(path.with_extension("json"), format!("{:#}\n", target.report)).unwrap();
        }
    }
}

/// The same, without any interpreter at hand.
#[test]
fn images_give_what_the_interpreter_said() {
    for (name, version, runtime, report, image) in images() {
        compare(&name, &report, &observe(&image, version, runtime).unwrap());
    }
}

/// One piece of memory after the other cannot be read: nothing panics, and what is still told is still true.
/// One in [`STEP`], and others in each image, since all of them take minutes.
#[test]
fn a_failed_read_never_becomes_a_wrong_value() {
    for (at, (name, version, runtime, _, image)) in images().into_iter().enumerate() {
        let whole = observe(&image, version, runtime).unwrap();
        let (mut shown, mut all) = (0, 0);
        for addr in image.addresses().skip(at).step_by(STEP) {
            let memory = FaultyMemory::new(&image, [addr]);
            let seen = observe(&memory, version, runtime);
            assert_eq!(memory.unused(), Vec::<u64>::new(), "{name}: {addr:#x} is never read");
            all += 1;
            let Ok(seen) = seen else {
                shown += 1;
                continue;
            };
            shown += usize::from(seen != whole);
            check_truth(&seen, &whole, &format!("{name} without {addr:#x}"));
        }
        assert!(shown * 3 > all, "{name}: of {all} losses only {shown} show");
    }
}

/// Bytes of an image are changed at random: nothing panics, nothing hangs. The images are also what the fuzzer
/// starts from.
#[test]
fn changed_images_are_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (_, version, runtime, _, image) in images() {
        let mut file = version.hex.to_le_bytes().to_vec();
        file.extend(runtime.to_le_bytes());
        let start = file.len() + 8;
        file.extend(image.to_bytes());
        for round in 0..20 {
            let mut changed = file.clone();
            for _ in 0..=round * 10 {
                let at = start + usize::try_from(random()).unwrap() % (file.len() - start);
                changed[at] = u8::try_from(random() >> 56).unwrap();
            }
            fuzz::memory_image(&changed);
        }
    }
}

fn check_truth(seen: &Observation, whole: &Observation, what: &str) {
    assert!(!seen.whole || seen.stack.len() == whole.stack.len(), "{what}");
    for (seen, whole) in seen.stack.iter().zip(&whole.stack) {
        assert_eq!(seen.0, whole.0, "{what}");
        if let (Ok(seen), Ok(whole)) = (&seen.1, &whole.1) {
            let texts = |code: &CodeObject| {
                [code.name.clone(), code.qualname.clone(), code.module.clone(), code.filename.clone()]
            };
            for (seen, whole) in texts(seen).iter().zip(&texts(whole)) {
                check_one(seen, whole, what);
            }
            check_one(&seen.code_hash, &whole.code_hash, what);
            check_one(&seen.lines, &whole.lines, what);
            assert_eq!(seen.identity, whole.identity, "{what}");
        }
    }
    if let (Ok(seen), Ok(whole)) = (&seen.modules, &whole.modules) {
        assert_eq!(seen.modules.len() + seen.unread, whole.modules.len(), "{what}");
        for module in &seen.modules {
            let same = whole.modules.iter().find(|other| other.name == module.name).expect(what);
            check_one(&module.file, &same.file, what);
            assert!(module.kind.is_none() || module.kind == same.kind, "{what}: {module:?}");
        }
    }
    if let (Ok(seen), Ok(whole)) = (&seen.paths, &whole.paths) {
        assert!(seen == whole || seen.unread > 0, "{what}");
    }
}

/// A value is the true one, or its failure is told.
fn check_one<T: PartialEq + std::fmt::Debug>(
    seen: &Result<T, Unknown>,
    whole: &Result<T, Unknown>,
    what: &str,
) {
    let told = matches!(seen, Err(reason) if *reason != Unknown::Absent);
    assert!(seen == whole || told, "{what}: {seen:?} for {whole:?}");
}
