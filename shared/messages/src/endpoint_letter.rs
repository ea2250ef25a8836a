//! What a mail about an endpoint of webhooks says.

use domain::webhook::{DisabledBecause, Endpoint, EndpointStatus};

use crate::letter::{Letter, greeting, line};

/// To the admin who made it: it is told nothing any more. Or why there is nothing to say.
pub(crate) fn of(endpoint: Option<&Endpoint>, public_url: &str) -> Result<Letter, &'static str> {
    let endpoint = endpoint.ok_or("the endpoint was removed")?;
    let because = match (endpoint.status, endpoint.disabled_because) {
        (EndpointStatus::Disabled, Some(because)) => because,
        _ => return Err("the endpoint is enabled, or an admin has disabled it"),
    };
    let said = match because {
        DisabledBecause::Gone => {
            "An endpoint of your webhooks answered that it is gone (410). It is told nothing any more."
        }
        DisabledBecause::Failing => {
            "An endpoint of your webhooks failed for five days. It is told nothing any more."
        }
    };
    let mut facts = vec![("Endpoint", line(&endpoint.url)), ("Id", endpoint.id.to_string())];
    facts.extend(endpoint.description.as_deref().map(|description| ("What it is for", line(description))));
    Ok(Letter {
        subject: "Evently: a webhook endpoint is disabled".to_owned(),
        greeting: greeting(None),
        said: said.to_owned(),
        facts,
        more: "See what it answered by GET /admin/deliveries. Once it works again, enable it by PUT /admin/webhooks/{id}, and tell it \
               once more what it missed by POST /admin/deliveries/{id}/replay."
            .to_owned(),
        link: ("The console", format!("{public_url}/console")),
        calendar: None,
    })
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{UserId, WebhookId},
        time::from_ms,
    };

    use super::*;

    #[test]
    fn an_admin_hears_why_an_endpoint_is_disabled_and_nothing_once_it_is_enabled() {
        let mut endpoint = Endpoint {
            id: WebhookId::new(from_ms(1_900_000_000_000)),
            url: "https://example.com/hook".to_owned(),
            types: Vec::new(),
            description: Some("The <b>till</b>".to_owned()),
            status: EndpointStatus::Disabled,
            disabled_because: Some(DisabledBecause::Gone),
            failing_since: None,
            made_by: UserId::new(),
            created_at: from_ms(1_900_000_000_000),
        };
        let letter = of(Some(&endpoint), "https://tickets.example.com").unwrap();
        assert!(letter.text().contains("(410)") && letter.text().contains("https://example.com/hook"));
        assert!(letter.html().contains("The &lt;b&gt;till&lt;/b&gt;"));
        endpoint.disabled_because = Some(DisabledBecause::Failing);
        assert!(of(Some(&endpoint), "").unwrap().text().contains("for five days"));
        endpoint.disabled_because = None;
        assert!(of(Some(&endpoint), "").is_err());
        assert!(of(None, "").is_err());
    }
}
