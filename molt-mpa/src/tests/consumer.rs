//! What the published consumer, a compiler's loader, demands of the file.
use serde_json::Value;

use super::full::{full, hashed};
use crate::write;

fn file_of(artifact: &crate::model::Artifact) -> Value {
    let mut text = Vec::new();
    write::write_to(artifact, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

// Each of these is checked by its loader, which refuses the whole file otherwise.
#[test]
fn the_consumer_accepts_the_header() {
    for file in [file_of(&full()), file_of(&hashed())] {
        assert_eq!(file["molt_profile_version"], "0.1");
        assert!(is_text(&file["python_implementation"]));
        assert!(is_text(&file["python_version"]));
        assert!(is_text(&file["platform"]["os"]));
        assert!(is_text(&file["platform"]["arch"]));
        let run = &file["run_metadata"];
        assert!(is_text(&run["entrypoint"]));
        assert!(run["argv"].as_array().unwrap().iter().all(Value::is_string));
        assert!(is_text(&run["env_fingerprint"]));
        assert!(is_text(&run["inputs_fingerprint"]));
        assert!(run["duration_ms"].as_f64().unwrap() >= 0.0);
    }
}

// It sorts by score, then time_ms, and matches the name as `module.function`.
#[test]
fn the_consumer_ranks_hotspots_as_they_stand() {
    let file = file_of(&full());
    let rows = file["hotspots"].as_array().unwrap();
    let key = |row: &Value| (row["score"].as_f64().unwrap(), row["time_ms"].as_f64().unwrap());
    assert!(rows.is_sorted_by(|left, right| key(left) >= key(right)));
    assert_eq!(rows[0]["symbol"], "app.g");
}

// It reads these three as maps from `module.function` to integers.
#[test]
fn the_consumer_reads_the_three_maps_of_counts() {
    let file = file_of(&full());
    for map in ["call_counts", "branch_counts", "loop_counts"] {
        assert!(file[map].as_object().unwrap().values().all(Value::is_u64), "{map}");
    }
    assert_eq!(file["call_counts"]["app.f"], 70);
}
