"""How the package is built, read from its source."""

import ast
import graphlib
import re
from pathlib import Path

import tfgan

PACKAGE = Path(tfgan.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
# What writes files half, if the disk is full or the process is killed: `tfgan.files` does it whole.
WRITERS = {
    *("json.dump", "csv.writer", "csv.DictWriter"),
    *("os.fsync", "os.replace", "os.renames", "shutil.move"),
    *("tempfile.mkstemp", "tempfile.mkdtemp", "tempfile.NamedTemporaryFile"),
}


def calls_in(file):
    """All calls in a file's source: `(line, name, node)`, the name as it was imported."""
    tree = ast.parse(file.read_text("utf-8"))
    full_names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full_names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full_names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            yield node.lineno, full_names.get(first, first) + dot + rest, node


def mode_of(call, position):
    """The mode of a call of `open`, which has it as that argument, or by its name."""
    given = [each.value for each in call.keywords if each.arg == "mode"]
    given += call.args[position : position + 1]
    return ast.unparse(given[0]).strip("'\"") if given else "r"


def writes_itself(name, call):
    """Whether a call writes a text, JSON or CSV, or replaces a file by another."""
    method = name.rpartition(".")[2]
    if name in ("open", "io.open"):
        mode = mode_of(call, position=1)
    elif method == "open":
        # `Path.open`, or of an archive, an image or a browser, whose first argument is no mode.
        mode = mode_of(call, position=0)
    else:
        is_method = "." in name and not name.startswith("tfgan.")
        return name in WRITERS or (is_method and method == "write_text")
    return set(mode) <= set("rwaxbt+") and bool(set(mode) & set("wax+")) and "b" not in mode


def offences(package):
    return [
        f"{file.relative_to(package)}:{line} {name}"
        for file in sorted(package.rglob("*.py"))
        if file != package / "files.py"
        for line, name, call in calls_in(file)
        if writes_itself(name, call)
    ]


def test_files_are_written_by_one_module():
    assert offences(PACKAGE) == []


def test_what_writes_otherwise_is_found(tmp_path):
    (tmp_path / "module.py").write_text(
        "import csv as table, io, json, os\n"
        "from json import dump as put\n"
        "from pathlib import Path\n"
        "from tempfile import mkdtemp\n"
        "from tfgan.files import write_text\n"
        "path = Path('a')\n"
        "write_text(path, json.dumps({}))\n"
        "open(path), open(path, 'rb'), open(path, 'wb'), path.open('rb'), Image.open(path)\n"
        "put({}, path)\n"
        "json.dump({}, path)\n"
        "table.DictWriter(path, [])\n"
        "path.write_text('')\n"
        "(path / 'b').write_text('')\n"
        "open(path, 'w')\n"
        "open(path, mode='a')\n"
        "io.open(path, 'x')\n"
        "path.open('r+')\n"
        "os.replace(path, path)\n"
        "mkdtemp()\n"
    )
    found = [int(offence.split(" ")[0].partition(":")[2]) for offence in offences(tmp_path)]
    assert sorted(found) == list(range(9, 20))


COMMANDS = ("train", "generate", "evaluate", "explore", "convert", "latent_study")
MOST_FILES_AT_THE_ROOT = 20


def module_of(file):
    """The dotted name under which a file of the package is imported."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in PACKAGE.rglob("*.py")}


def room_of(module):
    """The folder that a module is in; at the root, the module itself."""
    parts = module.split(".")
    in_folder = len(parts) > 2 or MODULES[module].name == "__init__.py"
    return f"{parts[1]}/" if in_folder and len(parts) > 1 else parts[-1]


def imports_of(file):
    """The package's modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [
                name if (name := f"{node.module}.{alias.name}") in MODULES else node.module
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in names if name in MODULES and name != "tfgan")


def arrows():
    """From which room to which one something is imported: a dict of sets of rooms."""
    found = {}
    for module, file in MODULES.items():
        rooms = {room_of(name) for name in imports_of(file)} - {room_of(module)}
        found.setdefault(room_of(module), set()).update(rooms)
    return found


def test_the_root_has_the_commands_the_mathematics_and_a_few_tools():
    assert len([*PACKAGE.glob("*.py")]) <= MOST_FILES_AT_THE_ROOT
    assert all((PACKAGE / f"{command}.py").is_file() for command in COMMANDS)


def test_arrows_between_rooms_go_one_way():
    # Raises a CycleError that names the rooms.
    floors = [*graphlib.TopologicalSorter(arrows()).static_order()]
    assert floors.index("models/") < floors.index("training/") < floors.index("train")


def test_the_page_has_every_room_below_those_that_it_imports_from():
    rows = re.findall(r"^\| (`[^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    lines = {
        room.removesuffix(".py"): line
        for line, row in enumerate(rows)
        for room in re.findall(r"`([^`]+)`", row)
    }
    # What lists public names and commands is in no line.
    found = {room: others for room, others in arrows().items() if room not in ("tfgan", "__main__")}
    assert lines.keys() == found.keys()
    wrong = [
        f"{room} imports {other}"
        for room, others in found.items()
        for other in others
        if lines[other] > lines[room]
    ]
    assert wrong == []


def test_nothing_imports_a_command():
    commands = {f"tfgan.{command}" for command in COMMANDS}
    importers = [
        f"{module} imports {name}"
        for module, file in MODULES.items()
        for name in imports_of(file)
        if name in commands
    ]
    assert importers == []


def test_a_familys_name_stands_in_its_own_rooms_alone():
    from tfgan.families import FAMILIES

    names = {*FAMILIES, *(type(family()).__name__ for family in FAMILIES.values())}
    found = []
    for module, file in MODULES.items():
        # The package's own list of what is public.
        if room_of(module) in ("models/", "families/", "tfgan"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            is_name = isinstance(node, (ast.Name, ast.Attribute, ast.alias)) and names & {
                getattr(node, "id", None),
                getattr(node, "attr", None),
                getattr(node, "name", None),
            }
            is_text = isinstance(node, ast.Constant) and node.value in names
            if is_name or is_text:
                found.append(f"{module}:{node.lineno}")
    assert found == []


def test_what_argparse_parsed_stays_in_the_commands():
    found = []
    for module, file in MODULES.items():
        if room_of(module) in ("cli/", *COMMANDS, "__main__"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.arg) and node.arg == "arguments":
                found.append(f"{module}:{node.lineno} takes arguments")
            if isinstance(node, (ast.Import, ast.ImportFrom)) and "argparse" in ast.unparse(node):
                found.append(f"{module}:{node.lineno} imports argparse")
    assert found == []
