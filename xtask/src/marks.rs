//! Pages that are written by hand but for their figures, which a chore writes between two marks.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::project;

const END: &str = "<!-- end of figures -->\n";

/// Writes the figures of `chore` to the page of that name in docs/.
pub(crate) fn write(page: &str, chore: &str, figures: &str) -> Result<()> {
    let path = project::root().join("docs").join(page);
    let old = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let new =
        replace(&old, chore, figures).with_context(|| format!("failed to change {}", path.display()))?;
    fs::write(&path, new).with_context(|| format!("failed to write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The page with new figures.
fn replace(page: &str, chore: &str, figures: &str) -> Result<String> {
    let begin = format!("<!-- figures: cargo xtask {chore} -->\n");
    let parts = page.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.context("the page has no place for figures")?;
    ensure!(!figures.is_empty(), "nothing was measured");
    Ok(format!("{head}{begin}{figures}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::{END, replace};

    // What stands around the figures stays.
    #[test]
    fn figures_take_the_place_of_the_old_ones() {
        let begin = "<!-- figures: cargo xtask soak -->\n";
        let page = format!("above\n{begin}old\n{END}below\n");
        assert_eq!(replace(&page, "soak", "new\n").unwrap(), format!("above\n{begin}new\n{END}below\n"));
        assert!(replace(&page, "real", "new\n").is_err());
    }
}
