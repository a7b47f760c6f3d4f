"""The explorer: a page that draws with a model while its latents are moved.

The page computes latents and asks for their pictures; the server has the model and no state.
"""
