"""The commands: what they accept, and one line for what they do not."""

import ast
import dataclasses
import inspect
import json
import os
import pkgutil
import re
import resource
import subprocess
import sys
import textwrap
import threading
import types
from pathlib import Path

import pytest

import tfgan
from tfgan import (
    __main__,
    convert,
    evaluate,
    families,
    generate,
    latent_study,
    names,
    startup,
    train,
)
from tfgan.cli import flags
from tfgan.cli import parser as command_line
from tfgan.cli.parser import ArgumentParser, image_size, number
from tfgan.cli.train_flags import Run
from tfgan.errors import InputError
from tfgan.families.networks import NETWORKS
from tfgan.training import loop

COMMANDS = {
    "train": train.main,
    "generate": generate.main,
    "evaluate": evaluate.main,
    "convert": convert.main,
    "latent_study": latent_study.main,
}


def refusal_of(parse, text):
    import argparse

    with pytest.raises(argparse.ArgumentTypeError) as error:
        parse(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("kind", "minimum", "exclusive", "text", "value"),
    [
        (int, 1, False, "1", 1),
        (int, 1, False, "64", 64),
        (int, 0, False, "0", 0),
        (int, 0, True, "1", 1),
        (float, 0, True, "1e-3", 1e-3),
        (float, 0, True, "0.5", 0.5),
        (float, 0, False, "0", 0.0),
        (float, 0, True, "2", 2.0),
    ],
)
def test_number_accepts(kind, minimum, exclusive, text, value):
    parsed = number(kind, minimum, exclusive)(text)
    assert (type(parsed), parsed) == (kind, value)


@pytest.mark.parametrize(
    ("kind", "minimum", "exclusive", "texts", "wanted"),
    [
        (int, 1, False, ["0", "-1", "1.5", "1e3", "x", "", "nan"], "a whole number of at least 1"),
        (int, 0, True, ["0"], "a whole number above 0"),
        (float, 0, True, ["0", "-0.1", "nan", "-inf", "x", "1,5", ""], "a number above 0"),
        (float, 2, False, ["1.99", "nan"], "a number of at least 2"),
    ],
)
def test_number_refuses(kind, minimum, exclusive, texts, wanted):
    for text in texts:
        message = refusal_of(number(kind, minimum, exclusive), text)
        assert message == f"expected {wanted}. Received: {text!r}"


def test_image_size_is_a_side_or_height_by_width():
    assert image_size("32") == (32, 32)
    assert image_size("32x48") == (32, 48)
    assert image_size("1x7") == (1, 7)


@pytest.mark.parametrize(
    "text",
    ["0", "0x8", "8x0", "-4", "x32", "32x", "32x48x3", "3.5", "32 x 48", "32X48", "32,48", "", "a"],
)
def test_image_size_refuses(text):
    message = refusal_of(image_size, text)
    assert repr(text) in message
    assert "32x48" in message


def assert_refused(command, argv, received, capsys):
    """A command answers with status 2 and one line that holds all of `received`."""
    try:
        status = COMMANDS[command](argv)
    except SystemExit as stop:
        status = stop.code
    output, errors = capsys.readouterr()
    assert status == 2
    assert output == ""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1 and errors.endswith("\n")
    for part in received:
        assert part in errors


