//! A long text in pieces. In one piece it would be copied, sent and freed in one go, for which all others had to wait.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::task::yield_now;

/// How long a piece is; only the last one is shorter.
const PIECE_BYTES: usize = 64 * 1024;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pieces: VecDeque<Vec<u8>>,
    bytes: u64,
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = |piece: &Vec<u8>| PIECE_BYTES - piece.len();
        let left = match self.pieces.back().map(room) {
            Some(left @ 1..) => left,
            Some(0) | None => {
                self.pieces.push_back(Vec::with_capacity(PIECE_BYTES));
                PIECE_BYTES
            }
        };
        let taken = &bytes[..bytes.len().min(left)];
        if let Some(piece) = self.pieces.back_mut() {
            piece.extend_from_slice(taken);
            self.bytes += taken.len() as u64;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Others get their turn between two pieces.
impl IntoResponse for Text {
    fn into_response(self) -> Response {
        let length = HeaderValue::from(self.bytes);
        let pieces = stream::unfold(self.pieces, |mut pieces| async move {
            let piece = Bytes::from(pieces.pop_front()?);
            yield_now().await;
            Some((Ok::<_, Infallible>(piece), pieces))
        });
        ([(header::CONTENT_LENGTH, length)], Body::from_stream(pieces)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_sent_in_pieces_with_its_length() {
        for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7] {
            let whole: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut text = Text::default();
            whole.chunks(1_000).for_each(|part| text.write_all(part).unwrap());
            let longest = text.pieces.iter().map(Vec::len).max();
            assert!(longest <= Some(PIECE_BYTES), "{longest:?}");
            assert_eq!(text.pieces.len(), length.div_ceil(PIECE_BYTES));
            let response = text.into_response();
            assert_eq!(response.headers()[header::CONTENT_LENGTH], length.to_string());
            let sent = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert!(sent == whole, "{length}");
        }
    }
}
