"""What a session is: documents, labels, and how they look as JSON."""
