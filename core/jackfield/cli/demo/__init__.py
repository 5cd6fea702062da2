"""The command `demo`: the whole way of an event on this machine, with a destination that remembers."""
