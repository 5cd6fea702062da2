"""The pages: what an operator sees in the browser. Each module is one page, or a few that belong together."""
