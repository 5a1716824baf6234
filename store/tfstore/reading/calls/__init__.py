"""Model calls for whoever passes them on: what went over the wire for each, what each was given, and what it cost."""
