"""Mail as the core sees it: what it says, how it is rendered for many, and which states a message goes through."""
