"""Medical settlement: prices claims, decides who pays, books it, answers."""
