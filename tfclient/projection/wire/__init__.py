"""What went over the wire, put together again: attempts, bodies, streams, errors."""
