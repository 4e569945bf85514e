//! The tests of the live suite, by what they are about.
mod allocations;
mod attach;
mod auto;
mod boxes;
mod builds;
mod doctor;
mod effects;
mod exact;
mod foreign;
mod groups;
mod happenings;
mod harm;
mod identity;
mod interrupt;
mod looks;
mod losses;
mod many;
mod output;
mod procmem;
mod refusals;
mod repeat;
mod shares;
mod sites;
mod source;
mod status;
mod storms;
mod summary;
mod tree;
mod truth;
mod types;
mod untrusted;
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
    (
        "allocations_are_ranked_as_tracemalloc_has_them",
        allocations::allocations_are_ranked_as_tracemalloc_has_them,
    ),
    ("attaches_to_a_running_program", attach::attaches_to_a_running_program),
    ("target_in_namespaces_of_its_own_is_traced", boxes::target_in_namespaces_of_its_own_is_traced),
    ("doctor_describes_the_interpreter", doctor::doctor_describes_the_interpreter),
    ("each_function_has_its_effects", effects::each_function_has_its_effects),
    ("audit_events_are_as_the_hook_sees_them", effects::audit_events_are_as_the_hook_sees_them),
    ("semaphores_are_back_at_zero", effects::semaphores_are_back_at_zero),
    ("imports_and_collections_are_as_they_were", happenings::imports_and_collections_are_as_they_were),
    ("calls_of_c_are_seen", foreign::calls_of_c_are_seen),
    ("assignments_and_collections_are_counted", looks::assignments_and_collections_are_counted),
    ("classes_are_as_the_program_sees_them", types::classes_are_as_the_program_sees_them),
    ("changes_of_classes_are_seen", types::changes_of_classes_are_seen),
    ("instances_that_change_their_class_are_told", types::instances_that_change_their_class_are_told),
    ("hook_sites_see_every_call", sites::hook_sites_see_every_call),
    ("each_way_to_make_a_process_is_followed", tree::each_way_to_make_a_process_is_followed),
    ("children_are_found", procmem::children_are_found),
    ("stacks_read_from_outside_are_possible", procmem::stacks_read_from_outside_are_possible),
    (
        "shares_read_from_outside_are_within_three_points",
        procmem::shares_read_from_outside_are_within_three_points,
    ),
];

