//! What must not be in any string or key: addresses, absolute paths, ids of processes and threads, names of
//! hosts and users.
use serde_json::Value;

use super::Findings;
use super::place::{self, Step};

/// Keys under which strings of the program's data stand. With the policy `none` they are kept as they are.
const DATA_KEYS: [&str; 9] =
    ["argv", "attr", "entrypoint", "expr", "file", "keys", "layout", "program", "value"];

/// Keys that name what differs from run to run.
const FOREIGN_KEYS: [&str; 14] = [
    "addr",
    "address",
    "gid",
    "host",
    "hostname",
    "native_thread_id",
    "pid",
    "ppid",
    "tgid",
    "thread_id",
    "tid",
    "uid",
    "user",
    "username",
];

/// Maps of the top level whose keys are names in the program.
const NAME_MAPS: [&str; 7] =
    ["branch_counts", "call_counts", "containers", "loop_counts", "modules", "symbols", "types"];

/// Maps further down whose keys are names or causes.
const INNER_NAME_MAPS: [&str; 6] = ["attrs", "counts", "dropped", "exception_types", "loss", "sections"];

pub(super) fn check(value: &Value, findings: &mut Findings) {
    let policy = value.pointer("/redactions/policy").and_then(Value::as_str);
    let mut walk = Walk { keeps_data: policy == Some("none"), steps: Vec::new(), findings };
    walk.value(value);
}

struct Walk<'a, 'f> {
    keeps_data: bool,
    steps: Vec<Step<'a>>,
    findings: &'f mut Findings,
}

impl<'a> Walk<'a, '_> {
    /// Goes through a value. As deep as the JSON reader allows, which is 128.
    fn value(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.steps.push(Step::Index(index));
                    self.value(item);
                    self.steps.pop();
                }
            }
            Value::Object(members) => {
                let keys_are_names = self.keys_are_names();
                for (key, member) in members {
                    self.steps.push(Step::Key(key));
                    if keys_are_names {
                        self.text(key);
                    } else if FOREIGN_KEYS.contains(&key.as_str()) {
                        self.fault("key names what differs from run to run");
                    }
                    self.value(member);
                    self.steps.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.keeps_data && self.is_data() {
            return;
        }
        if has_address(text) {
            self.fault("text holds what looks like an address");
        }
        if has_absolute_path(text) {
            self.fault("text holds an absolute path");
        }
    }

    fn fault(&mut self, problem: &str) {
        let steps = &self.steps;
        self.findings.add(|| place::of(steps), || problem.to_owned());
    }

    fn keys_are_names(&self) -> bool {
        match self.steps.as_slice() {
            [Step::Key(key)] => NAME_MAPS.contains(key),
            [.., Step::Key(key)] => INNER_NAME_MAPS.contains(key),
            _ => false,
        }
    }

    fn is_data(&self) -> bool {
        match self.steps.as_slice() {
            [.., Step::Key("attrs"), Step::Key(_)] => true,
            [.., Step::Key(key), Step::Index(_)] | [.., Step::Key(key)] => DATA_KEYS.contains(key),
            _ => false,
        }
    }
}

/// Whether `0x` and at least eight hexadecimal digits stand in the text, as in `<C object at 0x7f5c1a2b3c40>`.
fn has_address(text: &str) -> bool {
    const FEWEST_DIGITS: usize = 8;
    text.as_bytes().windows(2 + FEWEST_DIGITS).any(|window| {
        matches!(window, [b'0', b'x' | b'X', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether the text begins with a path from the root (`/etc`), or holds one of several parts after a blank, a
/// quote or the like (`failed to open "/proc/1/maps"`), or a `file:` address.
fn has_absolute_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    let starts_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..);
    let is_root = |at: usize| bytes.get(at) == Some(&b'/') && bytes.get(at + 1).is_some_and(starts_name);
    let has_parts = |at: usize| {
        bytes.iter().skip(at + 1).take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| *byte == b'/')
    };
    let opens = |byte: u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'[' | b'=' | b':' | b',')
    };
    is_root(0)
        || text.contains("file:/")
        || bytes.iter().enumerate().any(|(at, byte)| opens(*byte) && is_root(at + 1) && has_parts(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Both kinds of leaks in the shapes in which they come, and names that look similar and are fine.
    #[test]
    fn tells_addresses_and_paths_from_names() {
        for text in ["<C object at 0x7f5c1a2b3c40>", "0xFFFFFFFF", "f_0x00401000_"] {
            assert!(has_address(text), "{text}");
        }
        for text in ["0x1234567", "x7f5c1a2b3c40", "sha256:00ff", "0x", "mask 0xff"] {
            assert!(!has_address(text), "{text}");
        }
        for text in ["/etc", "/home/a/b.py", "open \"/proc/1/maps\"", "x=/a/b", "file:///a", "/ä"] {
            assert!(has_absolute_path(text), "{text}");
        }
        for text in ["json/decoder.py", "a / b", "/", "//", "and/or", "read /s", "http://a/b", "<frozen os>"]
        {
            assert!(!has_absolute_path(text), "{text}");
        }
    }
}
