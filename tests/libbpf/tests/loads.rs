//! The eBPF object through libbpf: that it is tied to no loader, and what its programs cost the verifier.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and is reported")]
#![expect(clippy::print_stdout, reason = "the cost per program is read from the output")]

use std::collections::BTreeMap;
use std::path::Path;

use libbpf_rs::query::ProgInfoIter;
use libbpf_rs::{MapCore as _, MapType, ObjectBuilder, ProgramType};

/// Most instructions that the verifier may walk for one program: a quarter of the kernel's own limit
/// (`BPF_COMPLEXITY_LIMIT_INSNS`, `kernel/bpf/verifier.c`), so that an older kernel's verifier, which prunes
/// less, still takes it.
const MAX_VERIFIED: u32 = 250_000;

fn object() -> ObjectBuilder {
    let mut builder = ObjectBuilder::default();
    builder.name("molt").unwrap();
    builder
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../molt-ebpf/prebuilt/molt-x86_64.bpf.o")
}

/// libbpf finds the programs and maps by the object's own BTF, and the verifier takes each.
#[test]
fn object_loads_through_libbpf() {
    let opened = object().open_file(path()).unwrap();
    let loaded = opened.load().unwrap_or_else(|error| panic!("failed to load: {error:?}"));
    let programs: BTreeMap<String, ProgramType> = loaded
        .progs()
        .map(|program| (program.name().to_string_lossy().into_owned(), program.prog_type()))
        .collect();
    assert_eq!(programs.get("sample"), Some(&ProgramType::PerfEvent), "{programs:?}");
    assert_eq!(programs.get("process_fork"), Some(&ProgramType::RawTracepoint), "{programs:?}");
    assert_eq!(programs.get("milestone"), Some(&ProgramType::Kprobe), "{programs:?}");

    let maps: BTreeMap<String, MapType> =
        loaded.maps().map(|map| (map.name().to_string_lossy().into_owned(), map.map_type())).collect();
    assert_eq!(maps.get("EVENTS"), Some(&MapType::RingBuf), "{maps:?}");
    assert_eq!(maps.get("PROCESSES"), Some(&MapType::Hash), "{maps:?}");

    // While `loaded` lives its programs are in the kernel, which knows what each cost.
    let mut costs = BTreeMap::new();
    for info in ProgInfoIter::default() {
        let name = info.name.to_string_lossy().into_owned();
        if programs.contains_key(&name) {
            costs.insert(name, info.verified_insns);
        }
    }
    assert_eq!(costs.len(), programs.len(), "{costs:?}");
    for (name, verified) in &costs {
        println!("{name}: {verified} instructions verified");
        assert!(*verified <= MAX_VERIFIED, "{name}: {verified}");
    }
}
