"""The contract that every attack and game owes the framework, for plug-ins to run on themselves."""
