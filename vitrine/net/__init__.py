"""Other people's hosts: which URLs and addresses vitrine connects to, and which redirects it follows.

The rules are below everything that fetches: pictures (`workers.fetch`), catalogs (`producer`) and the API.
"""
