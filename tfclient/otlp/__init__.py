"""Sessions as spans of OpenTelemetry, and sending them: pure from document to spans, a thin shell around it."""
