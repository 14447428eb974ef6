"""Security games: the framework asks, the attack answers, the framework marks."""
