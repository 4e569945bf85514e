//! From an interpreter's command line to what it was told to run.

/// What an interpreter was told to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `-m MODULE`.
    Module(String),
    /// `-c CODE`.
    Command,
    /// A script's path as it stands on the command line; also a folder or archive.
    Script(String),
    /// Nothing or `-`: the program comes from standard input.
    Stdin,
}

/// An interpreter's command line, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// What to run.
    pub entry: Entry,
    /// Every argument after the interpreter's own name.
    pub arguments: Vec<String>,
}

/// Options of CPython that take an argument of their own (`Python/initconfig.c`, 3.8 to 3.15: `-W`, `-X`, and
/// the long `--check-hash-based-pycs`).
const WITH_ARGUMENT: [char; 2] = ['W', 'X'];
const LONG_WITH_ARGUMENT: &str = "--check-hash-based-pycs";

/// Takes `argv` apart as CPython does (`Python/getopt.c`).
pub fn parse(argv: &[String]) -> CommandLine {
    let arguments = argv.get(1..).unwrap_or_default().to_vec();
    CommandLine { entry: entry(&arguments), arguments }
}

fn entry(arguments: &[String]) -> Entry {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == LONG_WITH_ARGUMENT {
            rest.next();
            continue;
        }
        if argument == "-" {
            return Entry::Stdin;
        }
        if argument == "--" {
            return rest.next().map_or(Entry::Stdin, |script| Entry::Script(script.clone()));
        }
        let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else {
            if argument.starts_with("--") {
                continue;
            }
            return Entry::Script(argument.clone());
        };
        for (at, letter) in letters.char_indices() {
            let attached = &letters[at + letter.len_utf8()..];
            match letter {
                'c' => return Entry::Command,
                'm' if attached.is_empty() => {
                    return rest.next().map_or(Entry::Stdin, |module| Entry::Module(module.clone()));
                }
                'm' => return Entry::Module(attached.to_owned()),
                _ if WITH_ARGUMENT.contains(&letter) => {
                    if attached.is_empty() {
                        rest.next();
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    Entry::Stdin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Entry {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).entry
    }

    /// Each way to start Python that `python --help` lists.
    #[test]
    fn finds_what_to_run_among_the_options() {
        let script = |path: &str| Entry::Script(path.to_owned());
        assert_eq!(of("python3 app.py -m x"), script("app.py"));
        assert_eq!(of("python3 -B -X utf8 -W ignore app.py"), script("app.py"));
        assert_eq!(of("python3 -Xutf8 -bb app.py"), script("app.py"));
        assert_eq!(of("python3 -m pkg.mod --flag"), Entry::Module("pkg.mod".to_owned()));
        assert_eq!(of("python3 -Immpkg"), Entry::Module("mpkg".to_owned()));
        assert_eq!(of("python3 -uc pass"), Entry::Command);
        assert_eq!(of("python3 --check-hash-based-pycs never app.py"), script("app.py"));
        assert_eq!(of("python3 - arg"), Entry::Stdin);
        assert_eq!(of("python3"), Entry::Stdin);
        assert_eq!(of("python3 -m"), Entry::Stdin);
    }
}
