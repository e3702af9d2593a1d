"""How models are judged beside baselines on held-out acquisitions."""
