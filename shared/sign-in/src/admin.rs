//! The admin of the settings.

use domain::email::Email;
use http_api::App;
use settings::{Config, ConfigError};

use crate::policy;

const PASSWORD: &str = "ADMIN_EMAIL_PASSWORD";

/// What people sign in with must be more than well-formed: whether the settings are good for the function that they sign in at.
///
/// # Errors
/// When the admin has no password, or one that somebody would guess; when addresses are to be verified, and no mail goes out.
pub fn check_settings(config: &Config) -> Result<(), ConfigError> {
    if config.require_verified_email && !config.sends_mail {
        return Err(ConfigError::new(
            "REQUIRE_VERIFIED_EMAIL",
            "is true, though no mail goes out that could verify an address: MAIL_URL and DELIVERIES_TABLE must be set, too",
        ));
    }
    let Some(admin) = &config.admin else { return Ok(()) };
    let Some(password) = &admin.password else {
        return Err(ConfigError::new(PASSWORD, "is not set, though ADMIN_EMAIL is"));
    };
    policy::check_admins(password, &admin.email)
        .map_err(|wrong| ConfigError::new(PASSWORD, wrong.to_string()))
}

/// Whether the address is the admin's, which nobody registers and whose password is a setting.
pub(crate) fn is_admins(app: &App, email: &Email) -> bool {
    app.config.admin.as_ref().is_some_and(|admin| admin.email == *email)
}
