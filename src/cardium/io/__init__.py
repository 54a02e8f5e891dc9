"""One module a file format: from a path to arrays that are read when sliced."""
