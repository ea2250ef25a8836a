//! Errors that some of these routes share.

http_api::problems! {
    /// Errors of every route that compares a password.
    pub(crate) PasswordProblems:
    TooManyAttempts: "too many passwords were wrong, of this account or from this network; wait for `Retry-After`",
}

http_api::problems! {
    /// Errors of every route that takes a token from a mail.
    pub(crate) MailedTokenProblems:
    TokenEnded: "the token was used, or is too old, or is none",
}

http_api::problems! {
    /// Errors of every route that sends a mail.
    pub(crate) NoMailProblems:
    NoMail,
}

http_api::problems! {
    /// Errors of every route that ends the token of its own request.
    pub(crate) FormerCallerProblems:
    Unauthorized: "no token, or one that is not valid, or no longer",
}
