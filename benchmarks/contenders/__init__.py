"""One training step of the same two networks as different people write it, a module a way.

Every contender has the same layers, loss, optimizers and images (`networks`, `task`). Its
function named below takes the batch size and returns `run`: `run(steps)` takes that many steps
and returns when the last of them is done.
"""

# By name, `module.function`. No module is imported here: a contender's process imports its own.
CONTENDERS = {
    "library": "library.build",
    "library-bf16": "library.build_bfloat16",
    "tutorial": "tutorial.build",
    "keras-io": "keras_io.build",
    "pytorch": "pytorch.build",
    "pytorch-shared": "pytorch.build_shared",
}

# Not a contender, but measured like one.
PEAK = "peak.build"
