"""What a session says: the one reading of documents, pure, for command, page, diagrams and models alike."""
