use std::collections::BTreeMap;
use std::fs;

/// Returns the resident memory of each process group in bytes, summed over its processes. Pages that they share count for each of
/// them. Empty on systems without `/proc`.
pub(crate) fn resident_by_group() -> BTreeMap<i32, u64> {
    let page = rustix::param::page_size() as u64;
    let mut resident = BTreeMap::new();
    let Ok(processes) = fs::read_dir("/proc") else {
        return resident;
    };
    for process in processes.flatten() {
        let is_process = process.file_name().as_encoded_bytes()[0].is_ascii_digit();
        let stat = is_process.then(|| fs::read_to_string(process.path().join("stat")));
        if let Some((group, pages)) = stat
            .and_then(Result::ok)
            .as_deref()
            .and_then(group_and_pages)
        {
            *resident.entry(group).or_default() += pages * page;
        }
    }
    resident
}

/// Reads the process group and the resident pages in `/proc/PID/stat` (`proc_pid_stat(5)`, fields 5 and 24). The second field, the name of
/// the file in parentheses, may hold anything.
fn group_and_pages(stat: &str) -> Option<(i32, u64)> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let group = fields.nth(2)?.parse().ok()?;
    let pages = fields.nth(18)?.parse().ok()?;
    Some((group, pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "77 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1000 321 18446744073709551615";
        assert_eq!(group_and_pages(stat), Some((42, 321)));
    }

    #[test]
    fn this_process_has_memory() {
        let group = rustix::process::getpgrp().as_raw_nonzero().get();
        assert!(resident_by_group()[&group] > 1 << 20);
    }
}
