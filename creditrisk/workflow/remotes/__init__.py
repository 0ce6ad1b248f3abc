"""DVC remotes: what is missing, and whether they respond."""
