"""What the sample generators of several sources share: published totals, states, deaths, the shape of seizures."""
