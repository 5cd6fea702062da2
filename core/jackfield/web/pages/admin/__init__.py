"""The pages about the host: health, plugins, secrets, users, tokens and the audit log."""
