"""How the weights of the ranking are fitted, and what the packs hold for issues whose change is known."""
