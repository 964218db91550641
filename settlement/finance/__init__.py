"""Finance: acts of the agency's bookkeepers, with their reading and writing. What they decide is in
pure modules at the root of `settlement/`; the statements are in `settlement/storage/`."""
