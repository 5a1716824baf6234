"""Live sessions and translations: speech goes both ways at once, and nobody says where a turn ends."""
