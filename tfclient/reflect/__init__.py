"""What is to be learnt of a session that was recorded: pure, over the documents, for command, page and models alike."""
