"""Forms made out of options models: what can be filled in, and how that becomes a change of the file."""
