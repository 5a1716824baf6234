"""What a session is, and where it lives."""
