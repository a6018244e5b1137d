"""The loyalty ladder as values: which facts there are, what a rule means, how it reads, which rungs there are."""
