"""What ``tfclient export`` does: files in the forms of other tools, and spans to an endpoint."""
