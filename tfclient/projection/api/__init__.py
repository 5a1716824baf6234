"""What the API's requests and answers mean: Responses, Chat Completions, item types."""
