//! The general model and the program, side by side.

use model::{
    Action, Config, Protocol,
    state::{Dynamo, HoldState, Made, State, Status},
};
use stateright::Model;

use crate::{
    abstraction::StoresSeen,
    program::Program,
    stores::Stores,
    walk::{Pair, Reached, differing},
};

/// Both, and the state that they are in.
pub(crate) struct General<'a> {
    model: Protocol,
    program: Program<'a>,
    state: State,
    dynamo: Dynamo,
}

impl<'a> Pair<'a> for General<'a> {
    type Config = Config;
    type Action = Action;

    async fn start(stores: &'a Stores, config: Config) -> Result<Self, String> {
        let (program, state) = (Program::start(stores, config).await, State::start(&config));
        let mut pair = Self { model: Protocol { config }, program, state, dynamo: state.dynamo };
        pair.compare(&[state]).await?;
        Ok(pair)
    }

    fn possible(&self) -> Vec<Action> {
        possible(&self.model, &self.state)
    }

    fn weight(&self, action: Action) -> u32 {
        weight(action)
    }

    async fn step(&mut self, action: Action, reached: &mut Reached) -> Result<(), String> {
        self.program.act(action, &self.state).await?;
        if writes_to_dynamodb(action) {
            self.dynamo = self.program.dynamo(self.dynamo, Some(action)).await?;
        }
        let allowed = allowed(&self.model, &self.state, action);
        let next = self.compare(&allowed).await?;
        note(reached, action, &self.state, &next);
        self.state = next;
        Ok(())
    }

    async fn end(&mut self) -> Result<(), String> {
        self.dynamo = self.program.dynamo(self.dynamo, None).await?;
        self.compare(&[self.state]).await?;
        users_have_what_they_booked(&self.program, &self.state).await
    }
}

impl General<'_> {
    /// Looks which of the states that the model allows is the program's.
    async fn compare(&mut self, allowed: &[State]) -> Result<State, String> {
        let (redis, answered) = self.program.redis().await?;
        let seen = StoresSeen { dynamo: self.dynamo, redis, answered };
        let mut differences = Vec::new();
        for state in allowed {
            let found = self.program.as_state(&seen, state);
            if found == *state {
                return Ok(*state);
            }
            differences.push(differing(&parts(state), &parts(&found)));
        }
        Err(differences.join("\n  or\n"))
    }
}

/// Every step that anyone could take now. Where the program chooses a shard at random it is one step. Those that must
/// be in vain are among them.
fn possible(model: &Protocol, state: &State) -> Vec<Action> {
    let mut actions = enabled(model, state);
    actions.retain(|action| same_but_for_start(*action) == *action);
    let two_choices = state.redis.is_some_and(|redis| redis.count > 1);
    // The model has a redraw that runs twice begin at the first shard only.
    actions.retain(|action| !(two_choices && is_redraw_twice(state, *action)));
    actions.extend(in_vain(model, state).filter(|action| !actions.contains(action)).collect::<Vec<_>>());
    actions
}

fn enabled(model: &Protocol, state: &State) -> Vec<Action> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    actions
}

/// Steps that change nothing where the model does not have them.
fn in_vain(model: &Protocol, state: &State) -> impl Iterator<Item = Action> {
    let vain = |id: &usize| model.config.releases && state.reservations[*id].made == Made::Held;
    let releases = (0..model.config.requests.len()).filter(vain);
    let refresh = model.config.reprices.then_some(Action::Refresh);
    releases.map(|reservation| Action::Release { reservation }).chain([Action::Expire]).chain(refresh)
}

fn same_but_for_start(action: Action) -> Action {
    match action {
        Action::Reserve { reservation, .. } => Action::Reserve { reservation, start: 0 },
        Action::Redraw { reservation, attempt, .. } => Action::Redraw { reservation, attempt, start: 0 },
        other => other,
    }
}

fn is_redraw_twice(state: &State, action: Action) -> bool {
    use model::{Process, state::AttemptAt};
    matches!(action, Action::Twice(Process::Attempt { reservation, attempt })
        if state.attempts[reservation][attempt].at == AttemptAt::Redraw)
}

