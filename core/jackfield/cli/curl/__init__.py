"""The command `import-curl`: reads a curl command, and writes the step that sends the same."""
