"""The pictures that rows name: how names are found in cells, cleaned, and checked by a dry run."""
