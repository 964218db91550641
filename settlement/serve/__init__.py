"""The processes of one server: the supervisor, its children, and what each of them runs."""
