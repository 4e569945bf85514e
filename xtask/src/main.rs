//! Every chore of the project that has logic in it.

mod layout;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((command, rest)) if command == "layout" => layout::run(rest),
        _ => bail!("usage: cargo xtask layout"),
    }
}
