"""The report in a real browser without a network: whole, legible, and in words for a newcomer.

Needs a Chromium (`apt install chromium`), which playwright drives.
"""

import re

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tfgan import data
from tfgan.evaluation.before_and_after import RiskReduction
from tfgan.evaluation.page import write_report
from tfgan.metrics.comparison import prepare
from tfgan.metrics.evaluation import evaluate_comparison

pytestmark = pytest.mark.slow

NUM = 150
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def evaluations():
    """Of digits of which half are noise, and of digits alone."""
    train, test = (data.load("digits", 1, split=split) for split in ("train", "test"))
    random = np.random.default_rng(0)
    digits = train.images[random.permutation(train.num_images)[:NUM]]
    noisy = digits.copy()
    noisy[::2] = random.integers(0, 256, noisy[::2].shape)
    with threadpool_limits(1):
        comparison = prepare(noisy, train, test, num=NUM, features="pixels", progress=False)
        before = evaluate_comparison(comparison, progress=False)
        after = evaluate_comparison(
            comparison.with_generated(digits), progress=False, floor_of=before
        )
    return before, after


@pytest.fixture(scope="module")
def addresses(evaluations, tmp_path_factory):
    """Of the report of a plain evaluation, and of one that tells what the risk reduction did."""
    before, after = evaluations
    folders = [tmp_path_factory.mktemp("report") for _ in range(2)]
    write_report(folders[0], before, "my <first> gan")
    write_report(folders[1], after, "mine", RiskReduction(before, after, 0.7, 0.5, None, 2 * NUM))
    return [(folder / "report.html").as_uri() for folder in folders]


@pytest.fixture
def visit(browser):
    """A function that opens a page from its file, and refuses it everything else."""
    contexts, asked, errors = [], [], []

    def visit(address, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.goto(address)
        return page

    yield visit
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in asked) == len(contexts)
    for context in contexts:
        context.close()


def test_the_page_is_whole_without_a_network(visit, addresses):
    for address in addresses:
        page = visit(address)
        widths = page.eval_on_selector_all("img", "all => all.map(img => img.naturalWidth)")
        assert len(widths) >= 5 and min(widths) > 0
        assert all(page.eval_on_selector_all("img", "all => all.map(img => img.alt.length > 20)"))


def test_the_headline_says_what_the_number_means(visit, addresses, evaluations):
    page = visit(addresses[0])
    assert "my <first> gan" in page.inner_text("h1")
    risk = evaluations[0].risk
    assert page.inner_text(".number") == f"{risk.value:.3f}"
    headline = page.inner_text("header")
    right = round(100 * (1 + risk.value) / 2)
    assert f"{right} of 100" in headline and "guessing" in headline.lower()
    assert f"{risk.low:.3f} to {risk.high:.3f}" in headline
    floor = evaluations[0].floor_risk
    assert f"{floor.value:.3f} ({floor.low:.3f} to {floor.high:.3f})" in headline
    # Numbers: a browser writes what it read in its own way, 0% for 0.0%.
    places = page.eval_on_selector_all(
        ".scale span", "all => all.map(one => parseFloat(one.style.left))"
    )
    assert places == [round(100 * each.value, 1) for each in (risk, floor)]
    for word in ("p-value", "total variation", "null hypothesis"):
        assert word not in headline
    # All of it is seen before anything is scrolled.
    box = page.locator("header").bounding_box()
    assert box["y"] + box["height"] < DESKTOP["height"]


def test_before_and_after_stand_side_by_side(visit, addresses, evaluations):
    page = visit(addresses[1])
    text = page.inner_text("body")
    assert "Risk reduction" in text and "What it cost" in text
    rows = page.locator("table").first.locator("tr").all_inner_texts()
    (recall,) = [row for row in rows if row.startswith("recall")]
    shown = [float(number) for number in re.findall(r"\d\.\d{3}", recall)]
    before, after = (each.report["recall"] for each in evaluations)
    assert shown[0] == round(before.value, 3) and shown[3] == round(after.value, 3)
    # A plain report has no such section, and tells how it is done.
    plain = visit(addresses[0]).inner_text("body")
    assert "Risk reduction" not in plain and "--keep-fraction" in plain
    assert "--keep-fraction" not in text


def test_a_phone_shows_it_without_scrolling_sideways(visit, addresses):
    for address in addresses:
        page = visit(address, PHONE, has_touch=True, is_mobile=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        box = page.locator("header").bounding_box()
        assert box["y"] + box["height"] < PHONE["height"]


def test_light_and_dark_are_both_legible(visit, addresses):
    for scheme, darker in (("light", "color"), ("dark", "backgroundColor")):
        page = visit(addresses[0], color_scheme=scheme)
        colors = {
            name: luminance(page.evaluate(f"getComputedStyle(document.documentElement).{name}"))
            for name in ("color", "backgroundColor")
        }
        assert min(colors, key=colors.get) == darker
        assert contrast(*colors.values()) > 7
        ground = colors["backgroundColor"]
        for element in ("figcaption", "footer", ".beside"):
            color = page.evaluate(f"getComputedStyle(document.querySelector('{element}')).color")
            assert contrast(luminance(color), ground) >= 4.5, (scheme, element)


def luminance(color):
    """The relative luminance of `rgb(r, g, b)`, as WCAG 2 has it."""
    values = np.array([float(value) for value in re.findall(r"[\d.]+", color)[:3]]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first, second):
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)
