"""The demo: real servers on loopback as nodes, and the services that probe them."""
