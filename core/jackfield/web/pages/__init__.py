"""The pages: what an operator sees in the browser.

`site` puts the routes together; each room has the pages of one subject. They know no endpoint of the API.
"""
