"""README.md and docs: what they link to and name is there, and their commands are understood."""

import importlib
import pkgutil
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from tfgan.__main__ import COMMANDS
from tfgan.families import FAMILIES
from tfgan.families.networks import NETWORKS

ROOT = Path(__file__).parents[1]
PAGES = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# An indented block stands behind an empty line.
INDENTED = re.compile(r"(?<=\n\n)((?:    .*\n?|\n(?=    ))+)")
# Of benchmarks.
OTHERS = {"--contenders", "--recipe", "--rounds", "--calls"}

FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")

each_page = pytest.mark.parametrize("page", PAGES)


def blocks_of(text):
    """The code blocks of a page, fenced or indented."""
    return [*FENCED.findall(text), *INDENTED.findall(FENCED.sub("", text))]


def inline_of(text):
    """What stands in backticks in a page's prose, in one line each."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", FENCED.sub("", text))]


def anchors_of(text):
    """What a link may have behind the # for a page's headings, as GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(text):
    """Where a page's links and images lead, other than to the network."""
    prose = re.sub(r"`[^`]*`", "", INDENTED.sub("", FENCED.sub("", text)))
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [target for target in targets if not re.match(r"\w+:", target)]


def is_there(page, target):
    """Whether a link of a page leads to a file, and to a heading in it if it names one."""
    path, _, anchor = unquote(target).partition("#")
    file = (ROOT / page).parent / path if path else ROOT / page
    return file.exists() and (not anchor or anchor in anchors_of(file.read_text(encoding="utf-8")))


def paths_in(text):
    """Files and folders of the repository that a page names."""
    folders = "tfgan|tests|benchmarks|examples|notebooks|docs"
    return {path.rstrip(".") for path in re.findall(rf"(?<![\w./])(?:{folders})/[\w./]*", text)}


def names_in(text):
    """Dotted names of the package that a page uses."""
    return {*re.findall(r"(?<![\w./-])tfgan(?:\.[A-Za-z_]\w*)+", text)}


def is_defined(name):
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def commands_of(text):
    """The commands in a page's code blocks, each as a list of words."""
    lines = "\n".join(blocks_of(text)).replace("\\\n", " ").splitlines()
    commands = [
        shlex.split(found[0], comments=True)
        for line in lines
        if (found := re.search(r"python -m (?:tfgan|benchmarks)\.\w+.*", line))
    ]
    # Three dots stand for whatever else.
    return [words for words in commands if "..." not in words]


def flags_in(text):
    """The flags that a page has in its prose; those of other programs have underscores."""
    return {flag for code in inline_of(text) for flag in FLAG.findall(code) if "_" not in flag}


def parser_of(module):
    """What parses the command line of a module."""
    return importlib.import_module(module).parse


def help_of(capsys, command, *flags):
    """What `--help` of a command prints."""
    with pytest.raises(SystemExit):
        parser_of(f"tfgan.{command}")([*flags, "--help"])
    return capsys.readouterr().out


@each_page
def test_links_lead_somewhere(page):
    assert [target for target in links_of(PAGES[page]) if not is_there(page, target)] == []


@each_page
def test_files_that_are_named_are_there(page):
    # NAME stands for any.
    found = {path: [*ROOT.glob(path.replace("NAME", "*"))] for path in paths_in(PAGES[page])}
    assert [path for path, files in found.items() if not files] == []


@each_page
def test_names_of_the_package_are_defined(page):
    assert [name for name in sorted(names_in(PAGES[page])) if not is_defined(name)] == []


@each_page
def test_commands_are_understood(page, capsys):
    for words in commands_of(PAGES[page]):
        module, arguments = words[2], words[3:]
        try:
            parser_of(module)(arguments)
        except SystemExit as exit:
            error = capsys.readouterr().err
            assert exit.code == 0, f"{shlex.join(words)}: {error}"


def test_flags_in_prose_are_those_of_a_command(capsys):
    helps = [help_of(capsys, command) for command in COMMANDS]
    helps += [help_of(capsys, "train", "--model", model) for model in FAMILIES]
    helps += [help_of(capsys, "train", "--networks", networks) for networks in NETWORKS]
    known = {*FLAG.findall("\n".join(helps)), *OTHERS}
    for page, text in PAGES.items():
        assert flags_in(text) - known == set(), page


WRONG = """\
# A heading, of `code`

[`a`](#a-heading-of-code) [b](#b) [c](docs/none.md) [d](https://example.com) `e[0](f)`
`tfgan.GAN.train_step`, `tfgan.GAN.untrain_step`, tfgan.none. In tfgan/models/gan.py.

    python -m tfgan.train --a \\
        --b  # c

or `python -m tfgan.train
--d`, not --e, `--f_g`

```bash
python -m benchmarks.quality ...
python -m tfgan.generate --h
```
"""


def test_what_is_wrong_is_found():
    assert links_of(WRONG) == ["#a-heading-of-code", "#b", "docs/none.md"]
    assert anchors_of(WRONG) == {"a-heading-of-code"}
    assert is_there("README.md", "docs/gan.md#the-step")
    assert is_there("docs/gan.md", "#the-step") and not is_there("README.md", "#the-step")
    assert not is_there("README.md", "docs/none.md")
    assert paths_in(WRONG) == {"docs/none.md", "tfgan/models/gan.py"}
    assert names_in(WRONG) >= {"tfgan.GAN.train_step", "tfgan.GAN.untrain_step", "tfgan.none"}
    assert is_defined("tfgan.GAN.train_step") and not is_defined("tfgan.GAN.untrain_step")
    assert not is_defined("tfgan.none")
    assert [words[2:] for words in commands_of(WRONG)] == [
        ["tfgan.generate", "--h"],
        ["tfgan.train", "--a", "--b"],
    ]
    assert flags_in(WRONG) == {"--d"}
