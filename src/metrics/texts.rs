//! The texts that somebody still takes. Of thousands of semaphores there are megabytes of text, and whoever scrapes may
//! be slow, or may not read at all. So there are few texts at once, however many scrape, and nobody is refused:
//!
//! - Whoever scrapes gets a text that was begun after it had asked, as long as there is room for one.
//! - When there is none, it shares the newest one.
//! - When that is no longer new, who still takes the oldest one is cut off, which makes room. It has had all the time since
//!   the newest one was begun, because nobody is given an older one from then on.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::text::{Share, Text};

/// Most texts at once.
const MOST: usize = 2;

/// How long a text is new, when there is no room for another. So old is what anybody is told at most, and so long is
/// the time that anybody has at least. As long as Prometheus waits if it is told nothing else.
const NEW: Duration = Duration::from_secs(10);

/// Texts that were taken when last looked at; oldest first.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<Known>);

#[derive(Debug)]
struct Known {
    begun: Instant,
    text: Weak<Text>,
}

impl Texts {
    /// A text for whoever asked then. `None`: one has to be written.
    pub(super) fn share(&mut self, asked: Instant) -> Option<Share> {
        self.forget();
        let newest = self.0.last()?;
        let has_to_do = self.0.len() >= MOST && newest.begun.elapsed() < NEW;
        let text = newest.text.upgrade().filter(|_| newest.begun >= asked || has_to_do)?;
        Some(Share(text))
    }

    /// Makes room for another one.
    pub(super) fn make_room(&mut self) {
        self.forget();
        if self.0.len() >= MOST
            && let Some(text) = self.0.remove(0).text.upgrade()
        {
            tracing::debug!("who was slow to take metrics is cut off: others want some");
            text.cut();
        }
    }

    /// Adds one. There is room.
    pub(super) fn add(&mut self, begun: Instant, text: Text) -> Share {
        let text = Arc::new(text);
        self.0.push(Known { begun, text: Arc::downgrade(&text) });
        Share(text)
    }

    /// What nobody takes any more is gone.
    fn forget(&mut self) {
        self.0.retain(|known| known.text.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::time::advance;

    use super::super::text::Draft;
    use super::*;

    /// Scrapes now, for one who asked then. Returns whether something was written for that.
    fn scrape_for(texts: &mut Texts, asked: Instant) -> (Share, bool) {
        if let Some(shared) = texts.share(asked) {
            return (shared, false);
        }
        texts.make_room();
        let mut draft = Draft::default();
        draft.write_all(b"text").unwrap();
        (texts.add(Instant::now(), draft.finish()), true)
    }

    /// A moment later than whatever was before.
    async fn scrape(texts: &mut Texts) -> (Share, bool) {
        advance(Duration::from_millis(1)).await;
        scrape_for(texts, Instant::now())
    }

    fn same(one: &Share, other: &Share) -> bool {
        Arc::ptr_eq(&one.0, &other.0)
    }

    async fn is_whole(share: &Share) -> bool {
        let body = axum::response::IntoResponse::into_response(Share(Arc::clone(&share.0)));
        axum::body::to_bytes(body.into_body(), usize::MAX).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_new_is_seen_as_long_as_others_are_quick() {
        let mut texts = Texts::default();
        let (stuck, _) = scrape(&mut texts).await;
        for _ in 0..5 {
            let (quick, is_written) = scrape(&mut texts).await;
            assert!(is_written && !same(&quick, &stuck));
        }
        assert!(is_whole(&stuck).await, "nobody needs its place");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_text_shares_the_next_one() {
        let mut texts = Texts::default();
        let asked = Instant::now();
        let (first, is_written) = scrape(&mut texts).await;
        assert!(is_written);
        let (second, is_written) = scrape_for(&mut texts, asked);
        assert!(!is_written && same(&first, &second));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_few_texts_and_the_slowest_make_room() {
        let mut texts = Texts::default();
        let (first, _) = scrape(&mut texts).await;
        let (second, is_written) = scrape(&mut texts).await;
        assert!(is_written, "there is room for it");
        for _ in 0..9 {
            advance(NEW / 10).await;
            let (shared, is_written) = scrape(&mut texts).await;
            assert!(!is_written && same(&shared, &second));
        }
        assert!(is_whole(&first).await);
        advance(NEW / 10).await;
        let (third, is_written) = scrape(&mut texts).await;
        assert!(is_written && !is_whole(&first).await, "its time is over");
        assert!(is_whole(&second).await && is_whole(&third).await);
        assert_eq!(texts.0.len(), MOST);
        let (shared, is_written) = scrape(&mut texts).await;
        assert!(!is_written && same(&shared, &third));
    }
}
