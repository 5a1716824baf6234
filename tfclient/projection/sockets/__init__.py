"""What went over sockets: connections, and conversations that have no requests and responses of their own."""
