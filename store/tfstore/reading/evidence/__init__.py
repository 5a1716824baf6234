"""What a session gives as evidence: its calls with their answers, what was offered, asked for and sent. Pure."""
