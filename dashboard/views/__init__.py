"""Function views, one file per noun: parse, ask a service, choose the partial."""
