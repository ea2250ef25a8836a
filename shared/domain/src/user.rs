//! Users and what they may do.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{email::Email, id::UserId};

/// How long the request that made an account, or changed its password, may come again and is answered alike.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How long a new address has to prove that it is wanted there.
pub const MOVES_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How long an account can be taken back to an address that it left. Nobody else can have the address for as long.
pub const UNDONE_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Addresses that an account may have left within [`UNDONE_WITHIN`]: it must be possible to undo all of it at once.
pub const LEFT_MAX: usize = 10;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Books tickets.
    User,
    /// Manages events too.
    Admin,
}

/// A password's hash: Argon2id in PHC string form. Its debug form tells nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash in PHC string form.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The hash in PHC string form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// An account. Its key is the email address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The address that the account signs in with.
    pub email: Email,
    /// The id that its reservations and bookings carry.
    pub id: UserId,
    /// How the person wants to be called.
    pub name: Option<String>,
    /// What the account may do.
    pub role: Role,
    /// None for the admin of the settings, whose password is a setting.
    pub password_hash: Option<PasswordHash>,
    /// How often the password was changed. A token carries it: one with a lower number was issued before the change.
    #[serde(default)]
    pub password_version: u32,
    /// When the password was last changed.
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    pub password_changed_at: Option<Timestamp>,
    /// The hash of the password before. It counts for a day only ([`User::password_before`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_password_hash: Option<PasswordHash>,
    /// When its owner proved to get mail at the address; none if that was not yet.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub email_verified_at: Option<Timestamp>,
    /// The address that it is to move to, if somebody there says so in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_email: Option<WantedEmail>,
    /// The addresses that it left lately, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous_emails: Vec<PreviousEmail>,
    /// When the account was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

/// An address that an account is to move to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedEmail {
    /// The address.
    pub email: Email,
    /// When it was asked for.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

/// An address that an account left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousEmail {
    /// The address, as it was the account's key.
    pub email: Email,
    /// Until when the account can be taken back to it.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub until: Timestamp,
}

impl WantedEmail {
    /// Whether it is too late to move there.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= MOVES_WITHIN
    }
}

impl PreviousEmail {
    /// One that is left now.
    pub fn left(email: Email, now: Timestamp) -> Self {
        Self { email, until: now + UNDONE_WITHIN }
    }

    /// Whether it is too late to go back.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }
}

/// How an account changes its address.
impl User {
    /// Whether it keeps an address that is of no use any more.
    pub fn has_old_addresses(&self, now: Timestamp) -> bool {
        self.wanted_email.as_ref().is_some_and(|wanted| wanted.is_over(now))
            || self.previous_emails.iter().any(|left| left.is_over(now))
    }

    /// When it may leave another address, if it left so many lately that it must wait.
    pub fn moves_again_at(&self, now: Timestamp) -> Option<Timestamp> {
        let left = self.previous_emails.iter().filter(|left| !left.is_over(now));
        let mut until: Vec<Timestamp> = left.map(|left| left.until).collect();
        until.sort_unstable();
        until.len().checked_sub(LEFT_MAX).and_then(|over| until.get(over).copied())
    }

    /// The same at the address that it wanted, which proved to get mail. Tokens of before end, for they say the old address.
    #[must_use]
    pub fn moved_to(&self, email: &Email, now: Timestamp) -> Self {
        let is_left = |left: &&PreviousEmail| !left.is_over(now);
        let mut previous_emails: Vec<_> = self.previous_emails.iter().filter(is_left).cloned().collect();
        previous_emails.push(PreviousEmail::left(self.email.clone(), now));
        Self {
            email: email.clone(),
            password_version: self.password_version + 1,
            // From then on tokens of before are no good.
            password_changed_at: Some(now),
            // The request that changed the password can't come again: its token says the old address.
            previous_password_hash: None,
            email_verified_at: Some(now),
            wanted_email: None,
            previous_emails,
            ..self.clone()
        }
    }

    /// The place among [`User::previous_emails`] of one that the account can be taken back to.
    pub fn place_of_left(&self, email: &Email, until_second: i64, now: Timestamp) -> Option<usize> {
        let is_it = |left: &PreviousEmail| {
            left.email == *email && left.until.as_second() == until_second && !left.is_over(now)
        };
        self.previous_emails.iter().position(is_it)
    }

