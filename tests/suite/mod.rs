//! The tests of the live suite, by what they are about.
mod attach;
mod auto;
mod doctor;
mod effects;
mod exact;
mod identity;
mod interrupt;
mod looks;
mod output;
mod procmem;
mod refusals;
mod repeat;
mod shares;
mod sites;
mod status;
mod truth;
mod wrappers;

use libtest_mimic::Trial;

use crate::support::program::{EXACT_PROGRAMS, PROGRAMS};
use crate::support::pythons::Interpreter;

/// A test of one interpreter.
type Test = fn(&Interpreter);

/// Tests that depend on the interpreter's version or build.
const ON_EACH: &[(&str, Test)] = &[
    ("shares_of_time_are_within_three_points", shares::shares_of_time_are_within_three_points),
    ("two_runs_differ_only_where_they_may", repeat::two_runs_differ_only_where_they_may),
    ("two_exact_runs_are_equal", exact::two_exact_runs_are_equal),
    (
        "default_mode_sees_what_takes_time_and_estimates_its_calls",
        auto::default_mode_sees_what_takes_time_and_estimates_its_calls,
    ),
    ("attaches_to_a_running_program", attach::attaches_to_a_running_program),
    ("doctor_describes_the_interpreter", doctor::doctor_describes_the_interpreter),
    ("each_function_has_its_effects", effects::each_function_has_its_effects),
    ("audit_events_are_as_the_hook_sees_them", effects::audit_events_are_as_the_hook_sees_them),
    ("semaphores_are_back_at_zero", effects::semaphores_are_back_at_zero),
    ("imports_come_in_order", effects::imports_come_in_order),
    ("assignments_and_collections_are_counted", looks::assignments_and_collections_are_counted),
    ("hook_sites_see_every_call", sites::hook_sites_see_every_call),
    ("children_are_found", procmem::children_are_found),
    ("stacks_read_from_outside_are_possible", procmem::stacks_read_from_outside_are_possible),
    (
        "shares_read_from_outside_are_within_three_points",
        procmem::shares_read_from_outside_are_within_three_points,
    ),
];

/// Tests of molt's own behaviour, for which any interpreter serves.
const ON_ONE: &[(&str, Test)] = &[
    ("comparison_finds_each_kind_of_fault", exact::comparison_finds_each_kind_of_fault),
    ("status_of_the_target_is_forwarded", status::status_of_the_target_is_forwarded),
    ("signal_that_ends_the_target_is_added_to_128", status::signal_that_ends_the_target_is_added_to_128),
    ("command_that_cannot_be_run_is_126_and_127", status::command_that_cannot_be_run_is_126_and_127),
    ("input_and_output_pass_through", status::input_and_output_pass_through),
    ("interrupt_reaches_the_target_once", interrupt::interrupt_reaches_the_target_once),
    ("second_interrupt_ends_molt_at_once", interrupt::second_interrupt_ends_molt_at_once),
    ("killed_molt_leaves_the_target_running", interrupt::killed_molt_leaves_the_target_running),
    (
        "target_that_dies_while_attached_leaves_an_artifact",
        attach::target_that_dies_while_attached_leaves_an_artifact,
    ),
    ("changes_between_looks_are_seen", looks::changes_between_looks_are_seen),
    ("strange_modules_and_events_are_bounded", looks::strange_modules_and_events_are_bounded),
    (
        "attached_process_is_held_at_its_end_if_asked_for",
        looks::attached_process_is_held_at_its_end_if_asked_for,
    ),
    ("age_of_the_last_look_is_told", looks::age_of_the_last_look_is_told),
    ("process_that_is_not_there_is_reported", attach::process_that_is_not_there_is_reported),
    ("two_tracers_do_not_disturb_each_other", attach::two_tracers_do_not_disturb_each_other),
    ("shell_script_that_starts_python_is_followed", wrappers::shell_script_that_starts_python_is_followed),
    ("env_and_shebang_are_followed", wrappers::env_and_shebang_are_followed),
    ("virtual_environment_is_followed", wrappers::virtual_environment_is_followed),
    ("target_that_is_not_python_is_reported", wrappers::target_that_is_not_python_is_reported),
    ("old_pythons_are_refused_by_name", wrappers::old_pythons_are_refused_by_name),
    ("artifact_goes_to_standard_output", output::artifact_goes_to_standard_output),
    ("output_is_tried_before_the_target_starts", output::output_is_tried_before_the_target_starts),
    ("full_disk_keeps_the_old_file", output::full_disk_keeps_the_old_file),
    ("without_privileges_the_target_is_not_started", identity::without_privileges_the_target_is_not_started),
    ("anybody_may_sample_their_own_programs", procmem::anybody_may_sample_their_own_programs),
    ("through_sudo_the_target_runs_as_the_caller", identity::through_sudo_the_target_runs_as_the_caller),
    ("user_option_changes_the_target_user", identity::user_option_changes_the_target_user),
    ("doctor_tells_what_each_capability_gives", doctor::doctor_tells_what_each_capability_gives),
    ("doctor_tells_what_namespaces_take_away", doctor::doctor_tells_what_namespaces_take_away),
    ("doctor_refuses_what_is_no_interpreter", doctor::doctor_refuses_what_is_no_interpreter),
    ("process_that_cannot_be_traced_is_named", refusals::process_that_cannot_be_traced_is_named),
    ("process_that_ends_meanwhile_is_reported", refusals::process_that_ends_meanwhile_is_reported),
    ("seccomp_filter_is_named", refusals::seccomp_filter_is_named),
    ("verifier_s_refusal_is_one_line", refusals::verifier_s_refusal_is_one_line),
    ("pid_namespace_of_its_own_is_refused", refusals::pid_namespace_of_its_own_is_refused),
    (
        "end_is_seen_without_an_event_source_for_uprobes",
        refusals::end_is_seen_without_an_event_source_for_uprobes,
    ),
];

/// All tests for these interpreters.
pub(crate) fn trials(pythons: &[Interpreter]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for python in pythons {
        for program in PROGRAMS {
            let name = format!("{}::artifact_says_what_the_oracle_saw::{}", python.name, program.name);
            trials.push(trial(name, python, |python| {
                truth::artifact_says_what_the_oracle_saw(python, program);
            }));
        }
        for program in EXACT_PROGRAMS {
            let name = format!("{}::every_call_is_as_the_oracle_saw_it::{}", python.name, program.name);
            trials.push(trial(name, python, |python| {
                exact::every_call_is_as_the_oracle_saw_it(python, program);
            }));
        }
        for (name, test) in ON_EACH {
            trials.push(trial(format!("{}::{name}", python.name), python, test));
        }
    }
    // One that other users may run as well, for the tests of identity.
    if let Some(python) = pythons.iter().find(|python| identity::is_for_everyone(python)).or(pythons.first())
    {
        for (name, test) in ON_ONE {
            trials.push(trial(format!("{}::{name}", python.name), python, test));
        }
    }
    trials
}

fn trial(name: String, python: &Interpreter, test: impl FnOnce(&Interpreter) + Send + 'static) -> Trial {
    let python = python.clone();
    Trial::test(name, move || {
        test(&python);
        Ok(())
    })
}
