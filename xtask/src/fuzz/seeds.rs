//! What a target's engine begins with, where random bytes alone would hardly get past the first check.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project;

/// Writes the seeds of target `name` into `folder`.
pub(crate) fn write(name: &str, folder: &Path) -> Result<()> {
    match name {
        "memory_image" => memory_images(folder),
        _ => Ok(()),
    }
}

/// `memory_image` takes the version (u32) and the address of `_PyRuntime` (u64), then the image. Both stand in
/// the file beside the image.
fn memory_images(folder: &Path) -> Result<()> {
    let fixtures = project::root().join("tests/fixtures/memory");
    for entry in fs::read_dir(&fixtures).with_context(|| format!("failed to read {}", fixtures.display()))? {
        let image = entry?.path();
        if image.extension().is_none_or(|extension| extension != "mem") {
            continue;
        }
        let about = image.with_extension("json");
        let text = fs::read(&about).with_context(|| format!("failed to read {}", about.display()))?;
        let about: Value = serde_json::from_slice(&text)?;
        let number =
            |name: &str| about.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}"));
        let mut seed = u32::try_from(number("hex")?)?.to_le_bytes().to_vec();
        seed.extend(number("runtime")?.to_le_bytes());
        seed.extend(fs::read(&image)?);
        fs::write(folder.join(image.file_stem().unwrap_or_default()), seed)?;
    }
    Ok(())
}
