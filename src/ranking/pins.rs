/// Puts pinned items back where they came in, counted among the items of `order`; the others keep their order around them.
pub(super) fn keep_pinned(order: &mut Vec<usize>, is_pinned: impl Fn(usize) -> bool) {
    if !order.iter().any(|&place| is_pinned(place)) {
        return;
    }
    let mut incoming = order.clone();
    incoming.sort_unstable();
    let mut movable = order.iter().copied().filter(|&place| !is_pinned(place));
    let placed = incoming.into_iter().filter_map(|place| {
        if is_pinned(place) {
            Some(place)
        } else {
            movable.next()
        }
    });
    *order = placed.collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(mut order: Vec<usize>, pins: &[usize]) -> Vec<usize> {
        keep_pinned(&mut order, |place| pins.contains(&place));
        order
    }

    #[test]
    fn pinned_items_stand_where_they_came_in() {
        assert_eq!(pinned(vec![3, 2, 1, 0], &[0, 2]), [0, 3, 2, 1]);
        assert_eq!(pinned(vec![2, 1, 0], &[]), [2, 1, 0]);
        assert_eq!(pinned(vec![2, 1, 0], &[0, 1, 2]), [0, 1, 2]);
    }

    #[test]
    fn removed_items_leave_no_gap() {
        assert_eq!(pinned(vec![5, 3, 1], &[3]), [5, 3, 1]);
        assert_eq!(pinned(vec![5, 1, 3], &[5]), [1, 3, 5]);
    }
}
