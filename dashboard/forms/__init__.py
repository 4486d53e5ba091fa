"""Forms: strings to core values; they ask the core and never save. One module per noun."""
