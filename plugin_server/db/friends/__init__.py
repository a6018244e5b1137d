"""Friends and teams: who came by whose link, who shares a deal, and what both get."""