BAD_TRAIN_FLAGS = [
    (["--loss", "hindge"], ["--loss", "'hindge'", "hinge"]),
    (["--model", "flow"], ["--model", "'flow'", "gan"]),
    (["--model", "vae", "--loss", "hinge"], ["--loss is not used by --model vae"]),
    (["--beta", "4"], ["--beta is not used by --model gan"]),
    (["--condition", "text"], ["--condition is not used by --model gan"]),
    (["--networks", "resnet"], ["--networks", "'resnet'", "dense"]),
    (["--width", "0"], ["--width", "'0'", "at least 1"]),
    (["--width", "2.5"], ["--width", "'2.5'", "whole number"]),
    (["--depth", "0"], ["--depth", "'0'"]),
    (["--depth", "2", "--networks", "dense"], ["--depth", "--networks dense"]),
    (["--networks", "dense", "--depth", "2"], ["--depth", "--networks dense"]),
    (["--networks", "recurrent", "--depth", "2"], ["--depth", "--networks recurrent"]),
    (["--latent-dim", "0"], ["--latent-dim", "'0'"]),
    (["--model", "pix2pix"], ["--task", "A|B", "inpaint"]),
    (["--model", "pix2pix", "--task", "paint"], ["--task", "'paint'", "inpaint"]),
    (["--task", "inpaint"], ["--task is not used by --model gan"]),
    (["--model", "pix2pix", "--task", "edges", "--latent-dim", "2"], ["--latent-dim", "pix2pix"]),
    (["--model", "pix2pix", "--task", "edges", "--networks", "dense"], ["--networks", "pix2pix"]),
    (["--model", "pix2pix", "--task", "edges", "--scale", "2"], ["--scale", "super_resolution"]),
    (["--model", "pix2pix", "--task", "edges", "--direction", "BtoA"], ["--direction", "A|B"]),
    (["--model", "cyclegan"], ["--domain-a", "trainA"]),
    (["--model", "cyclegan", "--depth", "2"], ["--depth is not used by --model cyclegan"]),
    (["--model", "cyclegan", "--domain-b", "digits"], ["--domain-a and --domain-b"]),
    (
        ["--model", "cyclegan", "--domain-a", "x", "--domain-b", "y", "--dataset", "mnist"],
        ["--dataset", "'mnist'", "--domain-a"],
    ),
    (
        ["--model", "pix2pix", "--task", "edges", "--decay-steps", "5", "--minutes", "1"],
        ["--decay-steps", "--steps"],
    ),
    (["--stride", "0"], ["--stride", "'0'"]),
    (["--kernel-size", "0"], ["--kernel-size", "'0'"]),
    (["--activation", "swish"], ["--activation", "'swish'", "leaky_relu"]),
    (["--networks", "dense", "--stride", "2"], ["--stride", "--networks dense"]),
    (["--image-size", "0"], ["--image-size", "'0'", "32x48"]),
    (["--image-size", "32x48x3"], ["--image-size", "'32x48x3'"]),
    (["--image-size", "-4"], ["--image-size", "'-4'"]),
    (["--epochs", "0"], ["--epochs", "'0'"]),
    (["--steps", "0"], ["--steps", "'0'"]),
    (["--steps", "1e3"], ["--steps", "'1e3'"]),
    (["--minutes", "0"], ["--minutes", "'0'", "above 0"]),
    (["--minutes", "nan"], ["--minutes", "'nan'"]),
    (["--epochs", "1", "--steps", "2"], ["--steps", "--epochs"]),
    (["--minutes", "1", "--epochs", "2"], ["--minutes", "--epochs"]),
    (["--steps", "1", "--minutes", "2"], ["--steps", "--minutes"]),
    (["--batch-size", "0"], ["--batch-size", "'0'"]),
    (["--learning-rate", "0"], ["--learning-rate", "'0'", "above 0"]),
    (["--learning-rate", "nan"], ["--learning-rate", "'nan'"]),
    (["--learning-rate", "-0.1"], ["--learning-rate", "'-0.1'"]),
    (["--seed", "-1"], ["--seed", "'-1'", "at least 0"]),
    (["--seed"], ["--seed"]),
    (["--name", "a/b"], ["--name", "'a/b'"]),
    (["--name", ".hidden"], ["--name", "'.hidden'"]),
    (["--name", "two\nlines"], ["--name", "two\\nlines"]),
    (["--name", ""], ["--name", "''"]),
    (["--checkpoint-every", "0"], ["--checkpoint-every", "'0'"]),
    (["--keep-checkpoints", "0"], ["--keep-checkpoints", "'0'"]),
    (["--skip-corrupt=1"], ["--skip-corrupt", "'1'"]),
    (["--conditional"], ["--conditional"]),
    (["--learning", "0.1"], ["--learning"]),
    (["mnist"], ["mnist"]),
]
BAD_GENERATE_FLAGS = [
    ([], ["MODEL"]),
    (["model", "other"], ["other"]),
    (["model", "--num", "0"], ["--num", "'0'", "at least 1"]),
    (["model", "--num", "1.5"], ["--num", "'1.5'"]),
    (["model", "--seed", "-1"], ["--seed", "'-1'"]),
    (["model", "--format", "gif"], ["--format", "'gif'", "png-folder"]),
    (["model", "--out", "grid.jpg"], ["--out", "'grid.jpg'", ".png", "--format grid"]),
    (["model", "--out", "grid"], ["--out", "'grid'", ".png"]),
    (["model", "--format", "npz", "--out", "a.png"], ["--out", "'a.png'", ".npz", "npz"]),
    (["model", "--number", "3"], ["--number"]),
    (["model", "--truncation", "0"], ["--truncation", "'0'", "above 0 and at most 1"]),
    (["model", "--truncation", "1.1"], ["--truncation", "'1.1'", "at most 1"]),
    (["model", "--keep-fraction", "0"], ["--keep-fraction", "'0'", "above 0 and at most 1"]),
    (["model", "--max-risk", "40"], ["--max-risk", "'40'", "at most 1"]),
    (["model", "--max-risk", "0.4", "--keep-fraction", "0.5"], ["--max-risk", "--keep-fraction"]),
    (["model", "--dataset", "digits"], ["--dataset", "--keep-fraction or --max-risk"]),
    (["model", "--truncation", "0.5", "--data-dir", "x"], ["--data-dir", "--max-risk"]),
    (["model", "--truncation", "0.5", "--interpolate", "3"], ["--truncation", "--interpolate"]),
    (["model", "--max-risk", "0.4", "--latents", "a.npy"], ["--max-risk", "--latents"]),
    (["model", "--max-risk", "0.4", "--seed", str(2**62)], ["--max-risk", "2**61", str(2**62)]),
    (["http://h/v1/models/m", "--max-risk", "0.4"], ["--max-risk", "SavedModel's folder"]),
    (["model", "--input", "a.png", "--max-risk", "0.4"], ["--max-risk", "--input"]),
]


