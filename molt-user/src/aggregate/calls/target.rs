//! Counted calls to a target of a call site.

use super::{Calls, Edge, TypeId};
use molt_mpa::model::{CallTarget, Signature, TargetKind};

impl Calls {
    /// The target `symbol` that was called as `edges` say: one for each of its codes and of the site's.
    pub fn target(&self, symbol: String, edges: &[&Edge]) -> CallTarget {
        let mut all = Edge::default();
        for edge in edges {
            all.merge(edge);
        }
        let name = |id: TypeId| self.type_name(id).to_owned();
        let signatures = all.signatures().map(|((args, result), count)| Signature {
            args: self.names.types(args).iter().copied().map(name).collect(),
            ret: result.map(name),
            count,
        });
        CallTarget {
            symbol,
            kind: TargetKind::Py,
            observation: None,
            count: all.calls.seen,
            count_est: all.calls.est,
            signatures: signatures.collect(),
            undetailed: all.undetailed,
            exceptions: (all.ended > 0).then(|| all.exceptions.iter().map(|(_, count)| count).sum()),
            exception_types: all.exceptions.iter().map(|(id, count)| (name(id), count)).collect(),
        }
    }
}
