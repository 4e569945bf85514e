//! Which C library a process or a file uses.

use super::elf::Elf;
use super::interpreter::Libc;

/// Tells by the name of a library or of a dynamic linker; none for others.
pub(super) fn by_name(path: &[u8]) -> Option<Libc> {
    let name = path.rsplit(|&byte| byte == b'/').next()?;
    if name.starts_with(b"ld-musl-") || name.starts_with(b"libc.musl-") {
        return Some(Libc::Musl);
    }
    // Up to 2.33 the file is named libc-2.31.so, and libc.so.6 is a link to it.
    if let Some(version) = name.strip_prefix(b"libc-2.").and_then(|tail| tail.strip_suffix(b".so")) {
        return Some(Libc::Glibc { minor: parse_minor(version) });
    }
    (name == b"libc.so.6" || name.starts_with(b"ld-linux")).then_some(Libc::Glibc { minor: None })
}

/// The minor version of a glibc file: the newest `GLIBC_2.N` among its symbol versions.
pub(super) fn glibc_minor(elf: &Elf) -> Option<u16> {
    let names = elf.read_section(elf.find_section(b".dynstr")?).ok()?;
    names.split(|&byte| byte == 0).filter_map(|name| parse_minor(name.strip_prefix(b"GLIBC_2.")?)).max()
}

/// What a file says that it wants.
pub(super) fn by_linking(elf: &Elf) -> Libc {
    let mut named = elf.linking.interpreter.iter().chain(&elf.linking.needed);
    named.find_map(|name| by_name(name)).unwrap_or(Libc::Unknown)
}

fn parse_minor(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::by_name;
    use crate::discover::Libc;

    /// The files' names on Debian, Ubuntu and Alpine.
    #[test]
    fn knows_c_libraries_by_name() {
        assert_eq!(by_name(b"/lib/x86_64-linux-gnu/libc.so.6"), Some(Libc::Glibc { minor: None }));
        assert_eq!(by_name(b"/lib/x86_64-linux-gnu/libc-2.31.so"), Some(Libc::Glibc { minor: Some(31) }));
        assert_eq!(by_name(b"/lib64/ld-linux-x86-64.so.2"), Some(Libc::Glibc { minor: None }));
        assert_eq!(by_name(b"/lib/ld-musl-x86_64.so.1"), Some(Libc::Musl));
        assert_eq!(by_name(b"libc.musl-x86_64.so.1"), Some(Libc::Musl));
        assert_eq!(by_name(b"/usr/lib/libcrypt.so.1"), None);
    }
}
