"""The demonstration world: loaded into an empty database, shown to clients, and played as a story.

Only `settlement serve --demo` and `make run` come here. This is the one place of the product that
knows `loadtest`, whose population it loads.
"""
