"""What customers get: rewards, credit, membership, points, team prices; and codes taken back from strangers."""
