//! Types, containers, classes and instances in memory that cannot be read everywhere, or is not what it seems.

use crate::support::{interpreters, target::Target};
use molt_common::fault::Fault;
use molt_common::walk::Memory;
use molt_user::cpython::layout::Layout;
use molt_user::cpython::object::Objects;
use molt_user::cpython::{Known, Unknown};
use molt_user::symbolize::containers::{Shape, container_kind, read_container};
use molt_user::symbolize::memory::{FaultyMemory, Image, Recorder};
use molt_user::symbolize::modules::main_interpreter;
use molt_user::symbolize::types::{
    Class, Instance, TypeObject, read_class, read_instance, read_slots, read_type, read_type_name,
};
use std::fmt::Debug;
use std::time::{Duration, Instant};

/// What molt makes of one object and its class.
#[derive(Debug, PartialEq)]
struct Observation {
    class: Known<Class>,
    kind: Known<TypeObject>,
    instance: Known<Instance>,
    container: Known<Shape>,
}

/// Addresses in one target.
#[derive(Clone, Copy)]
struct Place {
    interp: u64,
    object: u64,
    class: u64,
}

fn observe<M: Memory>(memory: &M, layout: &Layout, place: Place) -> Observation {
    let name = |kind| read_type_name(memory, layout, kind);
    let slots = read_slots(memory, layout, place.class);
    Observation {
        class: read_class(memory, layout, place.interp, place.class, name),
        kind: read_type(memory, layout, place.class),
        instance: slots.and_then(|slots| read_instance(memory, layout, place.object, &slots, name)),
        container: read_container(memory, layout, place.object, name),
    }
}

/// A value is the true one, or its failure is told.
fn check<T: PartialEq + Debug>(seen: &Known<T>, whole: &Known<T>, what: &str) {
    assert!(seen == whole || seen.is_err(), "{what}: {seen:?} for {whole:?}");
}

fn check_all(seen: &Observation, whole: &Observation, what: &str) {
    check(&seen.container, &whole.container, what);
    check(&seen.instance, &whole.instance, what);
    if let (Ok(seen), Ok(whole)) = (&seen.kind, &whole.kind) {
        for (seen, whole) in [(&seen.name, &whole.name), (&seen.metaclass, &whole.metaclass)] {
            check(&seen.text(), &whole.text(), what);
        }
        assert_eq!((seen.identity, seen.kind), (whole.identity, whole.kind), "{what}");
    }
    if let (Ok(seen), Ok(whole)) = (&seen.class, &whole.class) {
        check(&seen.bases, &whole.bases, what);
        check(&seen.mro, &whole.mro, what);
        check(&seen.attributes, &whole.attributes, what);
        check(&seen.instance_names, &whole.instance_names, what);
        check(&seen.form, &whole.form, what);
    }
}

/// Some objects of each of two programs.
fn places(program: &str, list: &str, python: &std::path::Path) -> (Target, Vec<Place>) {
    let target = Target::run(python, &["-E", "-s", "-S", "-B"], program, &[]);
    let layout = &target.checked.layout;
    let interp = main_interpreter(&target.memory, layout, target.runtime).unwrap();
    let objects = Objects::new(&target.memory, layout);
    let all = target.report[list].as_array().unwrap();
    let places = all.iter().step_by(5).map(|row| {
        let object = row["address"].as_u64().unwrap();
        Place { interp, object, class: objects.u64(object, layout.object_type).unwrap() }
    });
    let places = places.collect();
    (target, places)
}