BAD_CONVERT_FLAGS = [
    ([], ["MODEL", "--format"]),
    (["model"], ["--format"]),
    (["model", "--format", "tfjs"], ["--format", "'tfjs'", "litert"]),
    (["model", "--format", "onnx", "--quantize", "int8"], ["--quantize", "'int8'", "float16"]),
    (["model", "--format", "keras", "--quantize", "float16"], ["--quantize", "--format keras"]),
    (["model", "--format", "litert", "--out", "a.onnx"], ["--out", "'a.onnx'", ".tflite"]),
    (["model", "--format", "onnx", "--out", "onnx"], ["--out", "'onnx'", ".onnx"]),
]


BAD_EVALUATE_FLAGS = [
    ([], ["MODEL", "--images", "--compare"]),
    (["model"], ["--dataset", "--reference"]),
    (["model", "--images", "a.npz", "--dataset", "digits"], ["MODEL", "--images"]),
    (["--compare", "a", "--dataset", "digits"], ["--compare"]),
    (["model", "--dataset", "digits", "--reference", "a.npz"], ["--dataset", "--reference"]),
    (["model", "--reference", "a.npz", "--split", "train"], ["--split", "--reference"]),
    (["model", "--reference", "a.npz", "--image-size", "8"], ["--image-size", "--reference"]),
    (["model", "--dataset", "digits", "--features", "clip"], ["--features", "'clip'", "inception"]),
    (["model", "--dataset", "digits", "--num", "39"], ["--num", "'39'", "at least 40"]),
    (["no/such/model", "--dataset", "digits"], ["no/such/model", "SavedModel"]),
    (["--images", "none.npz", "--dataset", "digits"], ["none.npz"]),
    (
        ["--images", "a.npz", "--dataset", "digits", "--keep-fraction", "0.5"],
        ["--keep-fraction", "SavedModel's folder"],
    ),
    (
        ["--compare", "a", "b", "--dataset", "digits", "--truncation", "0.5"],
        ["--truncation", "SavedModel's folder"],
    ),
    (
        ["http://h/v1/models/m", "--dataset", "digits", "--max-risk", "0.5"],
        ["--max-risk", "SavedModel's folder"],
    ),
]


@pytest.mark.parametrize(("argv", "received"), BAD_TRAIN_FLAGS, ids=str)
def test_train_refuses(argv, received, capsys):
    assert_refused("train", argv, received, capsys)


@pytest.mark.parametrize(("argv", "received"), BAD_GENERATE_FLAGS, ids=str)
def test_generate_refuses(argv, received, capsys):
    assert_refused("generate", argv, received, capsys)


