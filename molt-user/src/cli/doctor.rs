//! `molt doctor`: what this machine can give.

use super::{exit, message};
use crate::diagnose::{Fact, Report, State, Subject, Verdict, command, examine};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Says what this kernel, these privileges and an interpreter can give, and why not more.
///
/// Loads and attaches what a run would, and takes it away again; no process is traced. The interpreter is not
/// run.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct DoctorArguments {
    /// Look at the interpreter of this running process
    #[arg(long, value_name = "PID", conflicts_with = "python",
          value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pid: Option<u32>,

    /// Look at this interpreter
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Exit status: 0 all that this version of molt can fill will be filled, 1 some of
it, 2 nothing.";

/// Columns of a fact's name and of its value.
const COLUMNS: (usize, usize) = (26, 18);

pub(super) fn run(arguments: &DoctorArguments) -> ExitCode {
    let process = arguments.pid.map(Subject::Process);
    let subject = process.or_else(|| arguments.python.clone().map(Subject::File));
    let report = examine(subject.as_ref(), &command::line());
    let text = if arguments.json { as_json(&report) } else { as_table(&report) };
    match exit::print(&text) {
        Ok(()) => exit::code(match report.verdict {
            Verdict::All => 0,
            Verdict::Some => exit::FOUND,
            Verdict::None => exit::COULD_NOT_LOOK,
        }),
        Err(failure) => {
            let failure = anyhow::Error::from(failure).context("failed to write to standard output");
            message::say_failure(&failure, &[]);
            exit::code(exit::COULD_NOT_LOOK)
        }
    }
}

/// A line for each fact, and one more for what to do where something is lacking.
fn as_table(report: &Report) -> String {
    let mut text = String::new();
    for group in &report.groups {
        text.push_str(group.name);
        text.push('\n');
        for fact in &group.facts {
            text.push_str(&message::escaped(&line(fact)));
            text.push('\n');
            if let Some(remedy) = &fact.remedy {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "    {:name$}  -> {}", "", message::escaped(remedy), name = COLUMNS.0);
            }
        }
        text.push('\n');
    }
    text.push_str(match report.verdict {
        Verdict::All => "Everything that this version of molt can fill will be filled.\n",
        Verdict::Some => "Something is lacking: an artifact made here will hold less than it could.\n",
        Verdict::None => "Nothing can be traced.\n",
    });
    text
}

fn line(fact: &Fact) -> String {
    let mark = match fact.state {
        State::Good => '+',
        State::Neutral => ' ',
        State::Lacking => '!',
    };
    let (name, value) = COLUMNS;
    let by = (!fact.by.is_empty()).then(|| format!("by {}", fact.by.join(", ")));
    let note = [by, fact.note.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let line = format!("  {mark} {:name$}  {:value$}  {note}", fact.name, shown(&fact.value));
    line.trim_end().to_owned()
}

/// A value as people read it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Object(entries) if entries.is_empty() => "none".to_owned(),
        Value::Object(entries) => {
            let pairs = entries.iter().map(|(name, value)| format!("{name}:{}", shown(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
    }
}

/// Groups by name, in each the facts by name.
fn as_json(report: &Report) -> String {
    let groups = report.groups.iter().map(|group| {
        let facts = group.facts.iter().map(|fact| (fact.name.to_owned(), fact_json(fact)));
        (group.name.to_owned(), Value::Object(facts.collect()))
    });
    let mut root: Map<String, Value> = groups.collect();
    let verdict = match report.verdict {
        Verdict::All => "all",
        Verdict::Some => "some",
        Verdict::None => "none",
    };
    root.insert("verdict".to_owned(), verdict.into());
    format!("{:#}\n", Value::Object(root))
}

fn fact_json(fact: &Fact) -> Value {
    let mut object = json!({ "state": fact.state.name(), "value": fact.value });
    if let (Some(object), false) = (object.as_object_mut(), fact.by.is_empty()) {
        object.insert("by".to_owned(), json!(fact.by));
    }
    for (key, text) in [("note", &fact.note), ("remedy", &fact.remedy)] {
        if let (Some(object), Some(text)) = (object.as_object_mut(), text) {
            object.insert(key.to_owned(), text.as_str().into());
        }
    }
    object
}
