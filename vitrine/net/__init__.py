"""Other people's hosts: which URLs and addresses vitrine connects to, what it sends to each, and how it reads from them.

The rules are below everything that fetches: pictures (`workers.fetch`), catalogs (`producer`) and the API.
"""
