//! A file that calls itself an executable.
#![no_main]

use std::fs::File;
use std::io::Write;

use molt_fuzz::fuzz_target;
use molt_user::discover::elf::Elf;
use molt_user::discover::notes::read_probes;
use nix::sys::memfd::{MFdFlags, memfd_create};

fuzz_target!(|input: &[u8]| {
    let mut file = File::from(memfd_create(c"fuzz", MFdFlags::empty()).expect("a file in memory"));
    file.write_all(input).expect("room for the input");
    let Ok(elf) = Elf::parse(file) else { return };
    let _ = read_probes(&elf);
    let _ = elf.is_stripped();
    let _ = elf.find_symbol(b"_PyRuntime");
    let _ = elf.find_section(b".text").map(|section| elf.read_section(section));
    for address in [0, 0x1000, u64::MAX] {
        let _ = elf.file_offset(address);
        let _ = elf.load_bias(address, 0);
        let _ = elf.read_address(address, &mut [0; 64]);
    }
});