/// Every state that the model allows after a step.
fn allowed(model: &Protocol, state: &State, action: Action) -> Vec<State> {
    let after = |state: &State, action| model.next_state(state, action).unwrap_or(*state);
    if let Action::SettleFound { .. } = action {
        // The janitor learns of it from `expire.lua`, which ends the overdue holds.
        return vec![after(&after(state, Action::Expire), action)];
    }
    let actions = enabled(model, state).into_iter();
    let same: Vec<_> = actions
        .filter(|enabled| same_but_for_start(*enabled) == action)
        .map(|enabled| after(state, enabled))
        .collect();
    if same.is_empty() { vec![*state] } else { same }
}

/// What a state is made of, to show which of it differs.
fn parts(state: &State) -> Vec<String> {
    let shards: Vec<_> =
        state.redis.iter().flat_map(|redis| redis.shards).map(|shard| format!("{shard:?}")).collect();
    let holds = state.redis.iter().flat_map(|redis| redis.holds).map(|hold| format!("{hold:?}"));
    let rest = state.redis.map(|redis| (redis.epoch, redis.price, redis.draft, redis.count, redis.restocked));
    let mut parts = vec![
        format!("{:?}", state.dynamo),
        format!("epoch, price, draft, shards, restocked in Redis: {rest:?}, answered {}", state.answered),
        format!("{:?}", state.reservations),
        format!("{:?}", state.attempts),
        format!("{:?}", state.cancels),
        format!("{:?}", state.raise),
        format!("{:?}, deadlines set {:?}", state.lowers, state.withdrawals),
        format!("{:?}", state.loaders),
        format!("{:?}", state.janitors),
        format!("epochs {}", state.epochs),
    ];
    parts.extend(shards);
    parts.extend(holds);
    parts
}

fn writes_to_dynamodb(action: Action) -> bool {
    matches!(
        action,
        Action::Commit { .. }
            | Action::CommitReplyLost { .. }
            | Action::Cancel { .. }
            | Action::Raise
            | Action::Lower { .. }
            | Action::Reprice
    )
}

fn weight(action: Action) -> u32 {
    match action {
        Action::Crash(_) | Action::CrashOfLoader { .. } | Action::CrashOfJanitor { .. } => 1,
        Action::Expire => 1,
        Action::RedisEmptied | Action::RedisFallsBack | Action::ReplicaCopies | Action::WriteIsLate(_) => 2,
        Action::Twice(_) | Action::Refuse { .. } | Action::ReconcileSee { .. } => 3,
        Action::Refresh | Action::Release { .. } => 3,
        Action::DeadlinePasses { .. } | Action::CommitReplyLost { .. } => 4,
        _ => 10,
    }
}

/// What a step was, and what came of it where that is rare.
fn note(reached: &mut Reached, action: Action, before: &State, after: &State) {
    let words = format!("{action:?}");
    let kind = words.split([' ', '(']).next().unwrap_or_default().to_owned();
    let mut count = |what: String| *reached.entry(what).or_default() += 1;
    let adopted = |state: &State| state.redis.map(|redis| redis.shards.map(|shard| shard.applied));
    match action {
        Action::Reconcile { .. } if adopted(before) != adopted(after) => {
            count("Reconcile, adopting".to_owned())
        }
        Action::Reconcile { .. } if before.redis != after.redis => count("Reconcile, repairing".to_owned()),
        Action::Redraw { reservation, .. } if before.redis != after.redis => {
            let was = before.redis.map(|redis| redis.holds[reservation].state);
            let anew =
                if was == Some(HoldState::Gone) { ", making the hold anew" } else { ", changing the hold" };
            count(format!("Redraw{anew}"));
        }
        Action::Release { .. } | Action::Expire | Action::Refresh if before == after => {
            count(format!("{kind}, in vain"));
        }
        _ => count(kind),
    }
}

/// What one user has bought is counted beside the bookings, in the same transactions.
async fn users_have_what_they_booked(program: &Program<'_>, state: &State) -> Result<(), String> {
    for key in 0..program.users.len() {
        let requests = program.config.requests.iter().enumerate();
        let booked: u32 = requests
            .filter(|(id, request)| {
                usize::from(request.key) == key && state.dynamo.bookings[*id].status == Status::Confirmed
            })
            .map(|(_, request)| u32::from(request.seats))
            .sum();
        let counted = program.stores.store.seats_of_user(program.event, program.users[key]).await.unwrap();
        if counted != booked {
            return Err(format!("a user has booked {booked} seats, but {counted} are counted"));
        }
    }
    Ok(())
}
