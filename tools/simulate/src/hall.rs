//! A rush for a hall whose seats have names. Everybody gets the best that are free, and a row is one shard: who come together are in one
//! row, and meet there if they confirm together. So here it matters how long people think.

use std::time::Duration;

use domain::{id::ReservationId, inventory::place_of_shard};
use fastrand::Rng;
use jiff::Timestamp;
use kit::Failure;

use crate::{
    assumptions::Assumptions,
    box_office::{BoxOffice, Held, NEVER_CONFIRM_PERCENT, party},
    outcome::Outcome,
    rush::Rush,
};

/// So many in a row get nothing: the hall is sold.
const TURNED_AWAY: u32 = 30;

/// A hall, and how people buy in it.
#[derive(Clone, Copy, Debug)]
pub struct Hall {
    /// Rows, each of which has as many seats.
    pub rows: u16,
    /// Seats of a row.
    pub of_row: u8,
    /// How long people look at what they hold, in the median.
    pub think: Duration,
    /// How many come in a second.
    pub per_second: f64,
}

/// Lets people come until nobody gets seats any more.
///
/// # Errors
/// When Redis fails, or a seat is given away twice.
pub async fn rush_for_hall(office: &BoxOffice, hall: Hall, seed: u64) -> Result<Outcome, Failure> {
    let area = office.open_hall(hall.rows, hall.of_row).await?;
    let now = Timestamp::now();
    let mut rush = Rush::new(Assumptions::default(), seed);
    let mut rng = Rng::with_seed(seed ^ 0x5EA7);
    let mut given = Given::default();
    let mut confirming = Vec::new();
    let (mut person, mut turned_away) = (0, 0);
    let mut comes = Duration::ZERO;
    while turned_away < TURNED_AWAY {
        comes = rush.next_comes(comes, hall.per_second);
        while rush.next_at().is_some_and(|at| at <= comes) {
            step(office, &mut rush, &mut confirming).await?;
        }
        person += 1;
        let Some(id) = office.hold(area, person, party(&mut rng), now).await? else {
            turned_away += 1;
            continue;
        };
        turned_away = 0;
        let held = office.begin(id, person).await?;
        given.note(&held)?;
        if rng.u32(0..100) >= NEVER_CONFIRM_PERCENT {
            let thought = rush.around(hall.think);
            rush.confirm(&held, comes + thought);
            confirming.push((id, held));
        }
    }
    while rush.next_at().is_some() {
        step(office, &mut rush, &mut confirming).await?;
    }
    Ok(Outcome::whole(&rush.confirms))
}

/// The next that happens to a confirm. Redis hears of those that are done.
async fn step(
    office: &BoxOffice,
    rush: &mut Rush,
    confirming: &mut [(ReservationId, Held)],
) -> Result<(), Failure> {
    if let Some(index) = rush.step()
        && rush.confirms[index].confirmed.is_some()
    {
        let (id, held) = &confirming[index];
        office.sold(*id, held).await?;
    }
    Ok(())
}

/// The seats that somebody got, by their rows.
#[derive(Default)]
struct Given(std::collections::HashSet<(u16, u8)>);

impl Given {
    fn note(&mut self, held: &Held) -> Result<(), Failure> {
        for draw in &held.draws {
            let row = place_of_shard(draw.shard).1;
            for seat in draw.named.iter() {
                if !self.0.insert((row, seat)) {
                    return Err(format!("seat {seat} of row {row} was given away twice").into());
                }
            }
        }
        Ok(())
    }
}
