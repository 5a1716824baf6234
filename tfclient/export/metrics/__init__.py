"""What a store comes to in numbers, for Prometheus."""
