//! Call sites: one place in the code is one key, whatever specialisation does to the frame's offset.

use crate::support::{interpreters, target::Target};
use molt_user::symbolize::code::{Site, read_code};
use std::collections::BTreeSet;

/// Nineteen ways to call, a hundred times each, on every interpreter found.
#[test]
fn each_place_is_one_call_site() {
    for python in interpreters::found(8) {
        let target = Target::run(&python, &["-I", "-S", "-B"], "call_sites.py", &[]);
        let seen = target.report["seen"].as_object().unwrap();
        assert_eq!(seen.len(), 19);
        for (way, seen) in seen {
            let addr = seen["address"].as_u64().unwrap();
            let code = read_code(&target.memory, &target.checked.layout, addr, 0).unwrap();
            let offsets = seen["offsets"].as_array().unwrap();
            let lasti = offsets.iter().map(|offset| i32::try_from(offset.as_i64().unwrap()).unwrap());
            let sites: BTreeSet<Site> = lasti.map(|lasti| code.site(lasti)).collect();
            assert_eq!(sites.len(), 1, "{} {way}: {offsets:?} are {sites:?}", python.display());
        }
    }
}
