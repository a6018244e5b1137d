"""The API for programs of the business."""
