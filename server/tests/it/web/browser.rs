//! A client that keeps cookies, follows nothing, and says where its requests come from, as a browser does.

use app::contract::ApiError;
use reqwest::header::{ACCEPT, HeaderMap, REFERER};
use reqwest::{Client, Method, StatusCode};

pub struct Browser {
    client: Client,
    base: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Every `Set-Cookie`.
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The error of a server function.
    #[track_caller]
    pub fn error(&self) -> ApiError {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no error of the contract: {} {}", self.status, self.text()))
    }
}

impl Browser {
    pub fn new(base: &str) -> Self {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(20))
            .no_proxy()
            .build()
            .unwrap();
        Self { client, base: base.to_owned() }
    }

    /// Exactly this request, with nothing added but the cookies.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("accept", "text/html")], None).await
    }

    /// Calls a server function as the hydrated page does.
    pub async fn call(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [("sec-fetch-site", "same-origin"), ("accept", "application/json")];
        self.send(Method::POST, path, &headers, Some(form(fields))).await
    }

    /// Submits a form as a page without JavaScript does.
    pub async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let referer = format!("{}{page}", self.base);
        let headers = [("sec-fetch-site", "same-origin"), (ACCEPT.as_str(), "text/html"), (REFERER.as_str(), &referer)];
        self.send(Method::POST, path, &headers, Some(form(fields))).await
    }

    /// Signs in and expects it to work.
    #[track_caller]
    pub fn signed_in<'a>(self, email: &'a str, password: &'a str) -> impl Future<Output = Self> + 'a
    where
        Self: 'a,
    {
        async move {
            let answer = self.call("/api/probe/sign_in", &[("email", email), ("password", password)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            self
        }
    }

    /// The address that `/api/probe/viewer` sees signed in.
    pub async fn viewer(&self) -> Option<String> {
        let answer = self.call("/api/probe/viewer", &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }
}

pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
