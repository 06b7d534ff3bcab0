//! What one file would be after a power failure: the content that un-fsynced writes have replaced.
//!
//! Writes go straight to the file below. Before a page is changed for the first time its content
//! is kept here, until an fsync makes the change durable. It is kept in layers, one for each fsync
//! that is under way: what is written after an fsync has begun is not made durable by it, though
//! it is acknowledged after the write. (The kernel holds plain writes to a file back while it is
//! fsynced; those through memory get past it.) Which program asked for what is not known here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The unit in which content is kept, and in which the kernel writes it: a page.
pub(super) const PAGE: u64 = 4096;

/// The bytes of a page without the zeros at its end; the end of the file cuts it too.
type Image = Vec<u8>;

/// A page as it was before it was changed, and since when it is not any more.
#[derive(Debug)]
struct Old {
    image: Image,
    since: Instant,
}

/// What un-fsynced writes have replaced in one file.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// From the oldest to the newest. All but the newest belong to an fsync under way.
    layers: VecDeque<Layer>,
    /// The pages that a failed fsync did not bring to the disk: a later fsync that succeeds does
    /// not do it either, unless they are written again. It is what Linux does: it marks them clean.
    spoiled: BTreeMap<u64, Old>,
    /// The number of the next layer.
    next: u64,
}

/// A file was cut to a size within its old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) size: u64,
    /// The number of the layer that knows what was cut off.
    layer: u64,
    /// The page of the file's new end, as it was then.
    page: Image,
    since: Instant,
}

impl Cut {
    /// The cut of `file` to `size` that has just been made; `layer` knows what was cut off.
    pub(super) fn of(file: &File, size: u64, layer: u64) -> io::Result<Self> {
        let page = read_page(file, size / PAGE, size)?;
        Ok(Self { size, layer, page, since: Instant::now() })
    }

    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.page.len()
    }
}

/// What has changed since one moment.
#[derive(Debug)]
struct Layer {
    number: u64,
    /// The file's size at that moment.
    size: u64,
    /// That moment.
    since: Instant,
    /// The pages that were changed since, as they were.
    pages: BTreeMap<u64, Old>,
    /// An fsync has begun: what is written from now on belongs to the next layer.
    sealed: bool,
    /// How many bytes were written.
    written: u64,
}

/// What a file has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct FileLoss {
    /// How many bytes are not as they were written, those beyond the new end included. Space that
    /// was reserved and never written to is not data, and is not counted.
    pub(super) bytes: u64,
    /// In how many pages.
    pub(super) pages: u64,
    /// Since when it was written.
    pub(super) since: Span,
}

impl FileLoss {
    /// Adds what one page has lost that is as it was since then.
    fn add(&mut self, bytes: u64, since: Instant) {
        self.bytes += bytes;
        self.pages += u64::from(bytes > 0);
        if bytes > 0 {
            self.since.add(since);
        }
    }
}

/// From the first of some moments to the last; none of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span(pub(super) Option<(Instant, Instant)>);

impl Span {
    /// One more moment.
    pub(super) fn add(&mut self, moment: Instant) {
        let (first, last) = self.0.unwrap_or((moment, moment));
        self.0 = Some((first.min(moment), last.max(moment)));
    }
}

/// Decides which pieces of the un-fsynced data reach the disk all the same.
#[derive(Debug)]
pub(super) struct Torn {
    /// Half of the pieces do.
    pub(super) dice: ChaCha8Rng,
    /// How long a piece is: a page, or a sector. A divisor of a page.
    pub(super) unit: usize,
    /// Whether a cut survives by chance. Not where cuts are logged: those that the journal has are
    /// settled before, with their pages.
    pub(super) cuts: bool,
}

impl Torn {
    /// Whether the next piece does.
    pub(super) fn survives(&mut self) -> bool {
        self.dice.random_bool(0.5)
    }
}

impl Undo {
    /// Whether the disk has everything.
    pub(super) fn is_clean(&self) -> bool {
        self.layers.is_empty() && self.spoiled.is_empty()
    }

    /// How many bytes were written, and pages changed, that no fsync has covered yet.
    pub(super) fn pending(&self) -> (u64, u64) {
        let written = self.layers.iter().map(|layer| layer.written).sum();
        let pages = self.layers.iter().map(|layer| layer.pages.len() as u64).sum();
        (written, pages)
    }

    /// How many bytes of memory the kept pages take.
    pub(super) fn memory(&self) -> usize {
        let layers = self.layers.iter().flat_map(|layer| layer.pages.values());
        layers.chain(self.spoiled.values()).map(|old| old.image.len() + size_of::<Old>()).sum()
    }

