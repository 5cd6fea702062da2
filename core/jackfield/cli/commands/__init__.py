"""The commands, by subject. Each module adds its commands to the application."""
