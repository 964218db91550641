"""The agency's finance work: acts with I/O that move money by hand, each by two people (ADR 0040).

They run beside a server as the schema's owner, like clearing with other regions.
"""
