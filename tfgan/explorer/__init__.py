"""The explorer: a page that draws with a model while its latents are moved.

The page computes latents and asks for their images, by the functions of one of two files:
`from_server.js` asks a server, which has the model and no state, and `from_file.js` asks the model
that the page itself holds.
"""
