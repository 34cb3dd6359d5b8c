"""The routes and bodies of the CLIP-score service."""
