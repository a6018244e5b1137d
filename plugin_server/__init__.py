"""The plugin server remembers, runs and serves."""
