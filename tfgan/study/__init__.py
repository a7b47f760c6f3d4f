"""What `python -m tfgan.latent_study` is made of."""
