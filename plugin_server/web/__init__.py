"""The pages and doors of Tangga: one file per noun. Routes read, call one thing and answer."""
