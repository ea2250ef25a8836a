//! Which seats the scripts choose, whatever is free: held against the rules as one would write them down, not as the scripts follow them.

mod hall;

use std::collections::BTreeSet;

use domain::{error::Error, reservation::WantedSeats};
use hall::{Hall, Kind, RowOfSeats, Seat};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::{runtime::Handle, task::block_in_place};

use crate::common::TestApp;

const CASES: u32 = 400;
/// Rows that are looked at for neighbours that leave no single seat free.
const TIDY_ROWS: usize = 4;

fn rows() -> impl Strategy<Value = Vec<RowOfSeats>> {
    let seat = (prop::bool::weighted(0.6), prop::bool::weighted(0.15));
    let row = vec(seat, 1..14).prop_map(|seats| RowOfSeats {
        free: seats.iter().map(|(is_free, _)| *is_free).collect(),
        accessible: seats.iter().map(|(_, is_accessible)| *is_accessible).collect(),
    });
    vec(row, 1..8)
}

/// Asks the case of the scripts; proptest asks one after the other.
async fn hold_true<S: Strategy>(
    cases: u32,
    strategy: S,
    holds: impl Fn(&TestApp, S::Value) -> Result<(), TestCaseError>,
) {
    let evently = TestApp::start().await;
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let found = block_in_place(|| runner.run(&strategy, |case| holds(&evently, case)));
    if let Err(error) = found {
        panic!("{error}");
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    Handle::current().block_on(future)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_seats_are_free_and_together_and_the_best_that_there_are() {
    let wish = (1_u32..9, any::<bool>(), prop::bool::weighted(0.2), any::<bool>());
    hold_true(CASES, (rows(), wish), |evently, (rows, (quantity, apart, accessible, tidy))| {
        let hall = wait(Hall::load(evently, &rows, tidy));
        let wish = WantedSeats { apart, accessible, ..WantedSeats::default() };
        let best = Best { hall: &hall, quantity: quantity as usize, apart, accessible, tidy };
        match wait(hall.hold(quantity, &wish)) {
            Ok(seats) => best.granted(&seats),
            Err(error) => best.refused(&error),
        }
    })
    .await;
}

/// What somebody asked for.
struct Best<'a> {
    hall: &'a Hall<'a>,
    quantity: usize,
    apart: bool,
    accessible: bool,
    tidy: bool,
}

impl Best<'_> {
    /// The seats that may be given, those that others need last.
    fn kinds(&self) -> &'static [Kind] {
        if self.accessible { &[Kind::Accessible] } else { &[Kind::Ordinary, Kind::Any] }
    }

    /// Whether seats of a kind can be given as they are wanted.
    fn can_be(&self, kind: Kind) -> bool {
        let hall = self.hall;
        hall.longest(kind) >= self.quantity || self.apart && hall.free(kind).len() >= self.quantity
    }

    fn granted(&self, seats: &[Seat]) -> Result<(), TestCaseError> {
        let hall = self.hall;
        let distinct: BTreeSet<_> = seats.iter().collect();
        prop_assert_eq!(distinct.len(), self.quantity, "none twice, as many as wanted");
        let kind = self.kinds().iter().copied().find(|kind| self.can_be(*kind));
        let Some(kind) = kind else { return Err(TestCaseError::fail("more than there is")) };
        for seat in seats {
            prop_assert!(hall.is_free(kind, *seat), "{:?} is not for them", seat);
        }
        if hall.longest(kind) >= self.quantity {
            self.together(kind, seats)?;
        }
        Ok(())
    }

    /// Wherever there are so many neighbours, they are given: those in the middle of the first row that has them.
    fn together(&self, kind: Kind, seats: &[Seat]) -> Result<(), TestCaseError> {
        let (row, first) = (seats[0].row, seats[0].place);
        let side_by_side = (first..).zip(seats).all(|(place, seat)| *seat == Seat { row, place });
        prop_assert!(side_by_side, "{:?}", seats);
        let places = self.hall.places(kind, self.quantity);
        let rows: BTreeSet<usize> = places.iter().map(|seat| seat.row).collect();
        let looked_at: Vec<usize> = rows.into_iter().take(if self.tidy { TIDY_ROWS } else { 1 }).collect();
        let leaves_single = |seat: &Seat| self.tidy && self.hall.leaves_single(kind, *seat, self.quantity);
        let from_middle = |seat: &Seat| {
            let length = self.hall.rows[seat.row].free.len();
            (2 * seat.place + self.quantity).abs_diff(length)
        };
        let best = places.iter().filter(|seat| looked_at.contains(&seat.row)).min_by_key(|seat| {
            let single = leaves_single(seat);
            (single, seat.row, from_middle(seat), seat.place)
        });
        prop_assert_eq!(Some(&seats[0]), best);
        Ok(())
    }

    fn refused(&self, error: &Error) -> Result<(), TestCaseError> {
        let hall = self.hall;
        prop_assert!(!self.kinds().iter().any(|kind| self.can_be(*kind)), "{:?}", error);
        let most = if self.accessible { Kind::Accessible } else { Kind::Any };
        match error {
            Error::NotTogether { largest, .. } => {
                prop_assert!(hall.free(most).len() >= self.quantity && !self.apart);
                prop_assert_eq!(*largest as usize, hall.longest(most));
            }
            Error::SoldOut { .. } => prop_assert!(hall.free(most).len() < self.quantity),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_chooses_gets_just_those_or_is_told_which_are_not_to_be_had() {
    let chosen = vec((0_usize..9, 0_usize..16), 1..7);
    hold_true(CASES, (rows(), chosen), |evently, (rows, chosen)| {
        let hall = wait(Hall::load(evently, &rows, false));
        let chosen: BTreeSet<Seat> = chosen.into_iter().map(|(row, place)| Seat { row, place }).collect();
        let names = |which: &dyn Fn(&Seat) -> bool| {
            chosen.iter().filter(|seat| which(seat)).map(Seat::name).collect::<BTreeSet<String>>()
        };
        let set = |said: Vec<String>| said.into_iter().collect::<BTreeSet<String>>();
        let unknown = names(&|seat| !hall.has(*seat));
        let taken = names(&|seat| hall.has(*seat) && !hall.is_free(Kind::Any, *seat));
        let wish = WantedSeats { chosen: names(&|_| true), ..WantedSeats::default() };
        let quantity = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
        match wait(hall.hold(quantity, &wish)) {
            Ok(seats) => {
                prop_assert!(unknown.is_empty() && taken.is_empty());
                prop_assert_eq!(seats.into_iter().collect::<BTreeSet<_>>(), chosen);
            }
            Err(Error::UnknownSeats(said)) => prop_assert_eq!(set(said), unknown),
            Err(Error::SeatsTaken { seats, .. }) => {
                prop_assert!(unknown.is_empty());
                prop_assert_eq!(set(seats), taken);
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        Ok(())
    })
    .await;
}

/// What is done in a hall, one after the other.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The best seats are held: so many, side by side or not.
    Hold(u32, bool),
    /// One of the holds is given back.
    Release(usize),
    /// One of the holds is bought.
    Buy(usize),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_held_given_back_and_bought_each_seat_is_what_became_of_it() {
    let step = prop_oneof![
        4 => (1_u32..6, any::<bool>()).prop_map(|(quantity, apart)| Step::Hold(quantity, apart)),
        2 => any::<prop::sample::Index>().prop_map(|index| Step::Release(index.index(64))),
        1 => any::<prop::sample::Index>().prop_map(|index| Step::Buy(index.index(64))),
    ];
    hold_true(CASES / 8, (rows(), vec(step, 1..30)), |evently, (rows, steps)| {
        let mut hall = wait(Hall::load(evently, &rows, false));
        let mut holds = Vec::new();
        for step in steps {
            match step {
                Step::Hold(quantity, apart) => {
                    let wish = WantedSeats { apart, ..WantedSeats::default() };
                    if let Ok((id, seats)) = wait(hall.try_hold(quantity, &wish)) {
                        for seat in &seats {
                            prop_assert_eq!(hall.becomes(*seat, 'h'), '1', "{:?}", seat);
                        }
                        holds.push((id, seats));
                    }
                }
                Step::Release(_) | Step::Buy(_) if holds.is_empty() => {}
                Step::Release(which) => {
                    let (id, seats) = holds.swap_remove(which % holds.len());
                    wait(hall.release(id));
                    for seat in seats {
                        prop_assert_eq!(hall.becomes(seat, '1'), 'h');
                    }
                }
                Step::Buy(which) => {
                    let (id, seats) = holds.swap_remove(which % holds.len());
                    wait(hall.buy(id));
                    for seat in seats {
                        prop_assert_eq!(hall.becomes(seat, 's'), 'h');
                    }
                }
            }
            wait(hall.is_kept_as_known())?;
        }
        Ok(())
    })
    .await;
}
