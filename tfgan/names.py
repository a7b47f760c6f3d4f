"""The names that flags and arguments are chosen by, each written once. Nothing is imported here.

What a name stands for is where the mathematics is; TensorFlow takes seconds to import, and a
command's `--help` must not.
"""

ACTIVATIONS = ("leaky_relu", "relu", "elu", "tanh")
CONDITIONINGS = ("projection", "concatenation")
DIRECTIONS = ("AtoB", "BtoA")
FEATURES = ("auto", "classifier", "random", "inception", "pixels")
LIKELIHOODS = ("bernoulli", "gaussian")
LOSSES = (
    "non_saturating",
    "minimax",
    "least_squares",
    "hinge",
    "wasserstein",
    "relativistic",
)
# Of a discriminator's or encoder's layers, besides none.
NORMALIZATIONS = ("batch", "spectral")
POLICIES = ("color", "translation", "cutout")
PRECISIONS = ("auto", "float32", "bfloat16")
# By how much super-resolution enlarges.
SCALES = (2, 4)
TASKS = ("inpaint", "colorize", "super_resolution", "edges", "denoise", "style")
