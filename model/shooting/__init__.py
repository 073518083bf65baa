"""Shooting models: networks whose only parameters are initial conditions of an ensemble of particles.

Source of every equation in this package: F.-X. Vialard, R. Kwitt, S. Wei, M. Niethammer, "A Shooting Formulation of
Deep Learning", NeurIPS 2020 (arXiv 2006.10330).
"""
