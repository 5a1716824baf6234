"""The steps that a call, its answer and its tools become."""
