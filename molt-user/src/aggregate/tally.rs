//! Counts what samples show, while the run goes on.

use super::code::Code;
use crate::symbolize::callee::Callee;
use molt_mpa::model::{IdBasis, Samples};
use std::collections::{BTreeMap, HashMap};

/// A code object in a [`Tally`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeId(u32);

/// A place in a code object from which calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteKey {
    /// The code that calls.
    pub caller: CodeId,
    /// Byte offset of the calling instruction in `co_code`.
    pub offset: u32,
}

/// What the source says about a call site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// From 1; 0 when the code has no line there.
    pub line: u32,
    /// Begin and end of the call expression, where known.
    pub columns: Option<Columns>,
    /// The call expression's text, where the source was at hand.
    pub expr: Option<String>,
    /// What the site's id is made from, where it is not columns and text of the code itself.
    pub basis: Option<IdBasis>,
}

impl Site {
    /// A place of which the source says nothing.
    pub fn nowhere() -> Self {
        Self { line: 0, columns: None, expr: None, basis: Some(IdBasis::Code) }
    }
}

/// Begin and end of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Columns {
    /// Column of the first byte, from 0.
    pub col: u32,
    /// Last line, from 1.
    pub end_line: u32,
    /// Column after the last byte.
    pub end_col: u32,
}

/// One frame of a sampled stack with its code known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The frame's code.
    pub code: CodeId,
    /// Byte offset of the current instruction in `co_code`; negative before the first one.
    pub offset: i32,
}

/// What the samples of a run show, counted.
///
/// A sample counts each symbol and each call once, however often recursion repeats them: what it has counted
/// carries its number.
#[derive(Debug, Default)]
pub struct Tally {
    codes: Vec<Known>,
    ids: BTreeMap<Code, CodeId>,
    /// What became of the samples.
    pub samples: Samples,
    /// Codes that were on a stack, by their ids.
    on_stack: Vec<bool>,
    symbols: Vec<Symbol>,
    /// Places in `symbols`, by name.
    names: BTreeMap<String, usize>,
    sites: BTreeMap<SiteKey, Site>,
    edges: Vec<Edge>,
    /// Places in `edges`.
    places: HashMap<(SiteKey, CodeId), usize>,
    /// Samples that met a call of what has no Python code.
    foreign: BTreeMap<(SiteKey, Callee), u64>,
}

/// What a [`Tally`] has counted, without the names of it.
#[derive(Debug, Default)]
pub struct SampleCounts {
    samples: Samples,
    on_stack: Vec<bool>,
    symbols: Vec<Symbol>,
    edges: Vec<Edge>,
    places: HashMap<(SiteKey, CodeId), usize>,
    foreign: BTreeMap<(SiteKey, Callee), u64>,
}

/// A code, and the place of its symbol.
#[derive(Debug)]
struct Known {
    code: Code,
    symbol: usize,
}

/// Samples of one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hotness {
    /// With one of its frames on top of the stack.
    pub own: u64,
    /// With one of its frames anywhere on the stack.
    pub total: u64,
}

/// One symbol's samples, and the last one of them.
#[derive(Debug, Default)]
struct Symbol {
    hotness: Hotness,
    last: u64,
}

/// A call, the samples that met it, and the last one of them.
#[derive(Debug)]
struct Edge {
    site: SiteKey,
    callee: CodeId,
    count: u64,
    last: u64,
}

impl Tally {
    /// The id of `code`, the same for equal codes.
    pub fn intern(&mut self, code: Code) -> CodeId {
        if let Some(id) = self.ids.get(&code) {
            return *id;
        }
        let id = CodeId(u32::try_from(self.codes.len()).unwrap_or(u32::MAX));
        let next = self.names.len();
        let symbol = *self.names.entry(code.symbol()).or_insert(next);
        self.ids.insert(code.clone(), id);
        self.codes.push(Known { code, symbol });
        id
    }

    /// Changes what was counted for what was counted elsewhere. Ids stand for the same in both.
    pub fn swap(&mut self, other: &mut SampleCounts) {
        std::mem::swap(&mut self.samples, &mut other.samples);
        std::mem::swap(&mut self.on_stack, &mut other.on_stack);
        std::mem::swap(&mut self.symbols, &mut other.symbols);
        std::mem::swap(&mut self.edges, &mut other.edges);
        std::mem::swap(&mut self.places, &mut other.places);
        std::mem::swap(&mut self.foreign, &mut other.foreign);
    }

    /// Counts one stack, innermost frame first. A frame whose code is not known is `None`: it has no name,
    /// but what lies beyond it keeps its place.
    ///
    /// Call sites that are met for the first time are described by `describe`, which is told a callee.
    pub fn add(&mut self, stack: &[Option<Placed>], mut describe: impl FnMut(SiteKey, CodeId) -> Site) {
        self.samples.kept += 1;
        let number = self.samples.kept;
        if stack.iter().any(Option::is_none) {
            self.samples.unresolved += 1;
        }
        self.on_stack.resize(self.codes.len(), false);
        self.symbols.resize_with(self.names.len(), Symbol::default);
        for (depth, frame) in stack.iter().enumerate() {
            let Some(id) = frame.map(|frame| frame.code.0 as usize) else { continue };
            let Some(known) = self.codes.get(id) else { continue };
            if let Some(on_stack) = self.on_stack.get_mut(id) {
                *on_stack = true;
            }
            let Some(symbol) = self.symbols.get_mut(known.symbol) else { continue };
            symbol.hotness.own += u64::from(depth == 0);
            symbol.hotness.total += u64::from(symbol.last != number);
            symbol.last = number;
        }
        for (site, callee) in edges(stack) {
            let place = *self.places.entry((site, callee)).or_insert_with(|| {
                self.sites.entry(site).or_insert_with(|| describe(site, callee));
                self.edges.push(Edge { site, callee, count: 0, last: 0 });
                self.edges.len() - 1
            });
            let Some(edge) = self.edges.get_mut(place) else { continue };
            edge.count += u64::from(edge.last != number);
            edge.last = number;
        }
    }

