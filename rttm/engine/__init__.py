"""The bundled DynECT-compatible RTTM service: its own app, process and database."""
