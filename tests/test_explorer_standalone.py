"""The explorer as one file: what is written, where the runtime comes from, what is refused."""

import base64
import gzip
import hashlib
import http.server
import io
import json
import re
import tarfile
import threading

import pytest
import tensorflow as tf

from tfgan import explore
from tfgan.explorer import runtime, sliders
from tfgan.explorer.page import served_page
from tfgan.export import conversion, formats

SCRIPT, BINARY = b"export default 1;", b"\0asm"


@pytest.fixture
def model_folder(exported_gan):
    return exported_gan[1]


@pytest.fixture
def runtime_folder(tmp_path):
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / runtime.SCRIPT).write_bytes(SCRIPT)
    (folder / runtime.BINARY).write_bytes(BINARY)
    return folder


def refused(flags, words, capsys):
    """Whether a command is refused by one line with these words."""
    assert explore.main([str(flag) for flag in flags]) == 2
    errors = capsys.readouterr().err
    assert words in errors and errors.count("\n") == 1 and errors.startswith("error: ")


def unpacked(page, name):
    (content,) = re.findall(f'id="{name}">([^<]*)</script>', page)
    return gzip.decompress(base64.b64decode(content))


def test_one_file_holds_the_model_and_what_runs_it(
    model_folder, runtime_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sliders, "FITTED", 50)
    out = tmp_path / "new" / "page.html"
    flags = [str(model_folder), "--standalone", str(out), "--runtime", str(runtime_folder)]
    assert explore.main(flags) == 0
    assert str(out) in capsys.readouterr().out
    assert [each.name for each in out.parent.iterdir()] == ["page.html"]
    page = out.read_text()
    assert (unpacked(page, "script"), unpacked(page, "binary")) == (SCRIPT, BINARY)
    (tmp_path / "model.onnx").write_bytes(unpacked(page, "generator"))
    latents = tf.constant([[0.5, -1.0, 0.0, 2.0, 1.0, -0.5], [2.0, 0.0, 1.0, 0.0, -1.0, 0.5]])
    model = tf.saved_model.load(str(model_folder / "1"))
    expected = model.signatures["serving_default"](latents=latents)["images"]
    drawn = formats.open_file(tmp_path / "model.onnx")(latents=latents.numpy())
    tf.debugging.assert_near(drawn, expected, atol=1e-5)

    (described,) = re.findall(r'id="model">([^<]*)</script>', page)
    content = json.loads(described)
    assert (content["name"], content["latent_dim"], content["folder"]) == ("tiny", 6, None)
    # Neither a path of this machine nor anything to load; where the page goes is not what it asks.
    assert str(model_folder) not in page and "fetch(" not in page
    assert "default-src 'none'" in page and "connect-src" not in page
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page, outside
    # The two pages differ in these parts alone.
    assert page.partition("// --- Vectors")[2] == served_page().partition("// --- Vectors")[2]

    refused(flags, "exists", capsys)
    assert out.read_text() == page


def test_a_name_cannot_end_its_element():
    from tfgan.explorer.page import standalone_page

    name = "</script><script>alert(1)//"
    page = standalone_page({"name": name}, b"", runtime.Runtime(b"", b""))
    assert name not in page
    (described,) = re.findall(r'id="model">([^<]*)</script>', page)
    assert json.loads(described) == {"name": name}


def test_a_model_without_latents_is_refused(runtime_folder, tmp_path, capsys):
    module = tf.Module()
    module.same = tf.function(
        lambda images: {"images": images}, input_signature=[tf.TensorSpec([None, 8, 8, 1])]
    )
    tf.saved_model.save(module, str(tmp_path / "m"), {"serving_default": module.same})
    out = tmp_path / "page.html"
    flags = [tmp_path / "m", "--standalone", out, "--runtime", runtime_folder]
    refused(flags, "no latent space", capsys)
    assert not out.exists()


def test_a_text_is_refused(runtime_folder, tmp_path, capsys):
    module = tf.Module()
    module.draw = tf.function(
        lambda latents, texts: {
            "images": tf.zeros([tf.shape(latents)[0] + 0 * tf.size(texts), 8, 8, 1])
        },
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, "latents"),
            tf.TensorSpec([None], tf.string, "texts"),
        ],
    )
    tf.saved_model.save(module, str(tmp_path / "m"), {"serving_default": module.draw})
    out = tmp_path / "page.html"
    flags = [tmp_path / "m", "--standalone", out, "--runtime", runtime_folder]
    refused(flags, "takes a text", capsys)
    assert not out.exists()


def test_a_missing_extra_is_named(model_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    refused([model_folder, "--standalone", tmp_path / "page.html"], '"tfgan[onnx]"', capsys)


def test_a_page_beyond_the_bound_is_not_written(
    model_folder, runtime_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(conversion, "BOUNDS", {None: -1.0})
    out = tmp_path / "page.html"
    flags = [str(model_folder), "--standalone", str(out), "--runtime", str(runtime_folder)]
    assert explore.main(flags) == 1
    assert "would differ" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("name", [runtime.SCRIPT, runtime.BINARY])
def test_a_runtime_lacks_a_file(name, model_folder, runtime_folder, tmp_path, capsys):
    (runtime_folder / name).unlink()
    flags = [model_folder, "--standalone", tmp_path / "page.html", "--runtime", runtime_folder]
    refused(flags, f"No such file or directory: {name}", capsys)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--runtime", "dist"], "--runtime is for --standalone"),
        (["--standalone", "page.html", "--port", "9000"], "--port and --no-open"),
        (["--standalone", "page.html", "--no-open"], "--port and --no-open"),
        (["--standalone", "page.txt"], "must end in .html"),
    ],
)
def test_flags_that_do_not_go_together(flags, words, capsys):
    with pytest.raises(SystemExit) as exit:
        explore.parse(["m", *flags])
    assert exit.value.code == 2 and words in capsys.readouterr().err


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A server of a package with both files, and an empty cache; what was asked for."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as package:
        for name, each in ((runtime.SCRIPT, SCRIPT), (runtime.BINARY, BINARY)):
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(each)
            package.addfile(member, io.BytesIO(each))
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path == "/runtime.tgz" else 404)
            self.end_headers()
            self.wfile.write(content.getvalue())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(runtime, "ADDRESS", f"{address}/runtime.tgz")
    monkeypatch.setattr(runtime, "SHA512", hashlib.sha512(content.getvalue()).hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield asked
    server.shutdown()


def test_the_runtime_is_fetched_once(registry, tmp_path):
    expected = runtime.Runtime(SCRIPT, BINARY)
    assert runtime.runtime_of() == runtime.runtime_of() == expected
    assert registry == ["/runtime.tgz"]
    (kept,) = (tmp_path / "cache" / "tfgan").iterdir()
    assert kept.name == f"onnxruntime-web-{runtime.VERSION}"


def test_what_is_not_what_was_published_is_refused(
    registry, model_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(runtime, "SHA512", "0" * 128)
    out = tmp_path / "page.html"
    refused([model_folder, "--standalone", out], "not what was published", capsys)
    assert not out.exists() and not (tmp_path / "cache").exists()


@pytest.mark.parametrize("address", ["/absent", "http://127.0.0.1:1/runtime.tgz"])
def test_no_network_names_the_flag(address, registry, model_folder, tmp_path, monkeypatch, capsys):
    if address.startswith("/"):
        address = runtime.ADDRESS.replace("/runtime.tgz", address)
    monkeypatch.setattr(runtime, "ADDRESS", address)
    refused([model_folder, "--standalone", tmp_path / "page.html"], "--runtime", capsys)
    assert not (tmp_path / "cache").exists()
