//! Help, completions and the man pages.
use std::fs;
use std::path::{Path, PathBuf};

use super::{molt, run, text};

/// The pages that help has.
const PAGES: &[&[&str]] = &[&[], &["trace"], &["validate"], &["doctor"]];

fn page(command: &[&str], flag: &str) -> String {
    let output = run(molt(command).arg(flag));
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    text(&output.stdout).to_owned()
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/golden/help.txt")
}

/// Help is a part of the interface: a change of it is a change of a file, which a reader of the change sees.
/// `MOLT_BLESS=1` writes the file anew.
#[test]
fn help_is_as_reviewed() {
    let pages = PAGES.iter().map(|command| {
        let line = [&["molt"], *command, &["--help"]].concat().join(" ");
        format!("$ {line}\n{}\n", page(command, "--help"))
    });
    let pages: String = pages.collect();
    if std::env::var_os("MOLT_BLESS").is_some() {
        fs::create_dir_all(golden().parent().unwrap()).unwrap();
        fs::write(golden(), &pages).unwrap();
    }
    let reviewed = fs::read_to_string(golden()).unwrap_or_default();
    assert_eq!(pages, reviewed, "if the change is meant: MOLT_BLESS=1 cargo test --test offline help");
}

/// In the short help each flag and each command is followed by what it does.
#[test]
fn every_flag_and_command_says_what_it_does() {
    for command in PAGES {
        let page = page(command, "-h");
        let mut listing = "";
        for line in page.lines() {
            if line.ends_with(':') && !line.starts_with(' ') {
                listing = line;
            }
            let entry = line.strip_prefix("  ").unwrap_or_default();
            let is_flag = entry.trim_start().starts_with('-') && listing == "Options:";
            let is_command = listing == "Commands:" && !entry.is_empty() && !entry.starts_with(' ');
            if is_flag || is_command {
                let (_, says) = entry.trim_start().split_once("  ").unwrap_or((entry, ""));
                assert!(!says.trim().is_empty(), "molt {}: {entry:?} has no help", command.join(" "));
            }
        }
        assert!(page.contains("Options:"));
    }
}

/// A terminal's codes do not belong into a file or a pipe.
#[test]
fn help_in_a_pipe_has_no_colours() {
    for flag in ["-h", "--help"] {
        assert!(!page(&["trace"], flag).contains('\x1b'));
    }
}

/// Packagers take both from the binary.
#[test]
fn completions_and_man_pages_come_from_the_binary() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut molt(&["completions", shell]));
        assert!(script.status.success());
        assert!(text(&script.stdout).contains("duration"), "{shell}");
    }
    for command in PAGES {
        let man = run(molt(&["man"]).args(*command));
        assert!(man.status.success());
        let name = [&["molt"], *command].concat().join("-");
        assert!(text(&man.stdout).contains(&format!(".TH {name} 1")), "{name}");
    }
    let own = run(&mut molt(&["man"]));
    for command in ["trace", "validate", "doctor"] {
        assert!(text(&own.stdout).contains(&format!("molt\\-{command}(1)")), "{command}");
    }
}

/// The page of a command has its flags; under its other name it is the same page.
#[test]
fn man_page_of_trace_has_its_flags() {
    let page = run(&mut molt(&["man", "trace"]));
    for flag in ["pid", "frequency", "duration", "verbose"] {
        assert!(text(&page.stdout).contains(&format!("\\-\\-{flag}")), "{flag}");
    }
    assert_eq!(page.stdout, run(&mut molt(&["man", "profile"])).stdout);
}

/// There is no page of what is no command.
#[test]
fn man_page_of_nothing_is_wrong_usage() {
    let refused = run(&mut molt(&["man", "tarce"]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("molt has no command 'tarce'"));
    assert!(refused.stdout.is_empty());
}

/// The version is one line that scripts can take apart.
#[test]
fn version_is_name_and_number() {
    let output = run(&mut molt(&["--version"]));
    assert_eq!(text(&output.stdout), format!("molt {}\n", env!("CARGO_PKG_VERSION")));
}
