"""What is seen of a call, at two places in the client, and how it is written down."""
