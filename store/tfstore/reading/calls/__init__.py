"""Model calls for whoever passes them on: what each was given, and what it cost."""
