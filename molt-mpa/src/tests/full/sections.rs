//! The sections of [`super::full`].
use std::collections::BTreeMap;

use crate::ids::{Sha256Hash, SiteId};
use crate::model::{
    Artifact, AttributeFacts, AttributePlace, CallSite, CallTarget, Code, Container, DictFacts, Effect,
    EffectKind, ElementFacts, ExceptionCount, Hotspot, IdBasis, KeySet, LengthRange, Module, ModuleKind,
    ModuleMutation, MutationKind, Observation, Origin, Signature, Symbol, SymbolKind, TargetKind, TypeFacts,
    TypeForm, TypeKind, TypeMutation,
};
use crate::quantity::{Millis, Share};
use crate::redact::{Category, Redactor};

pub(super) fn add_modules(artifact: &mut Artifact) {
    let mutation = |kind| ModuleMutation {
        attr: "limit".to_owned(),
        kind,
        observation: Observation::Sampled,
        count: 1,
        by: vec!["app.f".to_owned()],
    };
    for (name, kind, origin) in [
        ("app", ModuleKind::Py, Origin::App),
        ("sys", ModuleKind::Builtin, Origin::Stdlib),
        ("numpy.core", ModuleKind::Extension, Origin::Site),
        ("_frozen_importlib", ModuleKind::Frozen, Origin::Stdlib),
        ("google", ModuleKind::Namespace, Origin::Site),
    ] {
        let module = Module {
            kind,
            file: Some(format!("{name}.py")),
            origin: Some(origin),
            source_sha256: Some(Sha256Hash::of(name.as_bytes())),
            replaced_by: (name == "google").then(|| "app.Lazy".to_owned()),
            mutations: [MutationKind::Add, MutationKind::Rebind, MutationKind::Delete].map(mutation).to_vec(),
        };
        artifact.modules.insert(name.to_owned(), module);
    }
}

/// `app.f` calls `app.g`; the rest is there for its kind.
pub(super) fn add_symbols(artifact: &mut Artifact) {
    let effect = |effect| Effect {
        effect,
        event: "open".to_owned(),
        observation: Observation::Exact,
        count: 2,
        count_est: Some(20),
    };
    for (qualname, kind) in [
        ("f", SymbolKind::Function),
        ("g", SymbolKind::Generator),
        ("C.m", SymbolKind::Method),
        ("co", SymbolKind::Coroutine),
        ("ag", SymbolKind::AsyncGenerator),
        ("f.<locals>.<lambda>", SymbolKind::Lambda),
        ("f.<locals>.<listcomp>", SymbolKind::Comprehension),
        ("C", SymbolKind::ClassBody),
        ("<module>", SymbolKind::Module),
        ("größe", SymbolKind::Builtin),
    ] {
        let symbol = Symbol {
            module: "app".to_owned(),
            qualname: qualname.to_owned(),
            kind,
            file: Some("app.py".to_owned()),
            first_line: Some(3),
            codes: vec![Code { code_hash: Sha256Hash::of(qualname.as_bytes()), first_line: 3 }],
            observation: Observation::Exact,
            calls: Some(7),
            calls_est: Some(70),
            resumes: Some(3),
            effects: ALL_EFFECTS.map(effect).to_vec(),
            exceptions: vec![ExceptionCount {
                type_name: "ValueError".to_owned(),
                observation: Observation::Exact,
                raised: 1,
                propagated: 2,
            }],
        };
        artifact.symbols.insert(format!("app.{qualname}"), symbol);
    }
}

const ALL_EFFECTS: [EffectKind; 16] = [
    EffectKind::FsRead,
    EffectKind::FsWrite,
    EffectKind::FsMeta,
    EffectKind::Net,
    EffectKind::Process,
    EffectKind::Env,
    EffectKind::Time,
    EffectKind::Random,
    EffectKind::Import,
    EffectKind::Code,
    EffectKind::Ffi,
    EffectKind::Thread,
    EffectKind::Signal,
    EffectKind::Introspect,
    EffectKind::Gc,
    EffectKind::Other,
];

/// One site per basis of its id.
pub(super) fn add_call_sites(artifact: &mut Artifact) {
    let code_hash = Sha256Hash::of(b"f");
    let text = SiteId::Text { col: 4, expr: "g(1)" };
    let position = SiteId::Position { col: 4, end_line: 5, end_col: 8 };
    let code = SiteId::Code { code_hash, offset: 12 };
    let target = |symbol: &str, kind, count| CallTarget {
        symbol: symbol.to_owned(),
        kind,
        observation: Some(Observation::Exact),
        count,
        count_est: Some(count * 10),
        signatures: vec![Signature {
            args: vec!["int".to_owned(), "?".to_owned(), "app.C~".to_owned(), "*tuple[int, str]".to_owned()],
            ret: Some("None".to_owned()),
            count: count - 2,
        }],
        undetailed: 1,
        exceptions: Some(1),
        exception_types: [("ValueError".to_owned(), 1)].into(),
    };
    for (line, basis, id) in [
        (5, None, text),
        (6, Some(IdBasis::Line), text),
        (7, Some(IdBasis::Position), position),
        (8, Some(IdBasis::Code), code),
    ] {
        artifact.call_sites.push(CallSite {
            id: id.hash("app.py", line),
            id_basis: basis,
            file: "app.py".to_owned(),
            line,
            col: Some(4),
            end_line: Some(5),
            end_col: Some(8),
            expr: Some("g(1)".to_owned()),
            caller: "app.f".to_owned(),
            code_hash: Some(code_hash),
            offset: Some(12),
            observation: Observation::Sampled,
            targets: vec![
                target("app.g", TargetKind::Py, 7),
                target("len", TargetKind::Builtin, 6),
                target("app.C", TargetKind::Class, 5),
                target("functools.partial", TargetKind::C, 4),
            ],
            signatures_dropped: 1,
        });
    }
}

