//! Why there is less than was asked for.

use super::Watch;

impl Watch {
    /// Notes why there is less than was asked for.
    pub(in crate::trace) fn remark(&mut self, why: String) {
        self.remarks.insert(why);
    }

    /// The end of some interpreter passes unseen, for this reason: nobody looks at `sys.modules` before it is
    /// torn down.
    pub(in crate::trace) fn end_is_unseen(&mut self, why: &str) {
        self.modules_at_end = false;
        self.ends_unseen = true;
        self.remark(format!("modules imported since the last look may be missing: {why}"));
    }

    /// Calls of some process pass unseen, for this reason.
    pub(in crate::trace) fn calls_are_unseen(&mut self, why: &str) {
        self.unhooked.0 += 1;
        why.clone_into(&mut self.unhooked.1);
        self.remark(format!("calls are seen on sampled stacks only: {why}"));
    }

    /// Why there is less than was asked for. What was said is not said again.
    pub(in crate::trace) fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks).into_iter().collect()
    }
}
