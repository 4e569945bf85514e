//! The command line that was typed, as it can be typed again.

use std::ffi::{OsStr, OsString};

/// This process's command line, quoted for a shell.
pub fn line() -> String {
    quote(std::env::args_os())
}

/// Words as a POSIX shell reads them back. A word that is not UTF-8 is shown as near as text comes.
pub fn quote(words: impl IntoIterator<Item = OsString>) -> String {
    let words = words.into_iter().map(|word| quote_word(&word));
    words.collect::<Vec<_>>().join(" ")
}

fn quote_word(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "_-+./:,@%=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;
    use std::ffi::OsString;
    use std::process::Command;

    /// A shell reads back what was given.
    #[test]
    fn a_shell_reads_the_same_words() {
        let words =
            ["molt", "trace", "--", "python3", "-c", "print('it''s', \"$HOME\")", "", "a b", "*", "ä~é"];
        let script = format!("printf '%s\\0' {}", quote(words.map(OsString::from)));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let read: Vec<_> = output.stdout.split(|&byte| byte == 0).collect();
        assert_eq!(read, words.map(str::as_bytes).into_iter().chain([&b""[..]]).collect::<Vec<_>>());
    }

    /// What needs no quotes has none.
    #[test]
    fn plain_words_stay_plain() {
        let words = ["molt", "trace", "-F", "199", "--", "python3", "app.py", "--flag=1"];
        assert_eq!(quote(words.map(OsString::from)), "molt trace -F 199 -- python3 app.py --flag=1");
    }
}
