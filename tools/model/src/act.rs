//! What each action does to the state.

use crate::{
    action::{Action, Process},
    model::Protocol,
    state::{Attempt, AttemptAt, Follow, FollowAt, Janitor, Loader, Lower, LowerAt, State, Upset},
};

impl Protocol {
    pub(crate) fn act(&self, state: &mut State, action: Action) {
        let config = &self.config;
        match action {
            Action::Reserve { reservation, start } => state.reserve(config, reservation, start),
            Action::Release { reservation } => state.release(reservation),
            Action::Begin { reservation, attempt } => state.confirm_begins(reservation, attempt),
            Action::Refuse { reservation, attempt } => state.confirm_is_refused(config, reservation, attempt),
            Action::Commit { reservation, attempt } => {
                state.confirm_commits(config, reservation, attempt, false);
            }
            Action::CommitReplyLost { reservation, attempt } => {
                state.lost_replies += 1;
                state.confirm_commits(config, reservation, attempt, true);
            }
            Action::AskById { reservation, attempt } => state.confirm_asks(reservation, attempt),
            Action::Redraw { reservation, attempt, start } => {
                state.confirm_redraws(config, reservation, attempt, start, false);
            }
            Action::Finish { reservation, attempt } => {
                state.confirm_finishes(config, reservation, attempt, false);
            }
            Action::CancelRead { cancel } => state.cancel_reads(config, cancel),
            Action::Cancel { cancel } => state.cancel_commits(config, cancel),
            Action::Restock { cancel } => state.cancel_restocks(config, cancel, false),
            Action::RaiseRead => state.raise_reads(),
            Action::Raise => state.raise_commits(config),
            Action::RestockRaised => state.raise_restocks(config, false),
            Action::LowerRead { lower } if config.unpublishes(lower) => state.unpublish_reads(lower),
            Action::LowerRead { lower } => state.lower_reads(config, lower),
            Action::FinishBefore { lower } => state.lower_finishes_before(config, lower),
            Action::Withdraw { lower } => state.lower_withdraws(config, lower, false),
            Action::LookUnpublished { lower } => state.unpublish_looks(lower),
            Action::Lower { lower } if config.unpublishes(lower) => state.unpublish_commits(lower),
            Action::Lower { lower } => state.lower_commits(lower),
            Action::RefreshUnpublished { lower } => state.unpublish_refreshes(lower),
            Action::FinishLowered { lower } => state.lower_finishes(config, lower, false),
            Action::SettleLowered { lower } => state.lower_settles(config, lower, false),
            Action::Reprice => state.dynamo.price = 1,
            Action::Refresh => state.refresh(),
            Action::LoadEvent { loader } => state.load_event(loader),
            Action::LoadShard { loader } => state.load_shard(loader),
            Action::Load { loader } => state.load_script(config, loader),
            Action::Expire => state.expire(config),
            Action::SettleFound { janitor, hold } => {
                if let Some(found) = state.overdue_confirm(hold) {
                    state.settle_found(janitor, hold, found);
                }
            }
            Action::SettleRead { janitor } => state.settle_read(config, janitor),
            Action::Settle { janitor } => state.settle_acts(config, janitor),
            Action::ReconcileSee { janitor } => state.reconcile_sees(janitor),
            Action::ReconcileRead { janitor } => state.reconcile_reads(janitor),
            Action::Reconcile { janitor } => state.reconcile_acts(config, janitor),
            Action::DeadlinePasses { hold } => {
                state.redis.iter_mut().for_each(|redis| redis.holds[hold].overdue = true);
            }
            fault => self.fail(state, fault),
        }
    }

    fn fail(&self, state: &mut State, fault: Action) {
        match fault {
            Action::Crash(Process::Attempt { reservation, attempt }) => {
                state.attempts[reservation][attempt] = Attempt::done();
            }
            Action::Crash(Process::Cancel(cancel)) => state.cancels[cancel] = Follow::done(),
            Action::Crash(Process::Raise) => state.raise = Follow::done(),
            Action::Crash(Process::Lower(lower)) => state.lowers[lower] = Lower::done(),
            Action::CrashOfLoader { loader } => state.loaders[loader] = Loader::Idle,
            Action::CrashOfJanitor { janitor } => state.janitors[janitor] = Janitor::Idle,
            Action::Twice(process) => self.run_script_unheard(state, process),
            Action::WriteIsLate(process) => {
                match process {
                    Process::Attempt { reservation, attempt } => {
                        state.attempts[reservation][attempt].late = true;
                    }
                    Process::Cancel(cancel) => state.cancels[cancel].late = true,
                    Process::Raise => state.raise.late = true,
                    Process::Lower(lower) => state.lowers[lower].late = true,
                }
                state.lates += 1;
                state.becomes_upset();
            }
            Action::RedisEmptied => {
                (state.redis, state.replica, state.answered) = (None, None, 0);
                state.losses += 1;
                state.becomes_upset();
            }
            Action::ReplicaCopies => state.replica = state.redis.map(|redis| (redis, state.answered)),
            Action::RedisFallsBack => {
                if let Some((redis, answered)) = state.replica.take() {
                    (state.redis, state.answered) = (Some(redis), answered);
                    state.failovers += 1;
                    state.upset = Upset::FellBack;
                }
            }
            _ => {}
        }
    }

    /// Runs the script that the process is about to run, but leaves the process where it is.
    fn run_script_unheard(&self, state: &mut State, process: Process) {
        let (before, config) = (*state, &self.config);
        match process {
            Process::Attempt { reservation, attempt } => match state.attempts[reservation][attempt].at {
                AttemptAt::Redraw => state.confirm_redraws(config, reservation, attempt, 0, true),
                AttemptAt::Finish => state.confirm_finishes(config, reservation, attempt, true),
                _ => {}
            },
            Process::Cancel(cancel) if state.cancels[cancel].at == FollowAt::Restock => {
                state.cancel_restocks(config, cancel, true);
            }
            Process::Raise if state.raise.at == FollowAt::Restock => state.raise_restocks(config, true),
            Process::Lower(lower) => match state.lowers[lower].at {
                LowerAt::Withdraw => state.lower_withdraws(config, lower, true),
                LowerAt::Finish => state.lower_finishes(config, lower, true),
                LowerAt::Settle => state.lower_settles(config, lower, true),
                _ => {}
            },
            Process::Cancel(_) | Process::Raise => {}
        }
        if *state != before {
            state.duplicates += 1;
        }
    }
}
