//! A long run in parts, each with artifacts of its own.

use super::{Notice, Run};
use crate::clock::monotonic_ns;
use crate::diagnose::advice::one_line;
use crate::trace::failure::Failure;
use crate::trace::finish::finish;

impl Run<'_> {
    /// Closes what is open, and takes what was told of it.
    pub(super) fn pause(&mut self) {
        if let Err(refused) = self.source.pause(&mut self.watch) {
            self.lose(&refused);
        }
        self.drain();
    }

    /// Writes what was seen so far, and goes on with what is seen from here on. What cannot be written is lost, and the
    /// run goes on all the same.
    pub(super) fn write(&mut self, notify: &mut dyn FnMut(Notice)) -> Result<(), Failure> {
        self.pause();
        self.watch.look_at_all();
        let findings = self.source.account(&mut self.watch)?;
        let mut written = 0;
        let done = finish(self.options, &mut self.watch, &findings, self.sequence, &mut |summary| {
            written += 1;
            notify(Notice::Written(Box::new(summary)));
        });
        self.written += written;
        if let Err(failure) = done {
            let why = one_line(failure.error.as_ref());
            tracing::warn!("artifact {} was not written: {why}", self.sequence);
        }
        self.sequence += 1;
        self.watch.begin_anew(monotonic_ns());
        Ok(())
    }
}
