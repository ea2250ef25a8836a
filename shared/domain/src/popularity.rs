//! Popularity: one number that sorts events by tickets sold, and those with the same sales by their start.

use jiff::Timestamp;

use super::event::CAPACITY_MAX;

/// Bits below the tickets: seconds until the year 2242.
const START_BITS: u32 = 33;
/// What one more ticket adds to a rank.
pub const TICKET_RANK: i64 = 1 << START_BITS;

// Redis keeps the score of a sorted set as a double, which is exact for whole numbers up to 2^53.
const _: () = assert!((CAPACITY_MAX as i64 + 1) * TICKET_RANK <= 1 << 53);

/// The rank of an event: the higher, the more popular. Of two with the same sales the earlier one is higher.
pub fn rank(tickets_sold: u32, starts_at: Timestamp) -> i64 {
    i64::from(tickets_sold) * TICKET_RANK + rank_of_start(starts_at)
}

/// The part of a rank that comes from the event's start.
pub fn rank_of_start(starts_at: Timestamp) -> i64 {
    (TICKET_RANK - 1 - starts_at.as_second()).clamp(0, TICKET_RANK - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_count_first_then_the_earlier_start() {
        let at = |second: i64| crate::time::from_ms(second * 1_000);
        let (early, late) = (at(1_900_000_000), at(1_900_000_001));
        assert!(rank(0, early) > rank(0, late));
        assert!(rank(1, late) > rank(0, early));
        assert!(rank(CAPACITY_MAX, late) > rank(CAPACITY_MAX - 1, Timestamp::UNIX_EPOCH));
        assert_eq!(rank(3, early) + 2 * TICKET_RANK, rank(5, early));
        assert_eq!(rank(7, Timestamp::MAX), 7 * TICKET_RANK, "beyond the bits all are the same");
    }

    #[test]
    fn the_part_of_the_start_stays_below_a_ticket() {
        let of = |second: i64| rank_of_start(crate::time::from_ms(second * 1_000));
        assert_eq!([of(-5), of(0), of(1)], [TICKET_RANK - 1, TICKET_RANK - 1, TICKET_RANK - 2]);
        assert_eq!([of(TICKET_RANK - 2), of(TICKET_RANK - 1), of(TICKET_RANK + 5)], [1, 0, 0]);
    }
}
