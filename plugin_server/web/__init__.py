"""Pages and doors of Tangga: rooms by what they serve, one file per noun. Routes read, call one thing and answer."""
