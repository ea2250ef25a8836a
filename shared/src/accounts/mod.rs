//! What guards accounts beside the passwords themselves: how fast passwords may be tried, and which tokens end before
//! their time.

mod attempts;
mod ended_tokens;

pub(crate) use self::{attempts::Attempts, ended_tokens::EndedTokens};
pub use self::{
    attempts::{Attempt, try_password},
    ended_tokens::{change_password, end_tokens_again, has_ended},
};
