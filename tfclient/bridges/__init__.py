"""What frameworks tell of their own runs, beside the traffic: one module a way of telling. None needs its framework."""
