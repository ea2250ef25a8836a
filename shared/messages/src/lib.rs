//! Telling people what happened. Inner functions decide, this tells: it is fed by the streams of the tables that were decided in,
//! sits outside of Redis' network, and may be slow, fail and repeat without touching a sale.
//!
//! - [`Teller::tell`] takes what a change means ([`domain::message`]) and writes down a delivery ([`domain::delivery`]) before
//!   anything is tried, so that nothing is told twice and nothing that fails is forgotten.
//! - [`Teller::try_begun`] looks up who is to be told and what there is to say, writes the letter, and sends it.
//! - Endpoints of webhooks are told beside people, each message to each of them a delivery of its own.
//! - [`run()`] is what is done again and again: what is due is tried, messages to all who have seats become one for each, and once an
//!   hour a look at the tables finds what no stream told.

mod account_letter;
mod bookers;
mod calendar;
mod due;
mod endpoint_letter;
mod letter;
mod look;
mod mailer;
mod measure;
mod outcomes;
mod run;
mod teller;
mod webhooks;
mod when;

pub use mailer::{MailerError, SENDING_TIME_MAX};
pub use outcomes::Outcomes;
pub use run::{Limits, Report, run, run_within};
pub use teller::{Teller, Told};
