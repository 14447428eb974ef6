"""Treatment of breast cancer: real measurements of tumours, invented patients."""
