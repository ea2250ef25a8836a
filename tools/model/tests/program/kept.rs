//! What Redis keeps of an area, read behind the program's back: whichever model it is compared with.

use std::collections::HashMap;

use domain::{
    id::{AreaKey, ReservationId},
    inventory::Draw,
};
use serde::Deserialize;

use crate::stores::Stores;

pub(crate) type Fields = HashMap<String, String>;

/// An area's state and its holds.
pub(crate) struct Kept {
    pub(crate) state: Fields,
    pub(crate) holds: Vec<KeptHold>,
}

/// A hold, with its id and its deadline.
pub(crate) struct KeptHold {
    pub(crate) id: ReservationId,
    pub(crate) deadline: i64,
    pub(crate) hold: Hold,
}

#[derive(Deserialize)]
pub(crate) struct Hold {
    pub(crate) user: String,
    pub(crate) quantity: u32,
    /// The shards are counted within the area.
    pub(crate) draws: Vec<Draw>,
    #[serde(default)]
    pub(crate) seats: Vec<String>,
    pub(crate) unit_price: Option<u32>,
    state: String,
}

impl Hold {
    pub(crate) fn is_confirming(&self) -> bool {
        self.state == "confirming"
    }
}

impl Stores {
    /// Reads an area in Redis. Checks what the scripts count for themselves against the holds that they count.
    pub(crate) async fn kept(&self, area: impl Into<AreaKey>) -> Result<Kept, String> {
        let (keys, area) = (&self.keys, area.into());
        let mut read = redis::pipe();
        read.cmd("HGETALL").arg(keys.state(area)).cmd("HGETALL").arg(keys.holds(area));
        read.cmd("ZRANGE").arg(keys.deadlines(area)).arg(0).arg(-1).arg("WITHSCORES");
        let (state, holds, deadlines): (Fields, Fields, Vec<(String, i64)>) = self.ask_all(&read).await;
        if holds.len() != deadlines.len() {
            return Err(format!("{} holds have {} deadlines", holds.len(), deadlines.len()));
        }
        let with_deadline = deadlines.into_iter().map(|(id, deadline)| {
            let hold = holds.get(&id).ok_or_else(|| format!("hold {id} has a deadline only"))?;
            let hold = serde_json::from_str(hold).unwrap();
            Ok(KeptHold { id: id.parse().unwrap(), deadline, hold })
        });
        let kept = Kept { holds: with_deadline.collect::<Result<_, String>>()?, state };
        match kept.state.contains_key("epoch") {
            true => kept.check_counts()?,
            false if kept.state.is_empty() && kept.holds.is_empty() => {}
            false => return Err("a part of the state is left".to_owned()),
        }
        Ok(kept)
    }
}

impl Kept {
    /// What the scripts count is what there is: free and held seats in all, held and confirming seats of each shard, and
    /// what each user holds.
    fn check_counts(&self) -> Result<(), String> {
        let mut expected: HashMap<String, i64> = HashMap::new();
        let mut add = |field: String, seats: i64| *expected.entry(field).or_default() += seats;
        for (_, free) in self.state.iter().filter(|(field, _)| field.starts_with("free:")) {
            add("free".to_owned(), free.parse().unwrap());
        }
        for KeptHold { hold, .. } in &self.holds {
            for draw in &hold.draws {
                add("held".to_owned(), draw.seats.into());
                add(format!("held:{}", draw.shard), draw.seats.into());
                if hold.is_confirming() {
                    add(format!("confirming:{}", draw.shard), draw.seats.into());
                }
            }
            if !hold.user.is_empty() {
                add(format!("holding:{}", hold.user), hold.quantity.into());
            }
            if hold.quantity != hold.draws.iter().map(|draw| draw.seats).sum::<u32>() {
                return Err(format!("a hold of {} seats has the draws {:?}", hold.quantity, hold.draws));
            }
        }
        let counted = self.state.iter().filter(|(field, _)| {
            let name = field.split(':').next().unwrap_or_default();
            matches!(name, "held" | "confirming" | "holding") || *field == "free"
        });
        for (field, value) in counted {
            let expected = expected.remove(field).unwrap_or(0);
            if *value != expected.to_string() {
                return Err(format!("Redis counts {field} = {value}, but there are {expected}"));
            }
        }
        match expected.into_iter().find(|(_, seats)| *seats != 0) {
            Some((field, seats)) => Err(format!("Redis does not count {field}, of which there are {seats}")),
            None => Ok(()),
        }
    }
}
