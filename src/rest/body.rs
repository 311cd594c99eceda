//! JSON bodies as handlers take them, and the answer to what is none.

use std::error::Error;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::Rest;
use super::answer::Failure;
use crate::body::{self, Object, Strict, Unfit};

/// A body that is a JSON object and fits `T`.
pub(super) struct JsonObject<T>(pub(super) T);

impl<T: Object> FromRequest<Rest> for JsonObject<T> {
    type Rejection = Response;

    async fn from_request(request: Request, rest: &Rest) -> Result<Self, Response> {
        let Json(Strict(body)) = Json::<Strict<T>>::from_request(request, rest).await?;
        Ok(Self(body))
    }
}

/// A body that is JSON and fits `T`.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Rest> for Json<T> {
    type Rejection = Response;

    /// The head has been looked at before this waits: nobody has to keep it.
    fn from_request(
        request: Request,
        rest: &Rest,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        let checked = body::check_type(request.headers());
        let (body, max, limit) =
            (request.into_body(), rest.0.max_body_bytes, rest.0.body_read_timeout);
        async move {
            checked.map_err(refused)?;
            let body = body::read(body, max, limit).await.map_err(refused)?;
            body::parse(&body).map(Self).map_err(refused)
        }
    }
}

fn refused(unfit: Unfit) -> Response {
    if let Unfit::Broken(error) = &unfit {
        tracing::debug!(error = error as &dyn Error, "a body could not be read");
    }
    let mut response = Failure::new(unfit.status(), unfit.to_string()).into_response();
    if unfit.ends_the_connection() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
