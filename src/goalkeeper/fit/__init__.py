"""The rule of fit: the model that is assessed is the user's model, or the run says so."""

from goalkeeper.fit.measuring import contradiction_of, measure_fit

__all__ = ["contradiction_of", "measure_fit"]
