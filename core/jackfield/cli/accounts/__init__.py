"""The commands about who may use the host: users and tokens."""
