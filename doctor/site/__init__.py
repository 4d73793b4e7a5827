"""The static site: the matrix, the docs, and `doctor explain` in the browser. Its modules need the extra `[site]`, but for `explained`."""
