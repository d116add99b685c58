//! Posts and comments of pages. Each comment follows its post, which counts it; a text that a post or its comments have
//! already had is dropped.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::super::SeedingError;
use super::Job;
use super::page_entry::{COMMENT_COLUMNS, POST_COLUMNS, PageEntry};
use super::pseudonyms::{Pseudonyms, key};
use super::report::{Reason, Report};
use super::sorter::{Sorted, Sorter};
use super::table::{Row, Table};
use weir_feed::{ItemKind, Platform};

/// Part of a comment's sort key, so that comments come after their post.
const IS_COMMENT: u64 = 1 << 63;

pub(super) fn preprocess(
    job: &Job<'_>,
    posts: &Path,
    comments: Option<&Path>,
) -> Result<Report, SeedingError> {
    let mut pages = Pages {
        job,
        posts,
        comments,
        report: Report::new(Platform::Facebook),
    };
    let by_post = pages.read()?;
    let in_order = pages.group(by_post)?;
    pages.write(in_order)?;
    Ok(pages.report)
}

struct Pages<'a> {
    job: &'a Job<'a>,
    posts: &'a Path,
    comments: Option<&'a Path>,
    report: Report,
}

impl Pages<'_> {
    /// Every usable row, posts before their comments.
    fn read(&mut self) -> Result<Sorted, SeedingError> {
        let mut by_post = self.sorter();
        self.read_table(
            self.posts,
            &POST_COLUMNS,
            0,
            |row| PageEntry::of_post(row),
            &mut by_post,
        )?;
        if let Some(comments) = self.comments {
            self.read_table(
                comments,
                &COMMENT_COLUMNS,
                IS_COMMENT,
                |row| PageEntry::of_comment(row),
                &mut by_post,
            )?;
        }
        by_post.sorted().map_err(self.job.spilling())
    }

    fn read_table(
        &mut self,
        path: &Path,
        columns: &[&'static str],
        flag: u64,
        entry: for<'r> fn(&Row<'r>) -> Result<PageEntry<'r>, Reason>,
        by_post: &mut Sorter,
    ) -> Result<(), SeedingError> {
        let mut table = Table::open(path, columns, &[], self.job.progress)?;
        let mut packed = Vec::new();
        while let Some(row) = table.next()? {
            match row.check_shape().and_then(|()| entry(&row)) {
                Err(reason) => self.report.drop(path, row.line, reason),
                Ok(entry) => {
                    entry.pack(&mut packed);
                    let key = (key(&Pseudonyms::id(entry.post_id)), flag | row.line);
                    by_post.push(key, &packed).map_err(self.job.spilling())?;
                }
            }
        }
        Ok(())
    }

    /// Posts in the order of their file, each with its count of comments and followed by them.
    fn group(&mut self, mut by_post: Sorted) -> Result<Sorted, SeedingError> {
        let mut in_order = self.sorter();
        let (mut group, mut packed) = (Group::default(), Vec::new());
        let mut bar = self.job.progress.rows("facebook: grouping", by_post.len());
        while let Some((post, place)) = by_post.next(&mut packed).map_err(self.job.spilling())? {
            bar.advance(1);
            if group.key != post {
                group.end(&mut in_order).map_err(self.job.spilling())?;
                group.begin(post);
            }
            let line = place & !IS_COMMENT;
            if let Err(reason) = group
                .take(line, &packed, &mut in_order)
                .map_err(self.job.spilling())?
            {
                let path = if place == line {
                    self.posts
                } else {
                    self.comments.unwrap_or(self.posts)
                };
                self.report.drop(path, line, reason);
            }
        }
        group.end(&mut in_order).map_err(self.job.spilling())?;
        in_order.sorted().map_err(self.job.spilling())
    }

    fn write(&mut self, mut in_order: Sorted) -> Result<(), SeedingError> {
        let mut output = self.job.output(Platform::Facebook)?;
        let mut packed = Vec::new();
        let mut bar = self.job.progress.rows("facebook: writing", in_order.len());
        while in_order
            .next(&mut packed)
            .map_err(self.job.spilling())?
            .is_some()
        {
            bar.advance(1);
            let item = PageEntry::unpack(&packed)
                .map_err(self.job.spilling())?
                .into_item(&self.job.names);
            output.write(&item)?;
            self.report.keep(item.kind);
        }
        self.report.check_usable(self.posts)?;
        output.finish()
    }

    fn sorter(&self) -> Sorter {
        Sorter::new(self.job.spill_folder(), self.job.options.spill_bytes)
    }
}

/// A post and what is said under it.
#[derive(Default)]
struct Group {
    key: u128,
    /// The post's line and its packed entry, once it was seen.
    post: Option<(u64, Vec<u8>)>,
    texts: HashSet<u128>,
    comments: u64,
}

impl Group {
    fn begin(&mut self, key: u128) {
        self.key = key;
        self.post = None;
        self.texts.clear();
        self.comments = 0;
    }

    /// Keeps the post, passes a comment on, or says why not.
    fn take(
        &mut self,
        line: u64,
        packed: &[u8],
        in_order: &mut Sorter,
    ) -> io::Result<Result<(), Reason>> {
        let entry = PageEntry::unpack(packed)?;
        match (entry.kind, &self.post) {
            (ItemKind::Post, Some(_)) => Ok(Err(Reason::Duplicate)),
            (ItemKind::Comment, None) => Ok(Err(Reason::PostMissing)),
            (ItemKind::Post, None) => {
                self.texts.insert(entry.text_hash());
                self.post = Some((line, packed.to_vec()));
                Ok(Ok(()))
            }
            (ItemKind::Comment, Some((post_line, _))) => {
                if !self.texts.insert(entry.text_hash()) {
                    return Ok(Err(Reason::Duplicate));
                }
                self.comments += 1;
                in_order.push(((*post_line).into(), line), packed)?;
                Ok(Ok(()))
            }
        }
    }

    /// Passes the post on, now that its comments are counted.
    fn end(&mut self, in_order: &mut Sorter) -> io::Result<()> {
        let Some((line, packed)) = self.post.take() else {
            return Ok(());
        };
        let mut post = PageEntry::unpack(&packed)?;
        post.counts.comment = self.comments;
        let mut packed = Vec::with_capacity(packed.len());
        post.pack(&mut packed);
        in_order.push((line.into(), 0), &packed)
    }
}
