"""Connectors talk: foreign shops and mail providers in our own dozen words."""
