//! One sequence of steps, taken by the model and by the program side by side.

use std::collections::BTreeMap;

use fastrand::Rng;
use model::{
    Action, Config, Protocol,
    state::{Dynamo, HoldState, Made, State, Status},
};
use stateright::Model;

use crate::{abstraction::StoresSeen, program::Program, stores::Stores};

/// How often each kind of step was taken.
pub(crate) type Reached = BTreeMap<String, usize>;

/// Where the two went apart.
#[derive(Debug)]
pub(crate) struct Apart {
    pub(crate) steps: Vec<Action>,
    pub(crate) why: String,
}

/// Which steps are taken.
pub(crate) enum Steps<'a> {
    /// First those of the opening, then so many that are drawn at random.
    Random { opening: &'a [Action], rng: Rng, left: usize },
    /// These.
    Given(&'a [Action]),
}

impl Steps<'_> {
    /// The next step, if the sequence goes on. What can't be done when its turn comes is left out.
    fn next(&mut self, possible: &[Action]) -> Option<Action> {
        match self {
            Self::Given(steps) => first_of(steps, possible),
            Self::Random { opening, rng, left } => first_of(opening, possible).or_else(|| {
                *left = left.checked_sub(1)?;
                drawn(rng, possible)
            }),
        }
    }
}

fn first_of(steps: &mut &[Action], possible: &[Action]) -> Option<Action> {
    let at = steps.iter().position(|step| possible.contains(step));
    let step = at.map(|at| steps[at]);
    *steps = &steps[at.map_or(steps.len(), |at| at + 1)..];
    step
}

/// Walks the sequence. The choices that the program makes for itself follow from `seed`.
pub(crate) async fn walk(
    stores: &Stores,
    config: Config,
    seed: u64,
    mut steps: Steps<'_>,
    reached: &mut Reached,
) -> Result<(), Apart> {
    // The program draws its random shards from the thread's generator.
    fastrand::seed(seed);
    let model = Protocol { config };
    let mut program = Program::start(stores, config).await;
    let mut taken = Vec::new();
    let mut state = State::start(&config);
    let apart = |taken: &[Action], why| Apart { steps: taken.to_vec(), why };
    let mut dynamo = state.dynamo;
    compare(&mut program, dynamo, &[state]).await.map_err(|why| apart(&taken, why))?;
    while let Some(action) = steps.next(&possible(&model, &state)) {
        taken.push(action);
        program.act(action, &state).await.map_err(|why| apart(&taken, why))?;
        if writes_to_dynamodb(action) {
            dynamo = program.dynamo(dynamo, Some(action)).await.map_err(|why| apart(&taken, why))?;
        }
        let allowed = allowed(&model, &state, action);
        let next = compare(&mut program, dynamo, &allowed).await.map_err(|why| apart(&taken, why))?;
        note(reached, action, &state, &next);
        state = next;
    }
    // What no step should have written was not looked at on the way.
    dynamo = program.dynamo(dynamo, None).await.map_err(|why| apart(&taken, why))?;
    compare(&mut program, dynamo, &[state]).await.map_err(|why| apart(&taken, why))?;
    users_have_what_they_booked(&program, &state).await.map_err(|why| apart(&taken, why))
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

/// Looks which of the states that the model allows is the program's.
async fn compare(program: &mut Program<'_>, dynamo: Dynamo, allowed: &[State]) -> Result<State, String> {
    let (redis, answered) = program.redis().await?;
    let seen = StoresSeen { dynamo, redis, answered };
    let mut differences = Vec::new();
    for state in allowed {
        let found = program.as_state(&seen, state);
        if found == *state {
            return Ok(*state);
        }
        differences.push(differing_lines(state, &found));
    }
    Err(differences.join("\n  or\n"))
}

fn differing_lines(model: &State, program: &State) -> String {
    let parts = |state: &State| {
        let shards: Vec<_> =
            state.redis.iter().flat_map(|redis| redis.shards).map(|shard| format!("{shard:?}")).collect();
        let holds = state.redis.iter().flat_map(|redis| redis.holds).map(|hold| format!("{hold:?}"));
        let rest =
            state.redis.map(|redis| (redis.epoch, redis.price, redis.draft, redis.count, redis.restocked));
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
    };
    let (of_model, of_program) = (parts(model), parts(program));
    let count = of_model.len().max(of_program.len());
    let part = |parts: &[String], n: usize| parts.get(n).cloned().unwrap_or_default();
    let lines = (0..count).map(|n| (part(&of_model, n), part(&of_program, n)));
    lines
        .filter(|(model, program)| model != program)
        .map(|(model, program)| format!("  model:   {model}\n  program: {program}"))
        .collect::<Vec<_>>()
        .join("\n")
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

fn drawn(rng: &mut Rng, possible: &[Action]) -> Option<Action> {
    let all = possible.iter().map(|action| weight(*action)).sum::<u32>();
    let mut left = if all == 0 { return None } else { rng.u32(..all) };
    possible.iter().copied().find(|action| {
        let weight = weight(*action);
        let is_it = left < weight;
        left = left.saturating_sub(weight);
        is_it
    })
}

/// Faults are rarer than what they disturb, or every sequence would end in them.
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
