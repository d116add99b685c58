//! A cursor over the bytes of a model or gazetteer file; running short is `None`, never a panic.

pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }

    /// A length that the rest of the file can hold at `item` bytes each.
    pub(crate) fn count(&mut self, item: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count.checked_mul(item)? <= self.0.len()).then_some(count)
    }

    /// `count` ascending numbers stored as LEB128 differences.
    pub(crate) fn ascending(&mut self, count: usize) -> Option<Vec<u32>> {
        let mut value = 0u32;
        (0..count)
            .map(|_| {
                value = value.checked_add(self.varint()?)?;
                Some(value)
            })
            .collect()
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in (0..32).step_by(7) {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// The writing half of [`Reader::ascending`].
pub(crate) fn write_ascending(values: impl IntoIterator<Item = u32>, out: &mut Vec<u8>) {
    let mut before = 0;
    for value in values {
        let mut gap = value - before;
        before = value;
        while gap >= 0x80 {
            out.push(gap.to_le_bytes()[0] | 0x80);
            gap >>= 7;
        }
        out.push(gap.to_le_bytes()[0]);
    }
}