    /// The place of an address that it can be taken back to, in any of its spellings.
    pub fn place_of(&self, email: &Email, now: Timestamp) -> Option<usize> {
        let is_it = |left: &PreviousEmail| {
            !left.is_over(now) && (left.email == *email || left.email.of_all_releases() == *email)
        };
        self.previous_emails.iter().position(is_it)
    }

    /// The same back at an address that it left: whoever took it away knew the password, and may have set another one, so it has `hash`,
    /// which is nobody's. What it had later is forgotten, and nobody takes it back there. Else whoever took it away could have it given
    /// back by its owner, and taken again by the undo of that.
    #[must_use]
    pub fn taken_back(&self, place: usize, hash: PasswordHash, now: Timestamp) -> Option<Self> {
        Some(Self {
            email: self.previous_emails.get(place)?.email.clone(),
            password_hash: Some(hash),
            password_version: self.password_version + 1,
            password_changed_at: Some(now),
            previous_password_hash: None,
            email_verified_at: Some(now),
            wanted_email: None,
            previous_emails: self.previous_emails.iter().take(place).cloned().collect(),
            ..self.clone()
        })
    }
}

impl User {
    /// A new account, of an id of its own, with nothing else yet: nobody signs in to it.
    pub fn new(email: Email, created_at: Timestamp) -> Self {
        Self {
            email,
            id: UserId::new(),
            name: None,
            role: Role::User,
            password_hash: None,
            password_version: 0,
            password_changed_at: None,
            previous_password_hash: None,
            email_verified_at: None,
            wanted_email: None,
            previous_emails: Vec::new(),
            created_at,
        }
    }

    /// Whether the account is so new that the request which made it may come again.
    pub fn is_new(&self, now: Timestamp) -> bool {
        now.duration_since(self.created_at) < REPEATED_WITHIN
    }

    /// The password that was replaced so lately that the request which did it may come again.
    pub fn password_before(&self, now: Timestamp) -> Option<&PasswordHash> {
        let changed_at = self.password_changed_at?;
        let is_late = now.duration_since(changed_at) >= REPEATED_WITHIN;
        self.previous_password_hash.as_ref().filter(|_| !is_late)
    }
}

/// Somebody as admins see them beside a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user's id.
    pub id: UserId,
    /// The address that the account signs in with.
    pub email: Email,
    /// How the person wants to be called.
    #[serde(default)]
    pub name: Option<String>,
}

