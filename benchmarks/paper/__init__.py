"""The experiments of the paper, each with all four parametrisations side by side."""
