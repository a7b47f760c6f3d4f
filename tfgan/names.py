"""The names that flags and arguments choose by. Nothing is imported for them."""

PRECISIONS = ("auto", "float32", "bfloat16")
