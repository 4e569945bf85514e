//! The functions, classes and calls of a source file: what versions without `co_qualname` and columns leave
//! out of their code objects.

use super::file::SourceFile;
use crate::cpython::linetable::Position;
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Arguments, Comprehension, Decorator, Expr, ExprCall, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::collections::{BTreeMap, BTreeSet};

/// What a source file defines and calls.
#[derive(Debug, Default)]
pub struct Outline {
    /// Qualified names by `co_firstlineno` and `co_name`.
    qualnames: BTreeMap<(i32, String), BTreeSet<String>>,
    /// Calls by the lines that a call instruction may carry.
    calls: BTreeMap<i32, Vec<Call>>,
}

/// A call expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it stands.
    pub position: Position,
    /// The name called: `f` of `f()`, `m` of `o.m()`.
    pub callee: Option<String>,
}

impl Outline {
    /// The `__qualname__` of the code named `name` whose first line is `first_line`; `None` when there is none
    /// or when two have different ones.
    pub fn qualname(&self, name: &str, first_line: i32) -> Option<&str> {
        let found = self.qualnames.get(&(first_line, name.to_owned()))?;
        let mut names = found.iter();
        names.next().filter(|_| names.next().is_none()).map(String::as_str)
    }

    /// The call on `line` that called `callee`: the only one of that name or, when none has it, the only
    /// call on the line. `None` when several could be meant.
    pub fn call(&self, line: i32, callee: &str) -> Option<&Call> {
        let calls = self.calls.get(&line)?;
        let mut named = calls.iter().filter(|call| call.callee.as_deref() == Some(callee));
        match (named.next(), named.next(), calls.as_slice()) {
            (Some(one), None, _) | (None, _, [one]) => Some(one),
            _ => None,
        }
    }
}

/// A scope of the source while it is walked.
struct Scope {
    /// What stands before the names defined in it.
    prefix: String,
    /// Names that it declares `global`.
    globals: BTreeSet<String>,
}

/// Builds an [`Outline`]. The rules are those of `compiler_set_qualname` (`Python/compile.c`, 3.8 to 3.10).
pub(super) struct Builder<'a> {
    file: &'a SourceFile,
    outline: Outline,
    scopes: Vec<Scope>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: &'a SourceFile) -> Self {
        Self { file, outline: Outline::default(), scopes: Vec::new() }
    }

    pub(super) fn finish(self) -> Outline {
        self.outline
    }

    /// Notes code named `name` that begins at `start`; gives its qualified name.
    fn define(&mut self, name: &str, start: TextSize) -> String {
        let scope = self.scopes.last();
        let prefix = scope.filter(|scope| !scope.globals.contains(name)).map_or("", |scope| &scope.prefix);
        let qualname = format!("{prefix}{name}");
        let (line, _) = self.file.line_and_column(start.to_usize());
        self.outline.qualnames.entry((line, name.to_owned())).or_default().insert(qualname.clone());
        qualname
    }

    fn inside(&mut self, prefix: String, globals: BTreeSet<String>, walk: impl FnOnce(&mut Self)) {
        self.scopes.push(Scope { prefix, globals });
        walk(self);
        self.scopes.pop();
    }

    /// Code that is a comprehension: its first iterable is evaluated outside of it.
    fn comprehension(
        &mut self,
        name: &str,
        start: TextSize,
        generators: &'a [Comprehension],
        elements: &[&'a Expr],
    ) {
        let qualname = self.define(name, start);
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        self.inside(format!("{qualname}."), BTreeSet::new(), |builder| {
            for (at, generator) in generators.iter().enumerate() {
                if at > 0 {
                    builder.visit_expr(&generator.iter);
                }
                builder.visit_expr(&generator.target);
                for condition in &generator.ifs {
                    builder.visit_expr(condition);
                }
            }
            for element in elements {
                builder.visit_expr(element);
            }
        });
    }

    fn call(&mut self, call: &ExprCall) {
        let callee = match &*call.func {
            Expr::Name(name) => Some(name.id.to_string()),
            Expr::Attribute(attribute) => Some(attribute.attr.to_string()),
            _ => None,
        };
        let position = self.position(call.range());
        // 3.10 gives a method call the line on which the attribute ends.
        let (attribute_line, _) = self.file.line_and_column(call.func.end().to_usize());
        let lines = BTreeSet::from([position.line, attribute_line]);
        for line in lines {
            self.outline.calls.entry(line).or_default().push(Call { position, callee: callee.clone() });
        }
    }

    fn position(&self, range: TextRange) -> Position {
        let (line, col) = self.file.line_and_column(range.start().to_usize());
        let (end_line, end_col) = self.file.line_and_column(range.end().to_usize());
        Position { line, end_line: Some(end_line), col: Some(col), end_col: Some(end_col) }
    }
}