/// Tokens of a user that were got with an older password, or before the account was erased, have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedTokensNote {
    /// The user.
    pub user: UserId,
    /// The lowest version of the password that is still good.
    pub good_from: u32,
    /// When the last older token has expired, in seconds since the Unix epoch.
    pub forget_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_show_in_debug_output() {
        let shown = format!("{:?}", PasswordHash::new("$argon2id$secret".into()));
        assert!(!shown.contains("secret"), "{shown}");
    }

    fn account(more: serde_json::Value) -> User {
        let mut account = serde_json::json!({
            "email": "ada@example.com", "id": "0190163d-8694-739b-aea5-966c26f8ad91", "name": null, "role": "user",
            "password_hash": "$argon2id$…", "created_at": 0,
        });
        account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(account).unwrap()
    }

    #[test]
    fn a_request_may_come_again_for_a_day() {
        let day = SignedDuration::from_hours(24);
        let second = SignedDuration::from_secs(1);
        let user =
            account(serde_json::json!({ "previous_password_hash": "$before$", "password_changed_at": 0 }));
        let last = Timestamp::UNIX_EPOCH + day - second;
        assert!(user.is_new(last) && user.password_before(last).is_some());
        assert!(!user.is_new(last + second) && user.password_before(last + second).is_none());
    }

    #[test]
    fn an_account_with_what_a_later_release_keeps_is_understood() {
        let user = account(serde_json::json!({ "of_a_later_release": true }));
        assert_eq!(user.email.as_str(), "ada@example.com");
    }

    fn left(email: &str, until: Timestamp) -> PreviousEmail {
        PreviousEmail { email: Email::parse(email).unwrap(), until }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    #[test]
    fn a_moved_account_is_the_same_at_another_address_and_its_tokens_end() {
        let (now, email) = (at(10_000), Email::parse("ada@example.org").unwrap());
        let wanted = serde_json::json!({ "email": email, "at": 1 });
        let user = account(serde_json::json!({ "wanted_email": wanted, "previous_password_hash": "$b$" }));
        let user = User {
            previous_emails: vec![left("over@example.com", now), left("first@example.com", at(10_001))],
            ..user
        };
        let moved = user.moved_to(&email, now);
        assert_eq!((&moved.email, moved.id, moved.password_version), (&email, user.id, 1));
        assert_eq!((moved.email_verified_at, moved.wanted_email.is_none()), (Some(now), true));
        assert_eq!(moved.password_hash, user.password_hash);
        assert!(moved.previous_password_hash.is_none());
        let expected = [left("first@example.com", at(10_001)), left("ada@example.com", at(10_000 + 7 * 24))];
        assert_eq!(moved.previous_emails, expected);
    }

    #[test]
    fn an_account_that_is_taken_back_has_nobodys_password_and_no_later_address() {
        let now = at(10_000);
        let emails = ["first@example.com", "second@example.com", "third@example.com"];
        let user = User {
            previous_emails: emails.map(|email| left(email, at(10_001))).to_vec(),
            ..account(serde_json::json!({ "previous_password_hash": "$b$", "password_version": 4 }))
        };
        let second = Email::parse(emails[1]).unwrap();
        let place = |until: Timestamp, now| user.place_of_left(&second, until.as_second(), now);
        assert_eq!(place(at(10_001), now), Some(1));
        assert_eq!((place(at(10_002), now), place(at(10_001), at(10_001))), (None, None));
        let nobodys = PasswordHash::new("$nobody$".into());
        let back = user.taken_back(1, nobodys.clone(), now).unwrap();
        assert_eq!((&back.email, back.password_hash.as_ref()), (&second, Some(&nobodys)));
        assert_eq!((back.password_version, back.password_before(now)), (5, None));
        assert_eq!(back.password_changed_at, Some(now));
        assert_eq!(back.previous_emails, [left(emails[0], at(10_001))]);
        assert!(user.taken_back(3, nobodys, now).is_none());
    }

    #[test]
    fn an_address_that_the_account_left_is_known_until_its_time_is_over() {
        let now = at(10_000);
        let emails = ["first@example.com", "second@example.com", "third@example.com"];
        let user = User {
            previous_emails: emails.map(|email| left(email, at(10_001))).to_vec(),
            ..account(serde_json::json!({}))
        };
        let place = |email: &str, now| user.place_of(&Email::parse(email).unwrap(), now);
        assert_eq!((place(emails[1], now), place(emails[1], at(10_001))), (Some(1), None));
        assert_eq!(place("ada@example.com", now), None, "it is there");
    }

    #[test]
    fn an_account_leaves_ten_addresses_in_seven_days() {
        let until = |hours: std::ops::Range<i64>| hours.map(|hour| left("a@example.com", at(hour))).collect();
        let with = |previous_emails| User { previous_emails, ..account(serde_json::json!({})) };
        assert_eq!(with(until(1..10)).moves_again_at(at(0)), None);
        assert_eq!(with(until(1..11)).moves_again_at(at(0)), Some(at(1)));
        assert_eq!(with(until(1..11)).moves_again_at(at(1)), None);
        assert_eq!(with(until(1..13)).moves_again_at(at(0)), Some(at(3)));
    }

    #[test]
    fn an_address_that_is_wanted_is_wanted_for_a_day() {
        let wanted = WantedEmail { email: Email::parse("ada@example.org").unwrap(), at: at(0) };
        assert!(!wanted.is_over(at(23)) && wanted.is_over(at(24)));
        let user = account(serde_json::json!({ "wanted_email": wanted }));
        assert_eq!(user.wanted_email, Some(wanted));
        assert!(!user.has_old_addresses(at(23)) && user.has_old_addresses(at(24)));
        let user = User { wanted_email: None, previous_emails: vec![left("a@example.com", at(9))], ..user };
        assert!(!user.has_old_addresses(at(8)) && user.has_old_addresses(at(9)));
    }

    #[test]
    fn an_account_from_before_passwords_could_be_changed_is_understood() {
        let user = account(serde_json::json!({}));
        assert_eq!((user.password_version, user.password_changed_at), (0, None));
        assert!(user.password_before(Timestamp::UNIX_EPOCH).is_none());
    }
}