@pytest.mark.parametrize(("argv", "received"), BAD_EVALUATE_FLAGS, ids=str)
def test_evaluate_refuses(argv, received, capsys):
    assert_refused("evaluate", argv, received, capsys)


@pytest.mark.parametrize(("argv", "received"), BAD_CONVERT_FLAGS, ids=str)
def test_convert_refuses(argv, received, capsys):
    assert_refused("convert", argv, received, capsys)


@pytest.mark.parametrize(
    ("parse", "argv"),
    [
        # keras.utils.set_random_seed takes 32 bits.
        (train.parse, ["--seed", str(2**32)]),
        (train.parse, ["--learning-rate", "inf"]),
        (train.parse, ["--minutes", "inf"]),
        # Seeds of images are int64.
        (generate.parse, ["model", "--seed", str(2**63)]),
        (generate.parse, ["model", "--seed", str(2**63 - 1), "--num", "2"]),
        (evaluate.parse, ["model", "--dataset", "mnist", "--seed", str(2**32)]),
    ],
    ids=lambda value: value.__module__ if callable(value) else " ".join(value),
)
def test_numbers_that_are_too_large_are_refused(parse, argv, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(argv)
    assert stop.value.code == 2
    assert argv[-1] in capsys.readouterr().err.partition("error: ")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_version(command, capsys):
    with pytest.raises(SystemExit) as stop:
        COMMANDS[command](["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"tfgan {tfgan.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_every_flag_its_default_and_examples(command, capsys):
    with pytest.raises(SystemExit) as stop:
        COMMANDS[command](["--help"])
    assert stop.value.code == 0
    output = capsys.readouterr().out
    assert f"python -m tfgan.{command}" in output.partition("examples:")[2]
    expected = {
        # What each family has besides is tested below.
        "train": "--dataset --data-dir --image-size --skip-corrupt --model --preset --epochs "
        "--steps --minutes --precision --seed --out --name --export-dir --checkpoint-every "
        "--keep-checkpoints --measure --dry-run --json --fresh --continue-anyway",
        "generate": "--num --seed --label --text --format --truncation --keep-fraction --max-risk "
        "--dataset --data-dir --out",
        "evaluate": "--images --compare --dataset --reference --split --data-dir --image-size "
        "--num --features --seed --truncation --keep-fraction --max-risk --out",
        "convert": "--format --quantize --out",
        "latent_study": "--dataset --data-dir --sizes --ablation --minutes --steps --seeds --train "
        "--out",
    }[command]
    for flag in expected.split():
        assert f"\n  {flag}" in output, flag
    arguments = {
        "train": flags.values_of(train.parse([])[0]) | flags.values_of(train.parse([])[1]),
        "generate": vars(generate.parse(["model"])),
        "evaluate": vars(evaluate.parse(["model", "--dataset", "digits"])),
        # Its only flag of these, --format, has no default.
        "convert": {},
        # None of these.
        "latent_study": {},
    }[command]
    # Help says what the parser does where a flag is left out.
    for name in ("latent_dim", "batch_size", "learning_rate", "seed", "num", "format"):
        if name in arguments and arguments[name] is not None:
            _, _, entry = output.partition(f"\n  --{name.replace('_', '-')} ")
            entry = " ".join(entry.partition("\n  -")[0].split())
            assert f"(default: {arguments[name]}" in entry


def test_no_module_imports_a_command():
    package, commands = Path(tfgan.__file__).parent, {*__main__.COMMANDS}
    assert {f"{name}.py" for name in commands} <= {path.name for path in package.iterdir()}
    modules = [path for path in package.rglob("*.py") if path.name != "__main__.py"]
    imported = []
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            # The first two parts of a name, such as tfgan.data.
            imported += [(path.name, *name.split(".")[:2]) for name in names if "." in name]
    assert len(imported) > 100
    assert not [each for each in imported if each[1] == "tfgan" and each[2] in commands]


def test_help_and_bad_flags_answer_at_once_without_tensorflow():
    script = """
        import sys, tfgan
        from tfgan import convert, evaluate, generate, latent_study, train

        for command in (train, generate, evaluate, convert, latent_study):
            for argv in (["--help"], ["--no-such-flag"], ["--version"]):
                try:
                    command.main(argv)
                except SystemExit as stop:
                    assert stop.code == (2 if argv == ["--no-such-flag"] else 0)
        assert generate.main(["no/such/model"]) == 2
        assert evaluate.main(["no/such/model", "--dataset", "digits"]) == 2
        assert convert.main(["no/such/model", "--format", "onnx"]) == 2
        heavy = {"tensorflow", "keras", "sklearn", "matplotlib", "tensorflow_datasets"}
        print("imported:", sorted(heavy & set(sys.modules)))
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.endswith("imported: []\n")
    assert done.stderr.count("\n") == 8
    # Seconds of the processor: those on the clock depend on what else it does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


def owners():
    """What the flags of each family and kind of networks become arguments of."""
    from tfgan import models, networks
    from tfgan.optimizers import adam

    adversarial = [models.GAN, models.GAN.compile, adam]
    return {
        families.FAMILIES["gan"]: adversarial,
        families.FAMILIES["cgan"]: [*adversarial],
        families.FAMILIES["vae"]: [
            networks.convolutional_generator,
            models.VAE,
            models.VAE.compile,
        ],
        families.FAMILIES["pix2pix"]: [models.Pix2Pix, models.Pix2Pix.compile],
        families.FAMILIES["cyclegan"]: [models.CycleGAN, models.CycleGAN.compile],
        NETWORKS["convolutional"]: [
            networks.convolutional_generator,
            networks.convolutional_discriminator,
        ],
        NETWORKS["dense"]: [networks.dense_generator, networks.dense_discriminator],
        NETWORKS["recurrent"]: [networks.recurrent_generator, networks.recurrent_discriminator],
    }


# A flag that goes by another name than its argument, and values that stand for another.
OTHER_NAMES = {"gradient_penalty": "gradient_penalty_weight", "augment": "augmentation"}
STANDS_FOR = {"none": None}
# Of these, the optimizers' rates, an argument is a schedule or an object made of several flags.
NO_ARGUMENTS = {"batch_size", "learning_rate", "constant_steps", "decay_steps"}


def test_defaults_of_train_are_those_of_the_library():
    compared = set()
    for config, functions in owners().items():
        for field in dataclasses.fields(config):
            if field.name in NO_ARGUMENTS or "options" in field.metadata:
                continue
            name = OTHER_NAMES.get(field.name, field.name)
            for function in functions:
                parameter = inspect.signature(function).parameters.get(name)
                if parameter is None or parameter.default is inspect.Parameter.empty:
                    continue
                compared.add(field.name)
                # Where a flag is left out, the function's own default counts, which is shown.
                if field.default is not None:
                    default = STANDS_FOR.get(field.default, field.default)
                    assert parameter.default == default, (config, field.name)
                elif parameter.default is not None:
                    assert str(parameter.default) in field.metadata["shown"], (config, field.name)
    assert {"width", "kernel_size", "activation", "loss", "r1_gamma", "beta_1"} <= compared
    assert {"likelihood", "beta", "l1_weight", "cycle_weight", "discriminator_steps"} <= compared


def test_the_rate_of_train_is_that_of_the_library():
    from tfgan.optimizers import adam

    run, family = train.parse([])
    assert (
        family.latent_dim
        == inspect.signature(tfgan.dense_generator).parameters["latent_dim"].default
    )
    schedule = inspect.signature(adam).parameters["learning_rate"].default.get_config()
    assert schedule["learning_rate"] == family.learning_rate
    assert schedule["constant_steps"] == family.constant_steps
    assert run.seed == 0


def test_names_that_train_offers_are_those_of_the_library():
    from tfgan.augment import POLICIES
    from tfgan.data import tasks
    from tfgan.elbo import LIKELIHOODS
    from tfgan.losses import LOSSES

    assert (*LOSSES,) == names.LOSSES
    assert (*POLICIES,) == names.POLICIES
    assert (*LIKELIHOODS,) == names.LIKELIHOODS
    assert (*tasks.TASKS,) == names.TASKS


@pytest.mark.parametrize("model", families.FAMILIES)
def test_help_shows_what_a_family_uses_and_nothing_else(model, capsys):
    with pytest.raises(SystemExit):
        train.main(["--model", model, "--help"])
    shown = set(re.findall(r"^  (--[a-z0-9-]+)", capsys.readouterr().out, re.MULTILINE))
    own = {f"--{name.replace('_', '-')}" for name in flags.values_of(families.FAMILIES[model]())}
    common = {f"--{field.name.replace('_', '-')}" for field in dataclasses.fields(Run)}
    common = common - {"--command"} | {"--model", "--preset", "--version"}
    assert shown == own | common


@pytest.mark.parametrize("preset", families.PRESETS)
def test_a_preset_is_its_flags_and_gives_way_to_others(preset):
    words = [word for pair in families.PRESETS[preset].items() for word in pair]
    (run, family), (_, of_flags) = train.parse(["--preset", preset]), train.parse(words)
    assert family == of_flags and family != train.parse([])[1]
    assert run.command.endswith(f"--preset {preset}")
    _, changed = train.parse(["--preset", preset, "--batch-size", "3"])
    assert changed == dataclasses.replace(family, batch_size=3)


def test_flags_are_kept_as_data():
    argv = ["--model", "cgan", "--networks", "dense", "--width", "8", "--image-size", "8x9"]
    run, family = train.parse([*argv, "--augment", "color,cutout"])
    kept = json.loads(json.dumps(flags.values_of(run) | flags.values_of(family)))
    assert kept["networks"] == "dense" and kept["width"] == 8
    assert flags.filled(Run, kept) == run
    assert flags.filled(families.FAMILIES["cgan"], kept) == family


def test_arguments_reach_their_names():
    run, family = train.parse(
        ["--dataset", "mnist", "--image-size", "32x48", "--minutes", "1.5", "--depth", "3"]
        + ["--name", "a-b_1.2", "--fresh"]
    )
    assert (run.dataset, run.image_size) == ("mnist", (32, 48))
    assert (run.minutes, run.epochs, run.steps) == (1.5, None, None)
    assert (family.networks.depth, run.name, run.fresh) == (3, "a-b_1.2", True)


@pytest.mark.parametrize(
    ("flags", "out"),
    [
        ([], "grid.png"),
        (["--format", "png-folder"], "pictures"),
        (["--format", "npz"], "pictures.npz"),
        (["--format", "png-folder", "--out", "some.folder"], "some.folder"),
    ],
)
def test_where_generate_writes(flags, out):
    assert str(generate.parse(["model", *flags]).out) == out


@pytest.mark.parametrize(
    ("outcome", "status", "line"),
    [
        (0, 0, ""),
        (143, 143, ""),
        (InputError("no such thing"), 2, "error: no such thing\n"),
        (OSError(28, "No space left", "runs"), 1, "error: [Errno 28] No space left: 'runs'\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
    ids=repr,
)
def test_run_turns_outcomes_into_statuses(outcome, status, line, capsys):
    def command(arguments):
        assert arguments == "arguments"
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    assert command_line.run(command, "arguments") == status
    assert capsys.readouterr() == ("", line)


def test_run_leaves_a_defect_its_traceback():
    def command(arguments):
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        command_line.run(command, None)


def test_a_parser_never_guesses_an_abbreviation(capsys):
    parser = ArgumentParser(prog="example")
    parser.add_argument("--steps")
    with pytest.raises(SystemExit):
        parser.parse_args(["--step", "1"])
    assert capsys.readouterr().err.startswith("error: unrecognized arguments: --step 1")


def test_start_tensorflow_gives_standard_error_back(capfd):
    startup.start_tensorflow()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_a_command_runs_keras_on_tensorflow_whatever_it_runs_on_elsewhere():
    code = (
        "from tfgan.startup import start_tensorflow\nstart_tensorflow()\n"
        "import keras\nprint(keras.config.backend())"
    )
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")


def test_a_keras_that_is_there_on_another_backend_is_refused(monkeypatch):
    config = types.SimpleNamespace(backend=lambda: "torch")
    monkeypatch.setitem(sys.modules, "keras", types.SimpleNamespace(config=config))
    with pytest.raises(InputError, match=r"backend 'torch'\. Set KERAS_BACKEND"):
        startup.start_tensorflow()


def test_the_package_lists_its_commands(capsys):
    assert __main__.main([]) == 0
    printed = capsys.readouterr().out
    root = Path(tfgan.__file__).parent
    with_main = {file.stem for file in root.glob("*.py") if "\ndef main(" in file.read_text()}
    assert with_main - {"__main__"} == {*__main__.COMMANDS}
    for name in __main__.COMMANDS:
        (line,) = [line for line in printed.splitlines() if f" -m tfgan.{name} " in line]
        assert len(line.split()) > 6
    for words in (["train", "--steps", "1"], ["trein"], ["--steps", "1"]):
        with pytest.raises(SystemExit) as stopped:
            __main__.main(words)
        error = capsys.readouterr().err
        assert stopped.value.code == 2 and error.count("\n") == 1
        assert ("python -m tfgan.train" in error) == (words[0] == "train")


def test_what_tensorflow_notes_of_a_failed_check_does_not_stand_above_the_error():
    code = """
        import sys
        from tfgan.cli.parser import run
        from tfgan.startup import start_tensorflow

        def command(arguments):
            start_tensorflow()
            import absl.logging, tensorflow as tf
            absl.logging.warning("a note of TFDS")
            try:
                tf.function(lambda x: tf.debugging.check_numerics(x, "bad"))(tf.constant(1.0) / 0.0)
            except tf.errors.InvalidArgumentError:
                print("an error", file=sys.stderr)
            return 3

        sys.exit(run(command, None))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "an error\n")


def test_a_loop_in_a_thread_does_without_signals():
    def enter():
        with loop.stop_signals() as received:
            found.append(received)

    found = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [[]]


def test_threads_that_silence_standard_error_together_give_it_back(capfd):
    # As two requests to the explorer do, of which the first is answered first.
    first, second = startup.quiet_stderr(), startup.quiet_stderr()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    os.write(2, b"still silent\n")
    second.__exit__(None, None, None)
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


onednn_settings = pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("0", "0")])


def printed_with_onednn(given, code, **environment):
    """What a process of its own prints, its `TF_ENABLE_ONEDNN_OPTS` set to `given` or not."""
    environment = os.environ | environment
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    if given is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = given
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.split()


@onednn_settings
def test_onednn_is_chosen_before_tensorflow_is_imported(given, expected, tmp_path):
    # It decides while it is imported: here a stand-in says what it finds then.
    (tmp_path / "tensorflow.py").write_text(
        "import os, types\n"
        "print(os.environ['TF_ENABLE_ONEDNN_OPTS'])\n"
        "config = types.SimpleNamespace(list_physical_devices=lambda: [])\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(tfgan.__file__).parents[1])])
    code = "from tfgan.startup import import_tensorflow; import_tensorflow()"
    assert printed_with_onednn(given, code, PYTHONPATH=path) == [expected]


@pytest.mark.slow
@onednn_settings
def test_onednn_is_on_unless_the_environment_says_otherwise(given, expected):
    # TensorFlow decides when it is imported, so a look from before the import would not do.
    code = "import os; from tfgan.startup import import_tensorflow; import_tensorflow()"
    code += "; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    code += "; from tensorflow.python.util import _pywrap_util_port as port"
    code += "; print(int(port.IsMklEnabled()))"
    assert printed_with_onednn(given, code) == [expected, expected]


def test_cores_are_shared_out_for_small_batches_alone(monkeypatch):
    names = ("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)

    def environment_after(batch_size, **given):
        for name in names:
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        startup.share_cores(batch_size)
        return [os.environ.get(name) for name in names]

    assert environment_after(startup.SMALL_BATCH) == ["2", "4"]
    assert environment_after(startup.SMALL_BATCH + 1) == [None, None]
    assert environment_after(1, TF_NUM_INTRAOP_THREADS="3") == ["2", "3"]
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert environment_after(1) == [None, None]


def test_public_names_resolve_and_none_hides_a_submodule():
    submodules = {module.name for module in pkgutil.iter_modules(tfgan.__path__)}
    assert {"train", "losses", "networks"} <= submodules
    assert not submodules & set(tfgan.__all__)
    assert len(set(tfgan.__all__)) == len(tfgan.__all__)
    for name in tfgan.__all__:
        assert getattr(tfgan, name) is not None
        assert name in dir(tfgan)
        if name != "__version__":
            assert getattr(tfgan, name).__name__ == name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tfgan.no_such_name


def test_importing_the_package_imports_nothing_of_it():
    code = "import sys, tfgan; print(sorted(m for m in sys.modules if m.startswith('tfgan.')))"
    code += "; print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # But for what waits for Keras, which imports nothing either.
    allowed = ["tfgan.errors", "tfgan.startup", "tfgan.startup.registration"]
    assert done.stdout == f"{allowed}\n[]\n"
