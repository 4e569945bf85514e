//! Parse, run, exit status; no logic.

use std::process::ExitCode;

fn main() -> ExitCode {
    molt_user::cli::main()
}