/// What was read of each object is kept, then one piece of it after the other cannot be read: nothing panics, and
/// what is still told is still true.
#[test]
fn a_failed_read_never_becomes_a_wrong_value() {
    for python in interpreters::found(8) {
        for (program, list) in [("container_objects.py", "containers"), ("class_objects.py", "instances")] {
            let (target, places) = places(program, list, &python);
            let layout = &target.checked.layout;
            let (mut shown, mut all) = (0, 0);
            for place in places {
                let recorder = Recorder::new(&target.memory);
                observe(&recorder, layout, place);
                let image = recorder.into_image();
                let whole = observe(&image, layout, place);
                let addresses: Vec<u64> = image.addresses().collect();
                for addr in addresses.iter().step_by(addresses.len().div_ceil(40)) {
                    let memory = FaultyMemory::new(&image, [*addr]);
                    let seen = observe(&memory, layout, place);
                    assert_eq!(memory.unused(), Vec::<u64>::new());
                    let what =
                        format!("{} {program}: {:#x} without {addr:#x}", python.display(), place.object);
                    check_all(&seen, &whole, &what);
                    all += 1;
                    shown += usize::from(seen != whole);
                }
            }
            assert!(shown * 2 > all, "{}: of {all} losses only {shown} show", python.display());
        }
    }
}

/// Memory with other words at some addresses.
struct Patched<'a> {
    inner: &'a Image,
    words: &'a [(u64, u64)],
}

impl Memory for Patched<'_> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.inner.read(addr, into)?;
        for (at, word) in self.words {
            for (byte, value) in word.to_le_bytes().into_iter().enumerate() {
                let at = (at + byte as u64).wrapping_sub(addr);
                if let Some(slot) = usize::try_from(at).ok().and_then(|at| into.get_mut(at)) {
                    *slot = value;
                }
            }
        }
        Ok(())
    }
}

/// A class that is its own base, a method resolution order without end, lengths beyond all memory.
#[test]
fn chains_and_lengths_that_do_not_end_are_refused() {
    for python in interpreters::found(8) {
        let (target, places) = places("class_objects.py", "instances", &python);
        let layout = &target.checked.layout;
        let place = *places.last().unwrap();
        let place = places.into_iter().find(|other| other.class != place.class).unwrap();
        let recorder = Recorder::new(&target.memory);
        observe(&recorder, layout, place);
        container_kind(&recorder, layout, place.class).unwrap();
        let image = recorder.into_image();
        let field = |at: u32| place.class + u64::from(at);
        let observe = |words: &[(u64, u64)]| observe(&Patched { inner: &image, words }, layout, place);

        let base = [(field(layout.type_base), place.class)];
        let patched = Patched { inner: &image, words: &base };
        assert_eq!(container_kind(&patched, layout, place.class), Err(Unknown::TooLong));

        let mro = Objects::new(&image, layout).u64(place.class, layout.type_mro).unwrap();
        for length in [1 << 17, 1 << 40, u64::MAX] {
            let seen = observe(&[(mro + u64::from(layout.var_size), length)]);
            assert!(seen.class.unwrap().mro.is_err() && seen.instance.is_err());
        }
        let dict = Objects::new(&image, layout).u64(place.class, layout.type_dict).unwrap();
        let keys = Objects::new(&image, layout).u64(dict, layout.dict_keys).unwrap();
        for length in [1 << 17, 1 << 40, u64::MAX] {
            let seen = observe(&[(keys + u64::from(layout.keys_nentries), length)]);
            assert!(seen.class.unwrap().attributes.is_err());
        }
    }
}

/// Bytes of what was read are changed at random: nothing panics, nothing takes long.
#[test]
fn changed_memory_is_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for python in interpreters::found(8) {
        let (target, places) = places("container_objects.py", "containers", &python);
        let layout = &target.checked.layout;
        for place in places {
            let recorder = Recorder::new(&target.memory);
            observe(&recorder, layout, place);
            let image = recorder.into_image();
            let addresses: Vec<u64> = image.addresses().collect();
            let started = Instant::now();
            for round in 0..20 {
                let words: Vec<(u64, u64)> = (0..=round)
                    .map(|_| {
                        let at = addresses[usize::try_from(random()).unwrap() % addresses.len()];
                        (at + random() % 4 * 8, random() >> (random() % 64))
                    })
                    .collect();
                observe(&Patched { inner: &image, words: &words }, layout, place);
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        }
    }
}