pub(super) fn add_types(artifact: &mut Artifact) {
    let types = || vec!["int".to_owned(), "str".to_owned()];
    let attribute = |on| AttributeFacts {
        on,
        types: types(),
        count: 3,
        class_types: if on == AttributePlace::Instance { types() } else { Vec::new() },
    };
    for (name, kind) in [("app.C", TypeKind::Heap), ("app.D", TypeKind::Heap)] {
        let facts = TypeFacts {
            kind,
            observation: Observation::Sampled,
            forms: vec![
                TypeForm::Dataclass,
                TypeForm::Enum,
                TypeForm::Exception,
                TypeForm::NamedTuple,
                TypeForm::Slots,
            ],
            metaclass: Some("abc.ABCMeta".to_owned()),
            classes: Some(2),
            bases: vec!["object".to_owned()],
            mro: vec![name.to_owned(), "object".to_owned()],
            attrs: [
                ("pid", AttributePlace::Instance),
                ("y", AttributePlace::Class),
                ("z", AttributePlace::Slot),
            ]
            .map(|(name, on)| (name.to_owned(), attribute(on)))
            .into(),
            mutations: vec![TypeMutation {
                attr: "__bases__".to_owned(),
                kind: MutationKind::Rebind,
                observation: Observation::Sampled,
                count: 1,
            }],
            layout_stable: Some(true),
            layout: vec!["z".to_owned(), "pid".to_owned()],
            instances: Some(12),
        };
        artifact.types.insert(name.to_owned(), facts);
    }
    let int = TypeFacts {
        kind: TypeKind::Static,
        observation: Observation::Sampled,
        forms: Vec::new(),
        metaclass: None,
        classes: None,
        bases: vec!["object".to_owned()],
        mro: vec!["int".to_owned(), "object".to_owned()],
        attrs: BTreeMap::new(),
        mutations: Vec::new(),
        layout_stable: None,
        layout: Vec::new(),
        instances: None,
    };
    artifact.types.insert("int".to_owned(), int);
}

pub(super) fn add_containers(artifact: &mut Artifact, redactor: &mut Redactor) {
    let elements = || ElementFacts {
        element_types: vec!["int".to_owned()],
        homogeneous: true,
        length: LengthRange { min: 0, max: 3 },
        looked_at: 5,
    };
    let dict = DictFacts {
        key_sets: vec![KeySet {
            keys: vec![redactor.redact(Category::DictKey, "/etc/passwd")],
            key_types: vec!["int".to_owned()],
            keys_dropped: 1,
            value_types: vec!["str".to_owned()],
            count: 2,
        }],
        key_sets_dropped: 1,
        all_keys_str: false,
        length: LengthRange { min: 1, max: 65 },
        looked_at: 66,
    };
    let site = artifact.call_sites[0].id;
    for place in [
        format!("{site}#arg:0"),
        format!("{site}#ret"),
        "app.f#param:x".to_owned(),
        "app.f#local:y".to_owned(),
        "app.f#ret".to_owned(),
    ] {
        let container = Container {
            observation: Observation::Sampled,
            count: 4,
            dict: Some(dict.clone()),
            list: Some(elements()),
            tuple: Some(elements()),
            set: Some(elements()),
        };
        artifact.containers.insert(place, container);
    }
}

pub(super) fn add_hotspots(artifact: &mut Artifact) {
    for (symbol, native, samples) in
        [("app.f", None, 2), ("app.g", None, 4), ("app.g", Some("libz:inflate"), 3)]
    {
        artifact.hotspots.push(Hotspot {
            symbol: symbol.to_owned(),
            native: native.map(str::to_owned),
            score: Share::of(samples, 6),
            time_ms: Millis::from_micros(samples * 10_101),
            total_ms: Millis::from_micros(60_606),
            samples,
            alloc_bytes: Some(1_000 / samples),
            alloc_bytes_est: Some(10_000 / samples),
            alloc_count: Some(3),
            alloc_count_est: Some(30),
            heap_bytes: Some(4_096),
            heap_count: Some(1),
            rank_time: 0,
            rank_alloc: None,
        });
    }
}
