"""The tutorial notebooks: stored as a reader should find them, and every cell still runs."""

import ast
import pkgutil
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|tmp|var|private|mnt|opt)/|[A-Z]:\\")
MAX_BYTES = 1_500_000
SECONDS_PER_CELL = 300

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def outputs_of(notebook):
    return [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]


def text_of(output):
    if output.output_type == "stream":
        return output.text
    return "\n".join(
        str(content) for kind, content in output.data.items() if kind.startswith("text/")
    )


def test_there_are_notebooks():
    assert NOTEBOOKS


@each_notebook
def test_is_a_valid_python_notebook(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert notebook.metadata.kernelspec.name == "python3"
    assert path.stat().st_size < MAX_BYTES


@each_notebook
def test_was_run_once_from_top_to_bottom(path):
    code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


@each_notebook
def test_keeps_its_outputs_and_pictures_and_no_errors(path):
    outputs = outputs_of(nbformat.read(path, as_version=4))
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output.ename for output in outputs if output.output_type == "error"]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    # Fast mode's pictures are noise.
    assert "fast mode: False" in "\n".join(map(text_of, outputs))


@each_notebook
def test_tells_nothing_of_the_machine_that_ran_it(path):
    notebook = nbformat.read(path, as_version=4)
    texts = [cell.source for cell in notebook.cells] + list(map(text_of, outputs_of(notebook)))
    assert not [text for text in texts if MACHINE_PATH.search(text)]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    # Times of execution differ at every run.
    assert not any("execution" in cell.metadata for cell in notebook.cells)


@each_notebook
def test_imports_what_the_package_has(path):
    code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    lines = [re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE) for source in code]
    imported = [
        f"{node.module}.{alias.name}"
        for source in lines
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "tfgan"
        for alias in node.names
    ]
    assert "tfgan.startup.start_tensorflow" in imported
    for name in imported:
        pkgutil.resolve_name(name)


@pytest.mark.notebook
@each_notebook
def test_runs_in_fast_mode(path, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("TFGAN_FAST", "1")
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    assert "fast mode: True" in "\n".join(map(text_of, outputs_of(notebook)))
    # A notebook writes into a folder of its own and clears it away.
    assert not list(tmp_path.iterdir())
