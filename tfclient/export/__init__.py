"""What leaves the store: sessions as bundles, cassettes, and rows of data."""
