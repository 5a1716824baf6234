"""What went over sockets, given to its program again: without a socket."""