    /// Counts a sample whose innermost frame calls what has no Python code, from a site that `describe` describes if it
    /// is new.
    pub fn add_foreign(&mut self, site: SiteKey, callee: Callee, describe: impl FnOnce() -> Site) {
        self.sites.entry(site).or_insert_with(describe);
        *self.foreign.entry((site, callee)).or_default() += 1;
    }

    /// Calls of what has no Python code, with the samples that met them, by call site and callee.
    pub fn foreign_calls(&self) -> impl Iterator<Item = (SiteKey, &Site, &Callee, u64)> {
        let calls = self.foreign.iter();
        calls.filter_map(|((key, callee), count)| Some((*key, self.sites.get(key)?, callee, *count)))
    }

    /// The code that `id` stands for.
    pub fn code(&self, id: CodeId) -> Option<&Code> {
        self.codes.get(id.0 as usize).map(|known| &known.code)
    }

    /// Every code that was on a stack.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        let met = self.codes.iter().zip(&self.on_stack).filter(|(_, on_stack)| **on_stack);
        met.map(|(known, _)| &known.code)
    }

    /// Samples of each symbol that has any, by its name.
    pub fn hotness(&self) -> impl Iterator<Item = (&str, Hotness)> {
        let seen =
            self.names.iter().filter_map(|(name, at)| Some((name.as_str(), self.symbols.get(*at)?.hotness)));
        seen.filter(|(_, hotness)| hotness.total > 0)
    }

    /// Every call seen, with the samples that met it, by call site and callee.
    pub fn calls(&self) -> impl Iterator<Item = (SiteKey, &Site, CodeId, u64)> {
        let mut edges: Vec<_> = self.edges.iter().collect();
        edges.sort_unstable_by_key(|edge| (edge.site, edge.callee));
        edges
            .into_iter()
            .filter_map(|edge| Some((edge.site, self.sites.get(&edge.site)?, edge.callee, edge.count)))
    }
}

/// The calls on a stack: pairs of neighbours whose codes are both known.
fn edges(stack: &[Option<Placed>]) -> impl Iterator<Item = (SiteKey, CodeId)> {
    stack.windows(2).filter_map(|pair| {
        let [Some(callee), Some(caller)] = pair else { return None };
        let offset = u32::try_from(caller.offset).ok()?;
        Some((SiteKey { caller: caller.code, offset }, callee.code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_mpa::model::SymbolKind;

    fn code(qualname: &str) -> Code {
        Code {
            module: "__main__".to_owned(),
            qualname: qualname.to_owned(),
            file: "<string>".to_owned(),
            first_line: 1,
            hash: None,
            kind: SymbolKind::Function,
            lines: 0,
        }
    }

    fn site(key: SiteKey, _callee: CodeId) -> Site {
        Site { line: key.offset, columns: None, expr: None, basis: Some(IdBasis::Code) }
    }

    /// Recursion must not make a function's total larger than the run, nor a call site's samples.
    #[test]
    fn recursion_counts_once_a_sample() {
        let mut tally = Tally::default();
        let (f, main) = (tally.intern(code("f")), tally.intern(code("<module>")));
        let frame = |code, offset| Some(Placed { code, offset });
        tally.add(&[frame(f, 2), frame(f, 8), frame(f, 8), frame(main, 20)], site);
        let counts: Vec<_> = tally.hotness().map(|(symbol, hot)| (symbol, hot.own, hot.total)).collect();
        assert_eq!(counts, [("__main__.<module>", 0, 1), ("__main__.f", 1, 1)]);
        let calls: Vec<_> =
            tally.calls().map(|(key, _, callee, count)| (key.caller, key.offset, callee, count)).collect();
        assert_eq!(calls, [(f, 8, f, 1), (main, 20, f, 1)]);
    }

    /// Two codes of one name on one stack are one symbol, which cannot take more than the whole sample.
    #[test]
    fn codes_of_one_name_count_once_a_sample() {
        let mut tally = Tally::default();
        let (inner, outer) = (tally.intern(code("f")), tally.intern(Code { first_line: 9, ..code("f") }));
        let frame = |code| Some(Placed { code, offset: 2 });
        tally.add(&[frame(inner), frame(outer)], site);
        assert_eq!(tally.hotness().collect::<Vec<_>>(), [("__main__.f", Hotness { own: 1, total: 1 })]);
    }

    /// Two processes of one program hand in equal codes, which are one symbol.
    #[test]
    fn equal_codes_have_one_id() {
        let mut tally = Tally::default();
        assert_eq!(tally.intern(code("f")), tally.intern(code("f")));
        assert_ne!(tally.intern(code("f")), tally.intern(code("g")));
    }

    /// A frame without a name hides its own calls and no others.
    #[test]
    fn an_unknown_frame_breaks_only_its_own_edges() {
        let mut tally = Tally::default();
        let (f, g, main) = (tally.intern(code("f")), tally.intern(code("g")), tally.intern(code("m")));
        let frame = |code| Some(Placed { code, offset: 4 });
        tally.add(&[frame(f), frame(g), None, frame(main)], site);
        assert_eq!(tally.calls().map(|(_, _, callee, _)| callee).collect::<Vec<_>>(), [f]);
        assert_eq!(tally.samples.unresolved, 1);
    }
}
