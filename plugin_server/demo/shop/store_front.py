"""The shop window."""
from __future__ import annotations
from flask import Blueprint
store_front = Blueprint("store_front", __name__, template_folder="templates")
