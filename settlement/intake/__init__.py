"""Files that an agency hands over: read, checked row by row, and compared with what is known."""
