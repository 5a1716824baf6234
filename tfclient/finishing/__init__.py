"""From the journal to files, in the background: documents, diagrams, archives; also for what a dead process left."""
