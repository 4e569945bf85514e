//! The schema of the file: `docs/mpa.schema.json`, JSON Schema draft 2020-12.
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// The schema's text.
pub const SCHEMA: &str = include_str!("../../docs/mpa.schema.json");

/// The schema that was compiled into this crate is broken. Its tests exclude it.
#[derive(Debug, thiserror::Error)]
#[error("built-in schema is broken: {problem}")]
pub struct BrokenSchema {
    problem: String,
}

/// The schema as a value.
pub(crate) fn parse() -> Result<Value, BrokenSchema> {
    serde_json::from_str(SCHEMA).map_err(|error| BrokenSchema { problem: error.to_string() })
}

/// A schema, ready to check values. Its patterns run in time linear in the text that they are matched against.
pub(crate) fn compile(schema: &Value) -> Result<Validator, BrokenSchema> {
    jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| BrokenSchema { problem: error.to_string() })
}
