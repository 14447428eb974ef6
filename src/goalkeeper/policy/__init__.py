"""The rules of a rating as data: the taxonomy of attacks, and the policy that rates them."""

from goalkeeper.policy._needs import protection_need
from goalkeeper.policy._policy import NOTE, Assignment, Policy, default_policy
from goalkeeper.policy._rating import Rating
from goalkeeper.policy._taxonomy import Family, Variant

__all__ = [
    "NOTE",
    "Assignment",
    "Family",
    "Policy",
    "Rating",
    "Variant",
    "default_policy",
    "protection_need",
]
