"""The configuration: its schema, how it is read, the documents made from it."""