    /// Since when it has had something that only an fsync, or age, makes durable.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.layers.front().map(|layer| layer.since)
    }

    /// Keeps what the bytes in `range` are, before they change. Returns how much memory that took.
    pub(super) fn keep(&mut self, file: &File, range: Range<u64>) -> io::Result<usize> {
        let (size, now) = (file.metadata()?.len(), Instant::now());
        let layer = self.newest(size, now);
        layer.written += range.end - range.start;
        let mut took = 0;
        for page in range.start / PAGE..range.end.div_ceil(PAGE) {
            if let Entry::Vacant(vacant) = layer.pages.entry(page) {
                let image = read_page(file, page, size)?;
                took += image.len() + size_of::<Old>();
                vacant.insert(Old { image, since: now });
            }
        }
        Ok(took)
    }

    /// Keeps what a change of the size to `size` cuts off. Returns how much memory that took, and
    /// the number of the layer that knows it.
    pub(super) fn keep_size(&mut self, file: &File, size: u64) -> io::Result<(usize, u64)> {
        let now = file.metadata()?.len();
        let took = if size < now { self.keep(file, size..now)? } else { 0 };
        let layer = self.newest(now, Instant::now());
        layer.written += size.saturating_sub(now);
        Ok((took, layer.number))
    }

    /// The layer that belongs to no fsync yet; a new one begins with the file's size as it is.
    fn newest(&mut self, size: u64, since: Instant) -> &mut Layer {
        if self.layers.back().is_none_or(|layer| layer.sealed) {
            let (number, pages) = (self.next, BTreeMap::new());
            self.layers.push_back(Layer { number, size, since, pages, sealed: false, written: 0 });
            self.next += 1;
        }
        self.layers.back_mut().expect("one was just added")
    }

    /// An fsync begins: returns the number of the newest layer that it covers.
    pub(super) fn seal(&mut self) -> Option<u64> {
        let newest = self.layers.back_mut()?;
        newest.sealed = true;
        Some(newest.number)
    }

    /// An fsync has succeeded: all up to layer `upto` is durable.
    pub(super) fn commit(&mut self, upto: u64) {
        while self.layers.front().is_some_and(|layer| layer.number <= upto) {
            let layer = self.layers.pop_front().unwrap_or_else(|| unreachable!("it was seen"));
            // A page that was written again is written as a whole.
            layer.pages.keys().for_each(|page| drop(self.spoiled.remove(page)));
        }
    }

    /// An fsync has failed: the pages up to layer `upto` are taken for clean and are not durable.
    /// The size is not lost for good: the next fsync that succeeds brings it along.
    pub(super) fn spoil(&mut self, upto: u64) {
        for layer in self.layers.iter_mut().filter(|layer| layer.number <= upto) {
            layer.written = 0;
            for (page, old) in std::mem::take(&mut layer.pages) {
                self.spoiled.entry(page).or_insert(old);
            }
        }
    }

    /// A cut has become durable by itself: what it cut off does not come back, even if nothing that
    /// was written later is durable.
    ///
    /// A cut within a page changes that page, because what is cut off becomes zeros. ext4 writes the
    /// page before it commits the cut (`data=ordered`), with all that was written to it. Else a file
    /// that is overwritten by less and then cut would have its old text, cut at the new length.
    pub(super) fn settle_cut(&mut self, cut: &Cut) {
        let (last, size) = (cut.size / PAGE, cut.size);
        // Not so if an fsync of the file has tried since then to bring the page to the disk.
        let knows = |layer: &Layer| layer.number == cut.layer && layer.pages.contains_key(&last);
        let page = Some(&cut.page).filter(|_| size % PAGE != 0 && self.layers.iter().any(knows));
        if page.is_some() {
            self.spoiled.remove(&last);
        }
        truncate(&mut self.spoiled, size);
        for layer in self.layers.iter_mut().filter(|layer| layer.number <= cut.layer) {
            truncate(&mut layer.pages, size);
            // The size within a page that is on the disk is logged, whether it grew or was cut.
            let logged = page.is_some() && layer.size > last * PAGE;
            layer.size = if logged { size } else { layer.size.min(size) };
            if let (Some(page), Some(old)) = (page, layer.pages.get_mut(&last)) {
                *old = Old { image: page.clone(), since: old.since.max(cut.since) };
            }
        }
    }

    /// The power fails: puts the file back to what the disk has, but for what survives by chance.
    pub(super) fn roll_back(
        self,
        file: &File,
        mut torn: Option<&mut Torn>,
    ) -> io::Result<FileLoss> {
        let written = file.metadata()?.len();
        let old = self.layers.front().map_or(written, |layer| layer.size);
        // A cut that no fsync covered may have reached the disk all the same.
        let cut = written < old && torn.as_mut().is_some_and(|torn| torn.cuts && torn.survives());
        let mut size = if cut { written } else { old };
        let (mut mended, mut cut_off, whole) = (Vec::new(), Vec::new(), torn.is_none());
        for (page, kept) in self.on_disk() {
            if whole && page * PAGE >= size {
                cut_off.push((page, kept.old.since));
                continue;
            }
            let torn = if kept.spoiled { None } else { torn.as_deref_mut() };
            let now = read_page(file, page, written)?;
            let (image, end) = merge(&now, kept.old.image, torn);
            // Data that reached the disk beyond the old end is worth nothing without its size.
            size = end.map_or(size, |end| size.max((page * PAGE + end).min(written)));
            mended.push((page, kept.old.since, now, image));
        }
        let mut loss = FileLoss::default();
        for (page, since, now, image) in mended {
            file.write_all_at(&padded(&image, PAGE), page * PAGE)?;
            let common = written.min(size).saturating_sub(page * PAGE);
            loss.add(differing(&now, &image, common) + between(page, written, size), since);
        }
        cut_off.into_iter().for_each(|(page, since)| loss.add(between(page, written, size), since));
        file.set_len(size)?;
        Ok(loss)
    }

    /// The pages that a failed fsync did not bring to the disk leave memory: from now on the file
    /// shows what the disk has. A page that was changed once more stays, as memory keeps it. Where
    /// nothing was written after the fsync that failed, the size is the disk's again, too.
    pub(super) fn evict(&mut self, file: &File) -> io::Result<()> {
        if self.spoiled.is_empty() {
            return Ok(());
        }
        if self.layers.iter().all(|layer| layer.pages.is_empty() && layer.written == 0) {
            return std::mem::take(self).roll_back(file, None).map(drop);
        }
        let changed = |page: &u64| self.layers.iter().any(|layer| layer.pages.contains_key(page));
        let size = file.metadata()?.len();
        for (page, old) in self.spoiled.iter().filter(|(page, _)| !changed(page)) {
            let length = size.saturating_sub(page * PAGE).min(PAGE);
            file.write_all_at(&padded(&old.image, length), page * PAGE)?;
        }
        let layers = &self.layers;
        self.spoiled.retain(|page, _| layers.iter().any(|layer| layer.pages.contains_key(page)));
        Ok(())
    }

    /// What the disk has of every page that it does not have as it was written.
    fn on_disk(self) -> BTreeMap<u64, Kept> {
        let unsynced = self.layers.into_iter().rev().flat_map(|layer| layer.pages);
        let mut pages: BTreeMap<u64, Kept> =
            unsynced.map(|(page, old)| (page, Kept { old, spoiled: false })).collect();
        let spoiled = self.spoiled.into_iter();
        pages.extend(spoiled.map(|(page, old)| (page, Kept { old, spoiled: true })));
        pages
    }
}

