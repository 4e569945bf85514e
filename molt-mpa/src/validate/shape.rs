//! The schema, checked in pieces.
//!
//! The schema's library lists all faults of a value at once, at several hundred bytes each: a file of eight
//! megabytes of wrong numbers would take two gigabytes. So each entry of a section is checked by itself, and
//! of one with very many values only the first fault is named.
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::place::{self, Step};
use super::{Findings, MAX_FAULTS};
use crate::schema::{self, BrokenSchema};

/// Most values of an entry of which all faults are named. A call site at its caps has a third.
const MAX_LISTED: usize = 10_000;

/// Checks the shape of a whole file.
pub(super) fn check(file: &Map<String, Value>, findings: &mut Findings) -> Result<(), BrokenSchema> {
    let schema = schema::parse()?;
    // The file with empty sections, and without keys that the schema does not describe.
    let mut rest = Map::new();
    let mut sections = Vec::new();
    for (key, member) in file {
        let Some(property) = schema["properties"].get(key) else { continue };
        let entry = property.get("items").or_else(|| property.get("additionalProperties"));
        let kept = match (entry, member) {
            (Some(_), Value::Array(_)) => json!([]),
            (Some(_), Value::Object(_)) => json!({}),
            _ => member.clone(),
        };
        rest.insert(key.clone(), kept);
        sections.extend(entry.map(|entry| (key, entry, member)));
    }
    check_value(&schema::compile(&schema)?, &Value::Object(rest), &[], findings);
    for (section, entry, member) in sections {
        let mut entry = entry.clone();
        entry["$defs"] = schema["$defs"].clone();
        let validator = schema::compile(&entry)?;
        match member {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    check_value(&validator, item, &[Step::Key(section), Step::Index(index)], findings);
                }
            }
            Value::Object(members) => {
                for (name, item) in members {
                    check_value(&validator, item, &[Step::Key(section), Step::Key(name)], findings);
                }
            }
            // The check of the rest has said that it is neither.
            _ => {}
        }
    }
    Ok(())
}

fn check_value(validator: &Validator, value: &Value, above: &[Step<'_>], findings: &mut Findings) {
    if validator.is_valid(value) {
        return;
    }
    let most = if has_more_values(value, MAX_LISTED) || findings.faults.len() >= MAX_FAULTS {
        validator.validate(value).err().into_iter().collect()
    } else {
        validator.iter_errors(value).collect::<Vec<_>>()
    };
    for error in most {
        let path = || place::of_location(above, error.instance_path());
        findings.add(path, || error.masked().to_string());
    }
}

/// Whether a value holds more than `limit` values, itself included. Looks at no more than it must.
fn has_more_values(value: &Value, limit: usize) -> bool {
    let mut left = limit;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let inner = match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        // Those that are open are to be counted as well.
        if left < 1 + inner + open.len() {
            return true;
        }
        left -= 1;
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    // The limit counts lists, maps and what is in them.
    #[test]
    fn counts_values_of_all_depths() {
        let value = json!([1, {"a": [2, 3]}, []]);
        assert!(!has_more_values(&value, 7));
        assert!(has_more_values(&value, 6));
        assert!(has_more_values(&json!(vec![0; 100]), 100));
        assert!(!has_more_values(&json!(vec![0; 99]), 100));
    }
}
