//! Somebody who uses the pages, with a browser that runs no scripts.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, header::HeaderMap};

use super::{TestApp, http_client};

/// A browser: it keeps cookies, and sends forms as the last page had them.
#[derive(Clone)]
pub(crate) struct Browser {
    http: reqwest::Client,
    url: String,
    /// The host by which it calls the service.
    pub(crate) host: String,
    pub(crate) cookies: BTreeMap<String, String>,
    form_token: Option<String>,
}

/// What it was shown.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Browser {
    pub(crate) fn new(evently: &TestApp) -> Self {
        Self::at(&evently.url)
    }

    pub(crate) fn at(url: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        Self { http: http_client(), url: url.to_owned(), host, cookies: BTreeMap::new(), form_token: None }
    }

    /// A request as it would send it.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.request(method, format!("{}{path}", self.url)).header("host", &self.host);
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.show(self.request(Method::GET, path)).await
    }

    /// Opens a page, and those that it leads to.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let page = self.get(path).await;
        self.follow(page).await
    }

    /// Goes where a page leads to.
    pub(crate) async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            let Some(to) = page.leads_to().map(str::to_owned) else { return page };
            page = self.get(&to).await;
        }
        panic!("led in a circle: {page:?}")
    }

    /// Sends a form of the last page.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.form_token.clone();
        let fields = fields.iter().copied().chain(token.as_deref().map(|token| ("form_token", token)));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let origin = format!("http://{}", self.host);
        let request = self.request(Method::POST, path).header("origin", origin);
        self.show(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Sends a request, and keeps what the answer says is to be kept.
    pub(crate) async fn show(&mut self, request: RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let page = Page { status, headers, html: response.text().await.unwrap() };
        if page.status == 200 {
            self.form_token = page.field("form_token");
        }
        page
    }

    /// Registers, and is signed in.
    pub(crate) async fn register(&mut self, email: &str) {
        let registered =
            self.submit("/shop/register", &[("email", email), ("password", super::PASSWORD)]).await;
        assert_eq!(registered.leads_to(), Some("/"), "{}", registered.html);
        self.open("/").await;
    }
}

impl Browser {
    /// Sends no token of a form any more.
    pub(crate) fn forget_form(&mut self) {
        self.form_token = None;
    }

    /// Signs in as the admin.
    pub(crate) async fn sign_in_as_admin(&mut self) {
        let fields = [("email", super::ADMIN_EMAIL), ("password", super::ADMIN_PASSWORD)];
        let signed_in = self.submit("/shop/sign-in", &fields).await;
        assert_eq!(signed_in.leads_to(), Some("/"), "{}", signed_in.html);
        self.open("/").await;
    }
}

impl Page {
    /// Where it leads to.
    pub(crate) fn leads_to(&self) -> Option<&str> {
        (300..400).contains(&self.status).then(|| self.headers["location"].to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.html.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    }

    /// Its text, without tags.
    pub(crate) fn text(&self) -> String {
        let parts = self.html.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
        parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Asserts that it says this.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.text().contains(text), "{} does not say {text:?}: {}", self.status, self.text());
    }

    /// The attributes of every cookie that it sets, by name.
    pub(crate) fn cookies_set(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect()
    }
}
