//! Hook sites in words, for `molt doctor`.

use super::{HookSites, Kind};

impl HookSites {
    /// One line for each thing that can be seen, and where.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = vec![match self.kind {
            Kind::Dispatch => "calls: at the RESUME handlers, through the dispatch table".to_owned(),
            Kind::EvalFrame => "calls: at the entry of _PyEval_EvalFrameDefault".to_owned(),
        }];
        for site in &self.entry {
            let what = match site.opcode {
                Some((number, name)) => format!("{name} ({number})"),
                None => "entry".to_owned(),
            };
            lines.push(format!(
                "  {what}: file offset {:#x}, frame in {}",
                site.file_offset, site.frame_register
            ));
        }
        lines.push(match self.exit {
            Ok(site) => match site.frame_argument {
                Some(frame) => format!(
                    "returns: where the frame is cleared, file offset {:#x}, frame in {frame}",
                    site.file_offset
                ),
                None => {
                    format!("returns: at the return of the function at file offset {:#x}", site.file_offset)
                }
            },
            Err(shape) => format!("returns: not seen ({shape})"),
        });
        lines.push(match self.trace_back_here {
            Some(offset) => format!("exceptions: PyTraceBack_Here, file offset {offset:#x}"),
            None => "exceptions: not seen (PyTraceBack_Here is not exported)".to_owned(),
        });
        lines
    }
}
