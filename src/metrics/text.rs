//! A long text in pieces. In one piece it would be copied and sent in one go, for which all others had to wait.
//!
//! However many take it, there is one of it, until the last of them has it or it is taken from them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::task::yield_now;

/// How long a piece is; only the last one is shorter.
const PIECE_BYTES: usize = 64 * 1024;

/// To give back so many pieces takes so little that others can wait for it.
const FEW_PIECES: usize = 16;

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft(Vec<Vec<u8>>);

impl Draft {
    pub(super) fn finish(self) -> Text {
        let pieces: Vec<_> = self.0.into_iter().map(Bytes::from).collect();
        let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
        Text { count: pieces.len(), bytes, pieces: Mutex::new(pieces) }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = |piece: &Vec<u8>| PIECE_BYTES - piece.len();
        let left = match self.0.last().map(room) {
            Some(left @ 1..) => left,
            Some(0) | None => {
                self.0.push(Vec::with_capacity(PIECE_BYTES));
                PIECE_BYTES
            }
        };
        let taken = &bytes[..bytes.len().min(left)];
        if let Some(piece) = self.0.last_mut() {
            piece.extend_from_slice(taken);
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text that was written.
#[derive(Debug)]
pub(super) struct Text {
    /// None, once they were taken away.
    pieces: Mutex<Vec<Bytes>>,
    count: usize,
    bytes: u64,
}

impl Text {
    /// Takes it away from those who do not have all of it yet.
    pub(super) fn cut(&self) {
        self.take_pieces();
    }

    fn piece(&self, nth: usize) -> Option<Result<Bytes, Cut>> {
        // No panic is possible while it is locked.
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        (nth < self.count).then(|| pieces.get(nth).cloned().ok_or(Cut))
    }

    fn take_pieces(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.pieces.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Megabytes are given back to the system where nobody waits for that.
impl Drop for Text {
    fn drop(&mut self) {
        let pieces = self.take_pieces();
        if pieces.len() > FEW_PIECES
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(pieces));
        }
    }
}

/// A text, as one of those has it who take it.
#[derive(Debug)]
pub(crate) struct Share(pub(super) Arc<Text>);

/// Others get their turn between two pieces.
impl IntoResponse for Share {
    fn into_response(self) -> Response {
        let Self(text) = self;
        let length = HeaderValue::from(text.bytes);
        let pieces = stream::unfold((text, 0), |(text, nth)| async move {
            let piece = text.piece(nth)?;
            yield_now().await;
            Some((piece, (text, nth + 1)))
        });
        ([(header::CONTENT_LENGTH, length)], Body::from_stream(pieces)).into_response()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("others have waited for long enough")]
struct Cut;

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(whole: &[u8]) -> Text {
        let mut draft = Draft::default();
        whole.chunks(1_000).for_each(|part| draft.write_all(part).unwrap());
        draft.finish()
    }

    #[tokio::test]
    async fn what_is_written_is_sent_in_pieces_with_its_length() {
        for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7] {
            let whole: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let text = text_of(&whole);
            let pieces = text.pieces.lock().unwrap().clone();
            let longest = pieces.iter().map(Bytes::len).max();
            assert!(longest <= Some(PIECE_BYTES), "{longest:?}");
            assert_eq!(pieces.len(), length.div_ceil(PIECE_BYTES));
            let response = Share(Arc::new(text)).into_response();
            assert_eq!(response.headers()[header::CONTENT_LENGTH], length.to_string());
            let sent = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert!(sent == whole, "{length}");
        }
    }

    #[tokio::test]
    async fn many_take_the_same_and_it_ends_for_all_when_it_is_cut() {
        let text = Arc::new(text_of(&[b'x'; 2 * PIECE_BYTES]));
        let [first, second] = [(); 2].map(|()| Share(Arc::clone(&text)).into_response());
        let sent = axum::body::to_bytes(first.into_body(), usize::MAX).await.unwrap();
        assert_eq!(sent.len(), 2 * PIECE_BYTES);
        text.cut();
        // Whoever takes it must not think that this was all.
        assert!(axum::body::to_bytes(second.into_body(), usize::MAX).await.is_err());
        assert_eq!(text.pieces.lock().unwrap().capacity(), 0, "nothing is left of it");
    }
}
