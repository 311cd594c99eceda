//! Why somebody is not let in, and what the answer to that is.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Role;

/// Why somebody is not let in. What it says has nothing of a token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// A token is needed, and none was shown.
    #[error("A token is needed. Send the header Authorization: Bearer TOKEN.")]
    NoToken,
    /// What was shown is no token of this server.
    #[error("The token is not known here.")]
    BadToken,
    /// The token is good, but not for this.
    #[error("The role of the token is {has}; this needs {needs}.")]
    TooLow {
        /// What the token has.
        has: Role,
        /// What is needed.
        needs: Role,
    },
    /// A browser sends it for a page of somebody else.
    #[error("Requests from pages of another origin are not allowed.")]
    Foreign,
    /// A browser sends it, and calls the server by a name that may be somebody else's.
    #[error(
        "This server does not go by the name in the header Host. Its setting \"hosts\" says by which it does."
    )]
    Host,
}

impl Denied {
    const fn status(self) -> StatusCode {
        match self {
            Self::NoToken | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::TooLow { .. } | Self::Foreign | Self::Host => StatusCode::FORBIDDEN,
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_string()).into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, how);
        }
        response
    }
}
