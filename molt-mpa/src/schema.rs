//! The schema of the file: `docs/mpa.schema.json`, JSON Schema draft 2020-12.
use jsonschema::{PatternOptions, Validator};

/// The schema's text.
pub const SCHEMA: &str = include_str!("../../docs/mpa.schema.json");

/// The schema that was compiled into this crate is broken. Its tests exclude it.
#[derive(Debug, thiserror::Error)]
#[error("built-in schema is broken: {problem}")]
pub struct BrokenSchema {
    problem: String,
}

/// The schema, ready to check values. Its patterns run in time linear in the text that they are matched against.
pub(crate) fn compile() -> Result<Validator, BrokenSchema> {
    let broken = |problem: String| BrokenSchema { problem };
    let schema = serde_json::from_str(SCHEMA).map_err(|error| broken(error.to_string()))?;
    jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| broken(error.to_string()))
}
