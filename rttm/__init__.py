"""The RTTM domain, usable without a browser; it never imports `dashboard`."""
