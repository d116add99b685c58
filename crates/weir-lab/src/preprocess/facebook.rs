//! Posts and comments of Facebook pages. Comments follow their post, which counts them; a text that occurs twice under one
//! post is dropped.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use weir_feed::{ItemKind, Platform};

use super::Context;
use super::content::{Pseudonyms, key};
use super::facebook_entry::{COMMENT_COLUMNS, FacebookEntry, POST_COLUMNS};
use crate::input::{Row, Table};
use crate::spill::{Sorted, Sorter};
use crate::{DropReason, InputReport, LabError};

/// Bit of a comment's sort key, so that comments come after their post.
const COMMENT_BIT: u64 = 1 << 63;

pub(super) fn preprocess(
    context: &Context<'_>,
    posts: &Path,
    comments: Option<&Path>,
) -> Result<InputReport, LabError> {
    let mut pages = Pages {
        context,
        posts,
        comments,
        report: InputReport::new(Platform::Facebook),
    };
    let by_post = pages.read()?;
    let in_order = pages.group(by_post)?;
    pages.write(in_order)?;
    Ok(pages.report)
}

struct Pages<'a> {
    context: &'a Context<'a>,
    posts: &'a Path,
    comments: Option<&'a Path>,
    report: InputReport,
}

impl Pages<'_> {
    /// Reads all usable rows, sorted so that each post comes before its comments.
    fn read(&mut self) -> Result<Sorted, LabError> {
        let mut by_post = self.context.sorter();
        self.read_table(
            self.posts,
            &POST_COLUMNS,
            0,
            |row| FacebookEntry::from_post(row),
            &mut by_post,
        )?;
        if let Some(comments) = self.comments {
            self.read_table(
                comments,
                &COMMENT_COLUMNS,
                COMMENT_BIT,
                |row| FacebookEntry::from_comment(row),
                &mut by_post,
            )?;
        }
        by_post.sorted().map_err(self.context.spill_error())
    }

    fn read_table(
        &mut self,
        path: &Path,
        columns: &[&'static str],
        kind_bit: u64,
        parse: for<'r> fn(&Row<'r>) -> Result<FacebookEntry<'r>, DropReason>,
        by_post: &mut Sorter,
    ) -> Result<(), LabError> {
        let mut table = Table::open(path, columns, &[], self.context.progress)?;
        let mut packed = Vec::new();
        while let Some(row) = table.next()? {
            match row.check_shape().and_then(|()| parse(&row)) {
                Err(reason) => self.report.drop(path, row.line, reason),
                Ok(entry) => {
                    entry.pack(&mut packed);
                    let key = (key(&Pseudonyms::id(entry.post_id)), kind_bit | row.line);
                    by_post
                        .push(key, &packed)
                        .map_err(self.context.spill_error())?;
                }
            }
        }
        Ok(())
    }

    /// Sorts the posts by the order of their file, each with its number of comments and followed by them.
    fn group(&mut self, mut by_post: Sorted) -> Result<Sorted, LabError> {
        let spill_error = || self.context.spill_error();
        let mut in_order = self.context.sorter();
        let (mut group, mut packed) = (Group::default(), Vec::new());
        let mut bar = self
            .context
            .progress
            .rows("facebook: grouping", by_post.len());
        while let Some((post, line_key)) = by_post.next(&mut packed).map_err(spill_error())? {
            bar.advance(1);
            if group.key != post {
                group.finish(&mut in_order).map_err(spill_error())?;
                group.reset(post);
            }
            let line = line_key & !COMMENT_BIT;
            let added = group.add(line, &packed, &mut in_order);
            if let Err(reason) = added.map_err(spill_error())? {
                let path = if line_key == line {
                    self.posts
                } else {
                    self.comments.unwrap_or(self.posts)
                };
                self.report.drop(path, line, reason);
            }
        }
        group.finish(&mut in_order).map_err(spill_error())?;
        in_order.sorted().map_err(spill_error())
    }

    fn write(&mut self, mut in_order: Sorted) -> Result<(), LabError> {
        let spill_error = || self.context.spill_error();
        let mut output = self.context.output(Platform::Facebook)?;
        let mut packed = Vec::new();
        let mut bar = self
            .context
            .progress
            .rows("facebook: writing", in_order.len());
        while in_order.next(&mut packed).map_err(spill_error())?.is_some() {
            bar.advance(1);
            let entry = FacebookEntry::unpack(&packed).map_err(spill_error())?;
            let item = entry.into_item(&self.context.pseudonyms);
            output.write(&item)?;
            self.report.keep(item.kind);
        }
        self.report.check_usable(self.posts)?;
        output.finish()
    }
}

/// Post with its comments.
#[derive(Default)]
struct Group {
    key: u128,
    /// Line and packed entry of the post, once it was read.
    post: Option<(u64, Vec<u8>)>,
    texts: HashSet<u128>,
    comments: u64,
}

impl Group {
    fn reset(&mut self, key: u128) {
        self.key = key;
        self.post = None;
        self.texts.clear();
        self.comments = 0;
    }

    /// Keeps the post, or writes a comment to `in_order`, unless there is a reason to drop it.
    fn add(
        &mut self,
        line: u64,
        packed: &[u8],
        in_order: &mut Sorter,
    ) -> io::Result<Result<(), DropReason>> {
        let entry = FacebookEntry::unpack(packed)?;
        match (entry.kind, &self.post) {
            (ItemKind::Post, Some(_)) => Ok(Err(DropReason::Duplicate)),
            (ItemKind::Comment, None) => Ok(Err(DropReason::PostMissing)),
            (ItemKind::Post, None) => {
                self.texts.insert(entry.text_hash());
                self.post = Some((line, packed.to_vec()));
                Ok(Ok(()))
            }
            (ItemKind::Comment, Some((post_line, _))) => {
                if !self.texts.insert(entry.text_hash()) {
                    return Ok(Err(DropReason::Duplicate));
                }
                self.comments += 1;
                in_order.push(((*post_line).into(), line), packed)?;
                Ok(Ok(()))
            }
        }
    }

    /// Writes the post to `in_order`, with its number of comments.
    fn finish(&mut self, in_order: &mut Sorter) -> io::Result<()> {
        let Some((line, packed)) = self.post.take() else {
            return Ok(());
        };
        let mut post = FacebookEntry::unpack(&packed)?;
        post.counts.comment = self.comments;
        let mut packed = Vec::with_capacity(packed.len());
        post.pack(&mut packed);
        in_order.push((line.into(), 0), &packed)
    }
}