/// Tests of molt's own behaviour, for which any interpreter serves.
const ON_ONE: &[(&str, Test)] = &[
    ("allocations_that_are_not_seen_have_a_reason", allocations::allocations_that_are_not_seen_have_a_reason),
    ("comparison_finds_each_kind_of_fault", exact::comparison_finds_each_kind_of_fault),
    ("probes_placed_one_by_one_see_the_same", exact::probes_placed_one_by_one_see_the_same),
    ("target_in_namespaces_of_its_own_is_sampled", boxes::target_in_namespaces_of_its_own_is_sampled),
    ("embedded_python_is_traced", builds::embedded_python_is_traced),
    ("subinterpreters_are_seen", builds::subinterpreters_are_seen),
    (
        "unknown_free_threaded_build_is_refused_by_name",
        builds::unknown_free_threaded_build_is_refused_by_name,
    ),
    ("compiled_program_is_sampled", builds::compiled_program_is_sampled),
    ("free_threaded_build_is_sampled", builds::free_threaded_build_is_sampled),
    ("musl_build_is_traced", builds::musl_build_is_traced),
    ("sidecar_needs_three_capabilities", boxes::sidecar_needs_three_capabilities),
    ("node_is_watched_with_five_capabilities", boxes::node_is_watched_with_five_capabilities),
    ("wait_that_is_in_vain_ends", boxes::wait_that_is_in_vain_ends),
    ("names_do_not_reach_the_terminal", untrusted::names_do_not_reach_the_terminal),
    ("planted_output_is_refused", untrusted::planted_output_is_refused),
    ("capabilities_are_given_up_once_attached", untrusted::capabilities_are_given_up_once_attached),
    ("nothing_is_harmed_by_attaching_and_detaching", harm::nothing_is_harmed_by_attaching_and_detaching),
    ("nothing_is_harmed_by_killing_molt", harm::nothing_is_harmed_by_killing_molt),
    ("nothing_is_harmed_by_killing_the_target", harm::nothing_is_harmed_by_killing_the_target),
    ("nothing_is_harmed_by_stopping_molt", harm::nothing_is_harmed_by_stopping_molt),
    ("memory_of_molt_stays_flat", harm::memory_of_molt_stays_flat),
    ("two_molts_watch_one_target", harm::two_molts_watch_one_target),
    ("debugger_and_molt_share_a_target", harm::debugger_and_molt_share_a_target),
    ("other_tools_and_molt_share_a_target", harm::other_tools_and_molt_share_a_target),
    ("target_does_not_stand_still", harm::target_does_not_stand_still),
    ("odd_classes_are_cut_and_counted", types::odd_classes_are_cut_and_counted),
    ("status_of_the_target_is_forwarded", status::status_of_the_target_is_forwarded),
    ("signal_that_ends_the_target_is_added_to_128", status::signal_that_ends_the_target_is_added_to_128),
    ("command_that_cannot_be_run_is_126_and_127", status::command_that_cannot_be_run_is_126_and_127),
    ("input_and_output_pass_through", status::input_and_output_pass_through),
    ("interrupt_reaches_the_target_once", interrupt::interrupt_reaches_the_target_once),
    ("second_interrupt_ends_molt_at_once", interrupt::second_interrupt_ends_molt_at_once),
    ("killed_molt_leaves_the_target_running", interrupt::killed_molt_leaves_the_target_running),
    ("target_that_is_held_ends_without_molt", interrupt::target_that_is_held_ends_without_molt),
    ("first_sample_comes_soon", attach::first_sample_comes_soon),
    (
        "target_that_dies_while_attached_leaves_an_artifact",
        attach::target_that_dies_while_attached_leaves_an_artifact,
    ),
    ("changes_between_looks_are_seen", looks::changes_between_looks_are_seen),
    ("storm_of_audit_events_is_let_pass", storms::storm_of_audit_events_is_let_pass),
    ("single_system_call_in_a_storm_is_seen", storms::single_system_call_in_a_storm_is_seen),
    ("large_containers_are_looked_at_in_part", looks::large_containers_are_looked_at_in_part),
    ("strange_modules_and_events_are_bounded", looks::strange_modules_and_events_are_bounded),
    (
        "attached_process_is_held_at_its_end_if_asked_for",
        looks::attached_process_is_held_at_its_end_if_asked_for,
    ),
    ("age_of_the_last_look_is_told", looks::age_of_the_last_look_is_told),
    ("launched_target_is_looked_at_before_any_end", looks::launched_target_is_looked_at_before_any_end),
    ("child_of_another_version_is_followed", tree::child_of_another_version_is_followed),
    ("what_is_no_python_is_counted", tree::what_is_no_python_is_counted),
    ("workers_of_a_server_are_followed", tree::workers_of_a_server_are_followed),
    (
        "worker_that_the_kernel_kills_for_its_memory_is_seen",
        groups::worker_that_the_kernel_kills_for_its_memory_is_seen,
    ),
    ("several_processes_are_attached_to", tree::several_processes_are_attached_to),
    ("threads_by_the_thousand_are_seen", tree::threads_by_the_thousand_are_seen),
    ("pythons_of_a_control_group_are_found", groups::pythons_of_a_control_group_are_found),
    ("every_python_is_found", tree::every_python_is_found),
    ("long_run_is_written_in_parts", many::long_run_is_written_in_parts),
    ("each_process_has_a_file", many::each_process_has_a_file),
    ("many_files_need_many_names", many::many_files_need_many_names),
    ("changed_source_is_named_and_not_used", source::changed_source_is_named_and_not_used),
    ("terminal_has_a_status_line_and_a_summary", summary::terminal_has_a_status_line_and_a_summary),
    ("part_in_progress_is_written_at_the_end", many::part_in_progress_is_written_at_the_end),
    ("samples_that_find_the_ring_full_are_counted", losses::samples_that_find_the_ring_full_are_counted),
    ("clock_that_is_set_changes_the_date_alone", losses::clock_that_is_set_changes_the_date_alone),
    (
        "full_disk_costs_the_parts_that_it_has_no_room_for",
        losses::full_disk_costs_the_parts_that_it_has_no_room_for,
    ),
    ("process_that_is_not_there_is_reported", attach::process_that_is_not_there_is_reported),
    ("two_tracers_do_not_disturb_each_other", attach::two_tracers_do_not_disturb_each_other),
    ("shell_script_that_starts_python_is_followed", wrappers::shell_script_that_starts_python_is_followed),
    ("env_and_shebang_are_followed", wrappers::env_and_shebang_are_followed),
    ("virtual_environment_is_followed", wrappers::virtual_environment_is_followed),
    ("target_that_is_not_python_is_reported", wrappers::target_that_is_not_python_is_reported),
    ("unsupported_pythons_are_refused_by_name", wrappers::unsupported_pythons_are_refused_by_name),
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
    ("memory_is_read_without_its_system_call", refusals::memory_is_read_without_its_system_call),
    ("verifier_s_refusal_is_one_line", refusals::verifier_s_refusal_is_one_line),
    ("proc_of_another_pid_namespace_is_refused", refusals::proc_of_another_pid_namespace_is_refused),
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
