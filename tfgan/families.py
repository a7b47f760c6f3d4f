"""What each family of models and kind of networks takes of the flags of `tfgan.train`."""

# What a family takes besides the flags of all, and its defaults.
_FROM_LATENTS = {"networks": "convolutional", "latent_dim": 100, "learning_rate": 1e-3}
_ADVERSARIAL = _FROM_LATENTS | {
    "loss": "non_saturating",
    "discriminator_steps": 1,
    "r1_gamma": None,
    "r2_gamma": 0.0,
    "gradient_penalty": 0.0,
    "penalty_interval": 16,
    "augment": (),
    "constant_steps": 3000,
    "batch_size": 16,
    "beta_1": 0.0,
    "beta_2": 0.99,
}
_TRANSLATION = {
    "jitter": False,
    "decay_steps": None,
    "batch_size": 16,
    "learning_rate": 2e-4,
    "beta_1": 0.5,
    "beta_2": 0.999,
}
FAMILIES = {
    "gan": _ADVERSARIAL,
    "cgan": _ADVERSARIAL | {"condition": "label", "conditioning": "projection"},
    "vae": _FROM_LATENTS
    | {
        "likelihood": "bernoulli",
        "beta": 1.0,
        "batch_size": 64,
        "beta_1": 0.9,
        "beta_2": 0.999,
    },
    "pix2pix": _TRANSLATION
    | {
        "task": None,
        "scale": None,
        "direction": None,
        "depth": None,
        "loss": "non_saturating",
        "l1_weight": 100.0,
    },
    "cyclegan": _TRANSLATION
    | {
        "domain_a": None,
        "domain_b": None,
        "cycle_weight": 10.0,
        "identity_weight": None,
        "batch_size": 4,
    },
}
# Named here too, because what makes the pairs needs TensorFlow.
TASKS = ("inpaint", "colorize", "super_resolution", "edges", "denoise", "style")
# The same of the kinds of networks. None leaves the choice to the functions that build them.
NETWORKS = {
    "convolutional": {
        "depth": None,
        "output_kernel_size": None,
        "normalization": "none",
        "kernel_size": None,
        "stride": None,
        "activation": None,
    },
    "dense": {},
    "recurrent": {},
}


def require_used(arguments, parser):
    """Refuses flags that the chosen family and networks do not use; sets those left out."""
    used = FAMILIES[arguments.model]
    chosen = dict.fromkeys(set().union(*FAMILIES.values()), f"--model {arguments.model}")
    if "networks" in used:
        networks = getattr(arguments, "networks", used["networks"])
        used = used | NETWORKS[networks]
        names = set().union(*NETWORKS.values())
        chosen |= dict.fromkeys(names, f"--networks {networks}")
    else:
        chosen |= dict.fromkeys(set().union(*NETWORKS.values()), chosen["networks"])
    for name in sorted(chosen.keys() & vars(arguments).keys() - used.keys()):
        parser.error(f"--{name.replace('_', '-')} is not used by {chosen[name]}")
    for name, default in used.items():
        vars(arguments).setdefault(name, default)


def require_pictures(arguments, parser):
    """Refuses flags that do not tell what an image-to-image family is to learn from."""
    if arguments.model == "pix2pix":
        if arguments.task is None and arguments.dataset == "digits":
            parser.error(
                "--model pix2pix needs a --task, or --dataset with a folder of pairs A|B. Tasks: "
                f"{', '.join(TASKS)}"
            )
        if arguments.task is None:
            arguments.direction = arguments.direction or "AtoB"
        elif arguments.direction is not None:
            parser.error("--direction is for a folder of pairs A|B, without --task")
        if arguments.scale is not None and arguments.task != "super_resolution":
            parser.error("--scale is for --task super_resolution")
    if arguments.model == "cyclegan":
        domains = [arguments.domain_a, arguments.domain_b]
        if domains.count(None) == 1:
            parser.error("--domain-a and --domain-b go together")
        if None in domains and arguments.dataset == "digits":
            parser.error(
                "--model cyclegan needs --domain-a and --domain-b, or --dataset with a folder that "
                "has trainA and trainB"
            )
        if None not in domains and arguments.dataset != "digits":
            parser.error(
                "--dataset is not used beside --domain-a and --domain-b. "
                f"Received: {arguments.dataset!r}"
            )
