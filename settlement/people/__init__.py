"""What persons have done for them: filings, matters, `/my`, messages, their data. Pure: no I/O."""
