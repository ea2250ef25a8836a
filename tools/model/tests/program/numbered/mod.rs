//! The model of named seats and the program, side by side.
//!
//! The event has a numbered area of one row, A-1 and A-2, and beside it a general area where the model has places there; either is the
//! first. Limits count: what Redis refuses because of them is no step of the model, so nothing may change by it.

mod abstraction;
pub(crate) mod configs;
mod program;
mod reached;
mod steps;

use model::numbered::{Action, Attempt, Config, Numbered, State};
use stateright::Model;

use crate::{
    stores::Stores,
    walk::{Pair, Reached, differing},
};
use program::Program;
pub(crate) use reached::KINDS;

/// Both, and the state that they are in.
pub(crate) struct NamedSeats<'a> {
    model: Numbered,
    program: Program<'a>,
    state: State,
}

impl<'a> Pair<'a> for NamedSeats<'a> {
    type Config = Config;
    type Action = Action;

    async fn start(stores: &'a Stores, config: Config) -> Result<Self, String> {
        let state = Numbered { config }.init_states()[0];
        let program = Program::start(stores, config).await?;
        let mut pair = Self { model: Numbered { config }, program, state };
        pair.program.read_all(&state).await?;
        pair.compare(state).await?;
        Ok(pair)
    }

    fn possible(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.model.actions(&self.state, &mut actions);
        let vain: Vec<_> = self.in_vain().filter(|action| !actions.contains(action)).collect();
        actions.extend(vain);
        actions
    }

    fn weight(&self, action: Action) -> u32 {
        match action {
            Action::Reserve(_) | Action::Begin(..) if self.next(action).is_none() => 1,
            Action::Crash(..) | Action::CrashCancel(_) => 1,
            Action::Lose | Action::End(_) => 2,
            Action::ReconcileSee => 4,
            _ => 10,
        }
    }

    async fn step(&mut self, action: Action, reached: &mut Reached) -> Result<(), String> {
        let before = self.state;
        let is_refused = self.program.act(action, &before).await?;
        let next = if is_refused { None } else { self.next(action) };
        let next = next.unwrap_or(before);
        self.program.read_what_changed(action, &next).await?;
        self.compare(next).await?;
        reached::note(reached, &self.model.config, (action, is_refused), &before, &next);
        self.state = next;
        Ok(())
    }

    async fn end(&mut self) -> Result<(), String> {
        self.program.read_all(&self.state).await?;
        self.compare(self.state).await
    }
}

impl NamedSeats<'_> {
    /// What the model makes of a step; nothing of one that must be in vain.
    fn next(&self, action: Action) -> Option<State> {
        let mut actions = Vec::new();
        self.model.actions(&self.state, &mut actions);
        actions.contains(&action).then(|| self.model.next_state(&self.state, action))?
    }

    /// Steps that change nothing, so the model does not have them: what is wanted is not free, or there is nothing to confirm.
    fn in_vain(&self) -> impl Iterator<Item = Action> {
        let (state, config) = (&self.state, &self.model.config);
        let requests = config.requests.iter().enumerate().filter(|(_, request)| request.is_some());
        requests.flat_map(|(id, _)| {
            let begins = state.reserved[id] && state.attempts[id][0] == Attempt::Ready;
            let reserve = (!state.reserved[id]).then_some(Action::Reserve(id));
            reserve.into_iter().chain(begins.then_some(Action::Begin(id, 0)))
        })
    }

    async fn compare(&mut self, state: State) -> Result<(), String> {
        let found = self.program.as_state(&state).await?;
        if found == state { Ok(()) } else { Err(differing(&parts(&state), &parts(&found))) }
    }
}

/// What a state is made of, to show which of it differs.
fn parts(state: &State) -> Vec<String> {
    vec![
        format!("{:?}", state.dynamo),
        format!("{:?}, places free {}", state.row, state.free),
        format!("holds {:?}", state.holds),
        format!("losses {}, reserved {:?}", state.losses, state.reserved),
        format!("attempts {:?}", state.attempts),
        format!("cancels {:?}", state.cancels),
        format!("loader {:?}", state.loader),
        format!("{:?}", state.janitor),
    ]
}
