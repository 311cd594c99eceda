"""A stand-in for the server: it speaks the feed, and misbehaves on demand in ways that a real one does not."""
