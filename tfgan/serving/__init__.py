"""What exported models answer: one file for those that draw from latents, one for translation."""
