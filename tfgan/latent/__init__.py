"""The latent space: where a generator's inputs come from."""
