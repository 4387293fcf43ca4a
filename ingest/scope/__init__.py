"""Which reports are asked for: chest radiographs and chest CT, and what a condition over the columns says."""
