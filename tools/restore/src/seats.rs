//! How an event's capacity lies on its shards: as it does, unless more was sold on one, or the sum is not the event's.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Makes the capacities sum up to `capacity`, none below what was sold on its shard. What lacks goes to the emptiest shards, as
/// when a capacity is raised; what is too much comes from those with most seats unsold. `capacity` is at least what was sold.
pub(crate) fn spread(capacities: &mut [u32], sold: &[u32], capacity: u32) {
    for (capacity, sold) in capacities.iter_mut().zip(sold) {
        *capacity = (*capacity).max(*sold);
    }
    let sum = capacities.iter().map(|one| u64::from(*one)).sum::<u64>();
    let capacity = u64::from(capacity);
    if sum < capacity {
        let mut emptiest: BinaryHeap<_> =
            capacities.iter().enumerate().map(|(index, seats)| Reverse((*seats, index))).collect();
        for _ in sum..capacity {
            let Some(Reverse((seats, index))) = emptiest.pop() else { return };
            capacities[index] = seats + 1;
            emptiest.push(Reverse((seats + 1, index)));
        }
        return;
    }
    let mut unsold: BinaryHeap<_> = capacities
        .iter()
        .zip(sold)
        .enumerate()
        .map(|(index, (seats, sold))| (seats - sold, Reverse(index)))
        .collect();
    for _ in capacity..sum {
        let Some((free @ 1.., Reverse(index))) = unsold.pop() else { return };
        capacities[index] -= 1;
        unsold.push((free - 1, Reverse(index)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spread_to(mut capacities: Vec<u32>, sold: &[u32], capacity: u32) -> Vec<u32> {
        spread(&mut capacities, sold, capacity);
        capacities
    }

    #[test]
    fn what_adds_up_stays_as_it_is() {
        assert_eq!(spread_to(vec![5, 9], &[5, 0], 14), [5, 9]);
    }

    #[test]
    fn what_lacks_goes_to_the_emptiest() {
        assert_eq!(spread_to(vec![0, 0, 0], &[0, 0, 0], 8), [3, 3, 2]);
        assert_eq!(spread_to(vec![10, 2, 0], &[0, 0, 0], 15), [10, 3, 2]);
    }

    #[test]
    fn what_is_too_much_is_taken_from_unsold_seats_alone() {
        assert_eq!(spread_to(vec![10, 10], &[10, 3], 15), [10, 5]);
        assert_eq!(spread_to(vec![4, 4], &[6, 1], 8), [6, 2]);
        assert_eq!(spread_to(vec![9, 0], &[2, 3], 5), [2, 3]);
    }

    proptest! {
        #[test]
        fn every_seat_has_its_place_and_the_second_time_nothing_moves(
            shards in prop::collection::vec((0_u32..60, 0_u32..60), 1..20),
            unsold in 0_u32..300,
        ) {
            let (capacities, sold): (Vec<u32>, Vec<u32>) = shards.into_iter().unzip();
            let capacity = sold.iter().sum::<u32>() + unsold;
            let once = spread_to(capacities, &sold, capacity);
            prop_assert_eq!(once.iter().sum::<u32>(), capacity);
            prop_assert!(once.iter().zip(&sold).all(|(capacity, sold)| capacity >= sold));
            prop_assert_eq!(&spread_to(once.clone(), &sold, capacity), &once);
        }
    }
}
