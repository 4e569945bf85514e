//! Which CPython, and what is supported.

use std::fmt;

/// A CPython version as `Py_Version` and `_Py_DebugOffsets` hold it (`PY_VERSION_HEX`,
/// `Include/patchlevel.h`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `PY_VERSION_HEX`: major, minor and micro, a byte each, then release level and serial, four bits each.
    pub hex: u32,
}

/// The oldest supported minor version of Python 3.
pub const OLDEST_MINOR: u8 = 8;
/// The newest minor version of Python 3 that has a table of its own.
pub const NEWEST_MINOR: u8 = 15;

impl Version {
    /// A final release.
    pub const fn release(major: u8, minor: u8, micro: u8) -> Self {
        Self { hex: (major as u32) << 24 | (minor as u32) << 16 | (micro as u32) << 8 | 0xf0 }
    }

    /// 3 in all that is supported.
    pub const fn major(self) -> u8 {
        self.hex.to_be_bytes()[0]
    }

    /// 8 to 15 in all that is supported.
    pub const fn minor(self) -> u8 {
        self.hex.to_be_bytes()[1]
    }

    /// The third number.
    pub const fn micro(self) -> u8 {
        self.hex.to_be_bytes()[2]
    }

    /// Whether this version's layouts are known.
    pub const fn is_supported(self) -> bool {
        self.major() == 3 && self.minor() >= OLDEST_MINOR && self.minor() <= NEWEST_MINOR
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major(), self.minor(), self.micro())?;
        let serial = self.hex & 15;
        match (self.hex >> 4) & 15 {
            0xa => write!(f, "a{serial}"),
            0xb => write!(f, "b{serial}"),
            0xc => write!(f, "rc{serial}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    /// `platform.python_version()` gives these texts for these hex versions.
    #[test]
    fn prints_versions_as_python_does() {
        assert_eq!(Version { hex: 0x030d_05f0 }.to_string(), "3.13.5");
        assert_eq!(Version { hex: 0x030f_00b2 }.to_string(), "3.15.0b2");
        assert_eq!(Version { hex: 0x030c_00c1 }.to_string(), "3.12.0rc1");
        assert_eq!(Version::release(3, 8, 18).hex, 0x0308_12f0);
    }
}
