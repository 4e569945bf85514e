//! Types and schema name the same keys.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::full::{full, hashed};
use crate::{read, schema, validate, write};

type Keys = BTreeMap<String, BTreeSet<String>>;

// The two are written by hand: each key of the one must be a key of the other, in every struct.
#[test]
fn schema_and_types_name_the_same_keys() {
    let schema: Value = serde_json::from_str(schema::SCHEMA).unwrap();
    let mut in_schema = Keys::new();
    in_schema.insert("#".to_owned(), keys_of(&schema["properties"]));
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        if definition.get("properties").is_some() {
            in_schema.insert(format!("#/$defs/{name}"), keys_of(&definition["properties"]));
        }
    }
    let mut in_types = Keys::new();
    collect(&schema, "#", &serde_json::to_value(full()).unwrap(), &mut in_types);
    assert_eq!(in_types, in_schema);
}

// Every enum value that the schema allows is one that the types write.
#[test]
fn schema_and_types_name_the_same_words() {
    let schema: Value = serde_json::from_str(schema::SCHEMA).unwrap();
    let mut words = BTreeSet::new();
    collect_words(&schema["$defs"], &mut words);
    // Two more artifacts' worth of the words of which an artifact has one.
    let one_of = ["darwin", "x86_64", "dtrace", "procmem", "sample", "exact", "hash", "drop", "unavailable"];
    let text = serde_json::to_string(&full()).unwrap();
    for word in words {
        assert!(
            text.contains(&format!("\"{word}\"")) || one_of.contains(&word.as_str()),
            "{word} is not written"
        );
    }
}

fn collect_words(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_array() {
                    Some(choices) if key == "enum" => {
                        words.extend(choices.iter().map(|word| word.as_str().unwrap().to_owned()));
                    }
                    _ => collect_words(member, words),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, words)),
        _ => {}
    }
}

// An artifact with everything in it is sound, under both kinds of policies, and survives the file.
#[test]
fn a_full_artifact_is_sound_and_survives_the_file() {
    for artifact in [full(), hashed()] {
        let mut text = Vec::new();
        let bytes = write::write_to(&artifact, &mut text).unwrap();
        assert_eq!(bytes, text.len() as u64);
        assert_eq!(text.last(), Some(&b'\n'));
        assert_eq!(validate::validate_slice(&text).unwrap().faults, []);
        assert_eq!(read::from_slice(&text).unwrap(), artifact);
    }
}

// What later versions add must not keep this one from reading.
#[test]
fn unknown_keys_are_ignored() {
    let artifact = full();
    let mut value = serde_json::to_value(&artifact).unwrap();
    value["later"] = Value::from(1);
    value["symbols"]["app.f"]["later"] = Value::from("x");
    value["events"][0]["later"] = Value::from(vec![1]);
    let text = value.to_string();
    assert_eq!(read::from_slice(text.as_bytes()).unwrap(), artifact);
    assert!(validate::validate_slice(text.as_bytes()).unwrap().is_clean());
}

fn keys_of(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// Adds the keys of `value`, which the schema describes at `place`, and of all below it.
fn collect(schema: &Value, place: &str, value: &Value, keys: &mut Keys) {
    let definition = schema.pointer(place.trim_start_matches('#')).unwrap();
    descend(schema, place, definition, value, keys);
}

fn descend(schema: &Value, place: &str, definition: &Value, value: &Value, keys: &mut Keys) {
    if let Some(reference) = definition.get("$ref").and_then(Value::as_str) {
        collect(schema, reference, value, keys);
    }
    if let Some(properties) = definition.get("properties") {
        keys.entry(place.to_owned()).or_default().extend(keys_of(value));
        for (key, member) in value.as_object().unwrap() {
            descend(schema, place, &properties[key], member, keys);
        }
    } else if let Some(entry) = definition.get("additionalProperties") {
        value.as_object().unwrap().values().for_each(|member| descend(schema, place, entry, member, keys));
    } else if let Some(item) = definition.get("items") {
        value.as_array().unwrap().iter().for_each(|member| descend(schema, place, item, member, keys));
    }
}
