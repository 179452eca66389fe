"""The report page, opened in a real browser."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.report.charts import Axis, histogram
from mpn_cli.report.gallery import shelves_by_score
from mpn_cli.report.run import Run, ShownJob, ShownRecipe
from mpn_cli.results.poses import PredictedPose, WrittenPicture
from mpn_cli.results.run_record import RunCounts, RunRecord
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture
from tests.conftest import make_picture

ODD_NAME = "<img src=x onerror=alert(1)> & 'quotes'.png"

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("no chromium and chromedriver on this machine")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def run(mpn: Mpn, tmp_path: Path) -> Path:
    """Nine pictures annotated, one of them with a name that is HTML."""
    for number in range(8):
        make_picture(tmp_path / "photos" / f"{number}.png", seed=number)
    make_picture(tmp_path / "photos" / ODD_NAME, seed=9)
    (tmp_path / "photos" / "broken.jpg").write_text("no picture")
    assert mpn("annotate", "photos", "-o", "out", "--quiet").returncode == 3
    return tmp_path / "out"


def add_labels(out: Path) -> Path:
    """Labels: what was found, for the first people; the nose of one far away."""
    data_set = json.loads((out / "dataset.json").read_text())
    for number, annotation in enumerate(data_set["annotations"]):
        found = [min(seen, 1) * 2 for seen in annotation["keypoints"][2::3]]
        annotation["keypoints"][2::3] = found
        if number == 0:
            annotation["keypoints"][:3] = [5000, 5000, 2]
        annotation["num_keypoints"] = sum(seen > 0 for seen in annotation["keypoints"][2::3])
    (out.parent / "labels.json").write_text(json.dumps(data_set))
    return out.parent / "labels.json"


def shown(browser: Any) -> list[str]:
    cards = browser.find_elements("css selector", ".card:not([hidden])")
    return [card.get_attribute("data-name") for card in cards]


def errors(browser: Any) -> list[Any]:
    return [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]


def test_page_of_pictures_alone(mpn: Mpn, run: Path, browser: Any) -> None:
    done = mpn("report", "out")
    assert done.returncode == 0, done.stderr
    browser.get(f"file://{run}/report.html")
    assert len(shown(browser)) == 9
    assert ODD_NAME in shown(browser)
    browser.find_element("id", "search").send_keys("QUOTES")
    assert shown(browser) == [ODD_NAME]
    assert "broken.jpg" in browser.find_element("tag name", "main").get_attribute("textContent")
    assert not errors(browser)


def test_filters_keys_and_drawing(mpn: Mpn, run: Path, browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    labels = add_labels(run)
    assert mpn("report", "out", "--gt", labels, "--gallery", "30").returncode == 0
    browser.set_window_size(1280, 2400)
    browser.get(f"file://{run}/report.html")
    curves = browser.find_elements("css selector", "svg[aria-label$='against what is so']")
    assert len(curves) == 2
    assert all(curve.find_elements("css selector", "circle title") for curve in curves)
    everything = shown(browser)
    first = json.loads((run / "dataset.json").read_text())["annotations"][0]["image_id"]
    worst = browser.find_element("css selector", "[data-shelf=miss]")
    worst.send_keys(Keys.ENTER)
    assert worst.get_attribute("aria-pressed") == "true"
    assert len(shown(browser)) == 1
    card = browser.find_element("css selector", ".card:not([hidden])")
    assert card.get_attribute("data-id") == str(first)
    browser.find_element("css selector", "[data-shelf='']").click()
    assert sorted(shown(browser)) == sorted(everything)

    card = browser.find_element("css selector", ".card")
    assert card.find_elements("css selector", "svg circle")
    assert not card.find_elements("css selector", "rect, text")
    for name in ("show-boxes", "show-scores", "show-labels"):
        browser.find_element("id", name).click()
    assert card.find_elements("css selector", "svg rect.box")
    assert card.find_elements("css selector", "svg text.score")
    browser.find_element("id", "show-poses").click()
    assert not card.find_elements("css selector", "svg circle")

    card.send_keys(Keys.ENTER)
    large = browser.find_element("id", "large")
    assert large.get_attribute("open")
    name = large.find_element("css selector", ".name")
    before = name.text
    large.send_keys(Keys.ARROW_RIGHT)
    assert name.text == shown(browser)[1] != before
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not large.get_attribute("open")
    second = browser.find_elements("css selector", ".card:not([hidden])")[1]
    # The dialog's close event, which moves the focus, comes after the key has been handled.
    WebDriverWait(browser, 10).until(lambda _: browser.switch_to.active_element == second)
    assert not errors(browser)


def test_it_asks_for_nothing_and_fits_a_phone(mpn: Mpn, run: Path, browser: Any) -> None:
    assert mpn("report", "out", "--gt", add_labels(run), "-o", "page.html").returncode == 0
    page = (run.parent / "page.html").read_text()
    links = re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", page)
    assert not links
    browser.get_log("performance")
    browser.set_window_size(500, 900)  # the narrowest that this browser's windows get
    browser.get(f"file://{run.parent}/page.html")
    asked = [
        json.loads(line["message"])["message"]["params"]["request"]["url"]
        for line in browser.get_log("performance")
        if '"Network.requestWillBeSent"' in line["message"]
    ]
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    wide, window = browser.execute_script(
        "return [document.documentElement.scrollWidth, innerWidth]"
    )
    assert wide <= window
    dark = browser.execute_script("return document.documentElement.className")
    browser.find_element("id", "theme").click()
    assert browser.execute_script("return document.documentElement.className") != dark


def test_pictures_that_were_moved(mpn: Mpn, run: Path) -> None:
    (run.parent / "photos").rename(run.parent / "elsewhere")
    mpn("report", "out")
    assert "9 pictures are not where they were" in (run / "report.html").read_text()
    mpn("report", "out", "--images", "elsewhere")
    page = (run / "report.html").read_text()
    assert "not where they were" not in page
    assert page.count("data:image/webp") == 9


def test_what_has_no_page(mpn: Mpn, run: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("nowhere",), "nowhere/ holds no finished run of mpn annotate (no run.json)"),
        (("out", "--gt", "none.json"), "none.json: No such file"),
    ):
        done = mpn("report", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_gallery_shows_about_as_many_as_wanted() -> None:
    pictures = [WrittenPicture(n, f"{n}.jpg", 640, 480) for n in range(1000)]
    poses = [
        PredictedPose([0.0] * 51, n / 1000, [0, 0, 9, 9], image_id=n)
        for n in range(900)
        for _ in range(n % 4)
    ]
    recipe = ShownRecipe("a network", 17, "", "none", "torch", "fp32", kpt_thr=0.1)
    counts = RunCounts(pictures=1000, people=len(poses), skipped=0)
    record = RunRecord(job=ShownJob(recipe), counts=counts, seconds={"wall": 1.0})
    run = Run(Path(), record, pictures, poses, [], [])
    shelves = shelves_by_score(run, 100)
    assert shelves["sure"][:2] == [899, 898]
    assert shelves["unsure"][0] == 1
    assert shelves["most people"][:2] == [3, 7]
    assert shelves["nobody"][:2] == [0, 4]
    assert len({one for ids in shelves.values() for one in ids}) <= 100


def test_histogram_bars_are_as_high_as_their_counts() -> None:
    chart = histogram([0.05] * 3 + [0.95] * 6 + [7.0], Axis("x", 0, 1, (0, 1)), 10, "some")
    heights = [float(one) for one in re.findall(r'<rect[^>]* height="([0-9.]+)"', chart)]
    assert len(heights) == 10
    assert heights[0] == pytest.approx(heights[9] * 3 / 7, abs=0.1)
    assert np.count_nonzero(heights) == 2