/// `co_firstlineno` of a definition is the line of its first decorator.
fn first_of(decorators: &[Decorator], range: TextRange) -> TextSize {
    decorators.first().map_or(range.start(), |decorator| decorator.expression.start())
}

impl<'a> Visitor<'a> for Builder<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                let decorators = &function.decorator_list;
                for decorator in decorators {
                    self.visit_decorator(decorator);
                }
                self.visit_parameters(&function.parameters);
                if let Some(returns) = &function.returns {
                    self.visit_annotation(returns);
                }
                let qualname = self.define(&function.name, first_of(decorators, function.range));
                let globals = globals_of(&function.body);
                self.inside(format!("{qualname}.<locals>."), globals, |builder| {
                    builder.visit_body(&function.body);
                });
            }
            Stmt::ClassDef(class) => {
                let decorators = &class.decorator_list;
                for decorator in decorators {
                    self.visit_decorator(decorator);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                let qualname = self.define(&class.name, first_of(decorators, class.range));
                let globals = globals_of(&class.body);
                self.inside(format!("{qualname}."), globals, |builder| builder.visit_body(&class.body));
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                let qualname = self.define("<lambda>", lambda.start());
                self.inside(format!("{qualname}.<locals>."), BTreeSet::new(), |builder| {
                    builder.visit_expr(&lambda.body);
                });
            }
            Expr::ListComp(list) => {
                self.comprehension("<listcomp>", list.start(), &list.generators, &[&list.elt]);
            }
            Expr::SetComp(set) => self.comprehension("<setcomp>", set.start(), &set.generators, &[&set.elt]),
            Expr::DictComp(dict) => {
                self.comprehension("<dictcomp>", dict.start(), &dict.generators, &[&dict.key, &dict.value]);
            }
            Expr::Generator(generator) => {
                self.comprehension("<genexpr>", generator.start(), &generator.generators, &[&generator.elt]);
            }
            Expr::Call(call) => {
                self.call(call);
                self.visit_expr(&call.func);
                self.visit_arguments(&call.arguments);
            }
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_arguments(&mut self, arguments: &'a Arguments) {
        // A generator expression that is the only argument begins at the call's parenthesis.
        if let [Expr::Generator(generator)] = &*arguments.args
            && !generator.parenthesized
        {
            self.comprehension("<genexpr>", arguments.start(), &generator.generators, &[&generator.elt]);
            for keyword in &arguments.keywords {
                self.visit_keyword(keyword);
            }
            return;
        }
        visitor::walk_arguments(self, arguments);
    }
}

/// The names that the statements of one scope declare `global`.
fn globals_of(body: &[Stmt]) -> BTreeSet<String> {
    struct Globals(BTreeSet<String>);
    impl<'a> Visitor<'a> for Globals {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            match stmt {
                Stmt::Global(global) => self.0.extend(global.names.iter().map(ToString::to_string)),
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => visitor::walk_stmt(self, stmt),
            }
        }
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut globals = Globals(BTreeSet::new());
    globals.visit_body(body);
    globals.0
}
