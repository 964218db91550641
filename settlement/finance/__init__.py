"""Acts of finance staff: what runs beside the server, as the schema's owner, one act at a time."""
