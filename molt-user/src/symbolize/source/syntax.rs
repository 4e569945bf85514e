//! Source text to an [`Outline`], by the parser.
//!
//! The parser and every walk over its tree recurse, so that a hostile file could exhaust the stack. Two things
//! keep it from that: text nested deeper than CPython's own compiler takes is refused before it is parsed, and
//! the work runs on a thread with a large stack of its own.

use super::file::SourceFile;
use super::outline::{Builder, Outline};
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::Visitor;
use ruff_python_parser::lexer::lex;
use ruff_python_parser::{Mode, parse_module};

/// Address space of the thread's stack; only what is used becomes memory.
const STACK_BYTES: usize = 256 << 20;
/// Deepest nesting of brackets: `MAXLEVEL` in `Parser/tokenizer.h`.
const MAX_BRACKETS: usize = 200;
/// Deepest nesting of blocks: `MAXINDENT` there.
const MAX_INDENTS: usize = 100;
/// Most operators that may nest in one statement. CPython 3.8 to 3.10 end with a recursion error before.
const MAX_OPERATORS: usize = 6000;

/// What the parser finds in `file`; `None` when it refuses the text.
pub(super) fn outline(file: &SourceFile) -> Option<Outline> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let work = || {
            if !is_shallow(file.text()) {
                return None;
            }
            let parsed = parse_module(file.text()).ok()?;
            let mut builder = Builder::new(file);
            builder.visit_body(parsed.suite());
            Some(builder.finish())
        };
        thread.spawn_scoped(scope, work).ok()?.join().ok().flatten()
    })
}

/// Whether the tree of `text` cannot be deeper than the limits above.
pub(super) fn is_shallow(text: &str) -> bool {
    let mut lexer = lex(text, Mode::Module);
    // Operators since the last comma, for each open bracket; the sum bounds the depth of the tree.
    let mut operators = vec![0_usize];
    let (mut total, mut indents) = (0_usize, 0_usize);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return true,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi => {
                operators.truncate(1);
                operators.fill(0);
                total = 0;
            }
            TokenKind::Comma => {
                if let Some(last) = operators.last_mut() {
                    total -= std::mem::take(last);
                }
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                if operators.len() > 1 {
                    total -= operators.pop().unwrap_or(0);
                }
            }
            kind if is_leaf(kind) => {}
            kind => {
                total += 1;
                if let Some(last) = operators.last_mut() {
                    *last += 1;
                }
                if matches!(kind, TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace) {
                    operators.push(0);
                }
            }
        }
        if indents > MAX_INDENTS || operators.len() > MAX_BRACKETS || total > MAX_OPERATORS {
            return false;
        }
    }
}

/// Tokens that do not deepen a tree.
fn is_leaf(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringStart
            | TokenKind::FStringMiddle
            | TokenKind::FStringEnd
            | TokenKind::TStringStart
            | TokenKind::TStringMiddle
            | TokenKind::TStringEnd
            | TokenKind::Colon
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline
    )
}
