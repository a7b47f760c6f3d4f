"""How the package is built, read from its source."""

import ast
from pathlib import Path

import tfgan

PACKAGE = Path(tfgan.__file__).parent
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
