"""`/api/v1`: what the pages do, as JSON. Each operation is a function; its signature is what the document says."""
