"""What finance hands out and takes in beside the settle path: files, their layout, their writing.

What stands in them is computed at the package's root, read in settlement/storage; here it becomes
bytes.
"""
