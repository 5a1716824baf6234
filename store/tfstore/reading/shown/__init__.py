"""What one needs beside a session's document to show it, as JSON: what the page draws."""
