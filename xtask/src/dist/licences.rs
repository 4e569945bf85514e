//! The licences of what is linked into the binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::{command, project};

/// The licence texts of every package that is linked into the binary, by `PACKAGE-VERSION/FILE`.
pub(crate) fn linked(target: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--locked", "--package", "molt-user", "--edges", "normal", "--target", target]);
    let tree =
        command::output(tree.args(["--prefix", "none", "--format", "{p}"]).current_dir(project::root()))?;
    let linked: Vec<_> =
        tree.lines().filter_map(|line| Some(line.split(" (").next()?.replace(" v", "-"))).collect();

    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--locked", "--format-version", "1"]).current_dir(project::root());
    let metadata: Value = serde_json::from_str(&command::output(&mut cargo)?)?;
    let mut texts = BTreeMap::new();
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| package.get(name).and_then(Value::as_str);
        let (Some(name), Some(version), Some(manifest), Some(_)) =
            (field("name"), field("version"), field("manifest_path"), field("source"))
        else {
            continue;
        };
        let name = format!("{name}-{version}");
        if linked.contains(&name) {
            for (file, text) in licence_files(Path::new(manifest))? {
                texts.insert(format!("{name}/{file}"), text);
            }
        }
    }
    Ok(texts)
}

fn licence_files(manifest: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(manifest.parent().unwrap_or(manifest))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && is_licence(&name) {
            files.push((name, fs::read(&path)?));
        }
    }
    Ok(files)
}

/// Whether a file of this name holds a licence or a notice.
pub(crate) fn is_licence(name: &str) -> bool {
    let name = name.to_uppercase();
    ["LICENSE", "LICENCE", "COPYING", "UNLICENSE", "NOTICE"].iter().any(|start| name.starts_with(start))
}
