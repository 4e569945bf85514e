//! Whether an interpreter compiles what runs often (PEP 744): the calls in what it has compiled pass no hook site.

use crate::discover::{Build, Process};

/// The first minor version that can be built with a compiler.
const FIRST_MINOR: u8 = 13;
/// Switches it on or off in builds that have it (`Python/pylifecycle.c`), whose files therefore hold the name.
const VARIABLE: &str = "PYTHON_JIT";
/// What builds have that have a compiler and were not stripped (`Include/internal/pycore_jit.h`).
const COMPILER: &[u8] = b"_PyJIT_Compile";

/// Why calls are not hooked where it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its JIT is on, and calls that it compiles cannot be hooked")]
pub struct JitIsOn;

/// Whether calls of `process`, which runs `build`, can be hooked.
///
/// Without the variable it is off in builds that were configured with `yes-off`, as distributions' are, and on in
/// those with `yes`. Their files do not differ in any way that is known, so that builds which are stripped are taken
/// for the former, and all others for the latter.
pub fn check(build: &Build, process: &Process) -> Result<(), JitIsOn> {
    if build.version.minor() < FIRST_MINOR {
        return Ok(());
    }
    let setting = process.environment.iter().find(|(name, _)| name == VARIABLE).map(|(_, value)| value);
    let is_on = match setting.and_then(|value| value.as_encoded_bytes().first()) {
        Some(b'0') => false,
        Some(_) => build.names(VARIABLE.as_bytes()),
        None => build.elf.find_symbol(COMPILER).is_some(),
    };
    if is_on { Err(JitIsOn) } else { Ok(()) }
}
