//! What this kernel, these privileges and an interpreter can give, and why not more.
//!
//! [`trial`] asks the kernel by doing what a run does. [`machine`], [`interpreter`] and [`hooks`] turn what
//! was found into facts, [`sections`] into what an artifact would hold. [`advice`] is what to do about a refusal, in a
//! report and in a run that failed alike. Nothing here prints.

pub mod advice;
mod backend;
pub mod command;
pub mod fact;
mod hooks;
mod interpreter;
mod machine;
mod sections;
pub mod subject;
mod trial;

pub use fact::{Fact, State};
pub use subject::Subject;

use crate::discover::privileges::Privileges;
use hooks::Hooks;
use interpreter::Examined;
use trial::{Place, Trial};

/// Facts that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Their heading.
    pub name: &'static str,
    /// The facts, in the order in which they are read.
    pub facts: Vec<Fact>,
}

/// How much of what this version can fill will be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it.
    All,
    /// Some of it.
    Some,
    /// Nothing.
    None,
}

/// All that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Machine, trial, backend, interpreter where one was asked for, hooks, sections.
    pub groups: Vec<Group>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// Looks at this machine, and at an interpreter if there is a `subject`. `command` is the command line that
/// was typed, as [`command::line`] gives it: it becomes part of the advice.
pub fn examine(subject: Option<&Subject>, command: &str) -> Report {
    let privileges = Privileges::read();
    let examined = subject.map(|subject| interpreter::examine(subject, &privileges, command));
    let place = match &examined {
        Some(Examined { build: Some(build), .. }) => Place::of_interpreter(build),
        _ => Place::of_molt(),
    };
    let trial = Trial::run(&place);
    let backend = backend::chosen(&trial, &privileges);
    let obstacle = examined.as_ref().and_then(|examined| examined.obstacle.as_deref());
    let build = examined.as_ref().and_then(|examined| examined.build.as_deref());
    let hooks = Hooks::of(&trial, backend, build, matches!(subject, Some(Subject::Process(_))));
    let (sections, mut verdict) = sections::forecast(&trial, backend, &hooks, obstacle);
    let hooks = hooks.facts();
    let groups = [
        Some(Group { name: "kernel", facts: machine::kernel(&privileges, &trial) }),
        Some(Group { name: "privileges", facts: machine::privileges(&privileges, command) }),
        Some(Group { name: "programs", facts: machine::programs(&trial, &privileges, command) }),
        Some(Group { name: "backend", facts: vec![backend.fact()] }),
        examined.map(|examined| Group { name: "interpreter", facts: examined.facts }),
        Some(Group { name: "hooks", facts: hooks }),
        Some(Group { name: "sections", facts: sections }),
    ];
    let groups: Vec<Group> = groups.into_iter().flatten().collect();
    let mut facts = groups.iter().flat_map(|group| &group.facts);
    if verdict == Verdict::All && facts.any(|fact| fact.state == State::Lacking) {
        verdict = Verdict::Some;
    }
    Report { groups, verdict }
}
