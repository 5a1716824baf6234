"""A team's store: sessions of many machines in one PostgreSQL database, a projection that can be made again."""
