"""What customers get beside campaigns: points, benefits, friends, teams; and codes in the wrong hands."""
