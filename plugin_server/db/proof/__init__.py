"""What campaigns brought about: treated against holdout, by assignment, in orders, climbs and money."""
