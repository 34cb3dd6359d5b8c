"""How good a model's vectors are on one's own catalog: the measures, free of any service; numpy only."""
