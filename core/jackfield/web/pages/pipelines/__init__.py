"""The pages about pipelines: the table of all, the page of one, and its versions."""
