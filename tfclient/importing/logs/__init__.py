"""Sessions from the logs that agents write themselves: told in their words, and projected as all else."""
