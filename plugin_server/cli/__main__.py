"""`python -m plugin_server.cli`: the same as `tangga`."""

from plugin_server.cli import main

main()
