"""Adversarial controls: scenes on which a measure that can be fooled, or a method that fools one, shows it."""
