"""Attacks that change inputs, one file each; `_driver` runs them all.

The algorithms are also plain functions, for experiments and for adversarial training: `pgd` and
`apgd` follow gradients, `hop_skip_jump` asks for labels, `one_pixel` and `square` for scores.
"""

from goalkeeper.attacks.evasion._perturbed import Perturbed
from goalkeeper.attacks.evasion.apgd import apgd
from goalkeeper.attacks.evasion.hop_skip_jump import hop_skip_jump
from goalkeeper.attacks.evasion.one_pixel import one_pixel
from goalkeeper.attacks.evasion.pgd import pgd
from goalkeeper.attacks.evasion.square import square

__all__ = ["Perturbed", "apgd", "hop_skip_jump", "one_pixel", "pgd", "square"]
