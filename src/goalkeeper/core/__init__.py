"""The words of the field as types: goals, power, data, application, access, evidence."""
