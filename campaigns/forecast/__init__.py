"""What customers will do next, from when and how often they bought: orders and spend, each with its uncertainty."""