/// Cuts off what kept pages have beyond a size.
fn truncate(pages: &mut BTreeMap<u64, Old>, size: u64) {
    for (page, old) in pages.range_mut(size / PAGE..) {
        let keep = size.saturating_sub(page * PAGE);
        old.image.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }
}

/// What the disk has of a page.
struct Kept {
    old: Old,
    /// It was lost by a failed fsync, so no chance brings it to the disk.
    spoiled: bool,
}

/// Puts `old` over `now`, but for the pieces that survive; also returns the end of the last piece
/// that does.
fn merge(now: &Image, old: Image, torn: Option<&mut Torn>) -> (Image, Option<u64>) {
    let Some(torn) = torn else { return (old, None) };
    let (now, mut merged, mut end) = (padded(now, PAGE), padded(&old, PAGE), None);
    for start in (0..now.len()).step_by(torn.unit) {
        let piece = start..start + torn.unit;
        if now[piece.clone()] != merged[piece.clone()] && torn.survives() {
            merged[piece.clone()].copy_from_slice(&now[piece.clone()]);
            end = Some(piece.end as u64);
        }
    }
    (merged, end)
}

/// How many bytes of a page are between two sizes of its file.
fn between(page: u64, first: u64, second: u64) -> u64 {
    let (start, end) = (page * PAGE, (page + 1) * PAGE);
    first.max(second).min(end).saturating_sub(first.min(second).max(start))
}

/// How many of the first `length` bytes of two pages differ.
fn differing(first: &Image, second: &Image, length: u64) -> u64 {
    let length = length.min(PAGE);
    let pairs = padded(first, length).into_iter().zip(padded(second, length));
    pairs.filter(|(first, second)| first != second).count() as u64
}

/// The first `length` bytes of a page, its last zeros included.
fn padded(image: &Image, length: u64) -> Vec<u8> {
    let mut bytes = image.clone();
    bytes.resize(usize::try_from(length).expect("at most a page"), 0);
    bytes
}

/// A page of a file of this size, without the zeros at its end.
fn read_page(file: &File, page: u64, size: u64) -> io::Result<Image> {
    let start = page * PAGE;
    let length = usize::try_from(size.saturating_sub(start).min(PAGE)).expect("at most a page");
    let mut image = vec![0; length];
    file.read_exact_at(&mut image, start)?;
    let end = image.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    image.truncate(end);
    image.shrink_to_fit();
    Ok(image)
}
