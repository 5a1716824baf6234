"""What goes over WebSockets: where the SDK opens them, and what passes there, to the journal."""
