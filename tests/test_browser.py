"""The built book in a browser, from the disk: what a reader without a network gets."""

import json
import os
import shutil
from dataclasses import dataclass
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from scipy.stats import binomtest

from colornb import book

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ,
    reason="needs chromium: install Debian's package `chromium`",
)

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1100, "height": 900}
MIB = 2**20
LOCAL = ("file:", "data:", "blob:")


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """Folder of the published book, built once."""
    return book.publish(tmp_path_factory.mktemp("book")).parent


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    with chromium.new_context(viewport=DESK) as context:
        yield context.new_page()


@dataclass
class Visit:
    """What was seen of one page at the width of a phone."""

    wrong: list  # failed requests, requests beyond the disk, errors in the console
    links: list
    ids: set
    width: int
    wide: str  # what is wider than the page
    weight: int  # bytes of the page and of its pictures
    pictures: list  # alternative texts
    figures: list  # captions


LOOK = """() => {
  const all = (chosen, of) => [...document.querySelectorAll(chosen)].map(of);
  const boxed = (e) => e.closest(".table-box, .figure-box, pre, .cell_output, .math");
  return {
    links: all("a[href]", (a) => a.href),
    ids: all("[id]", (e) => e.id),
    width: document.documentElement.scrollWidth,
    wide: all(".bd-main *", (e) => e)
      .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !boxed(e))
      .map((e) => e.outerHTML.slice(0, 80)).slice(0, 3).join(" | "),
    images: all(".bd-article img", (i) => i.src),
    pictures: all(".bd-article img", (i) => i.alt),
    figures: all(".bd-article figure", (f) => f.querySelector("figcaption")?.textContent.trim()),
  };
}"""


@pytest.fixture(scope="module")
def visits(html, chromium):
    """Path -> `Visit` of every page of the book."""
    found = {}
    with chromium.new_context(viewport=PHONE) as context:
        for path in sorted(html.rglob("*.html")):
            page, wrong = context.new_page(), []
            page.on("requestfailed", lambda r, w=wrong: w.append(f"failed: {r.url}"))
            page.on("request", lambda r, w=wrong: r.url.startswith(LOCAL) or w.append(r.url))
            page.on("console", lambda m, w=wrong: m.type == "error" and w.append(m.text))
            page.on("pageerror", lambda error, w=wrong: w.append(str(error)))
            page.goto(path.as_uri())
            seen = page.evaluate(LOOK)
            images = {unquote(url.removeprefix("file://")) for url in seen.pop("images")}
            weight = path.stat().st_size + sum(os.stat(image).st_size for image in images)
            seen["ids"] = set(seen["ids"])
            found[path] = Visit(wrong=list(wrong), weight=weight, **seen)
            page.close()
    return found


def test_no_page_asks_for_what_is_not_on_the_disk_or_reports_an_error(visits):
    assert len(visits) > 25
    assert {str(path): visit.wrong for path, visit in visits.items() if visit.wrong} == {}


def test_every_link_within_the_book_leads_somewhere(html, visits):
    pages = {path.as_uri(): visit for path, visit in visits.items()}
    dead = []
    for path, visit in visits.items():
        for link in visit.links:
            target, anchor = urldefrag(urljoin(path.as_uri(), link))
            if not target.startswith("file:"):
                continue
            target = target.split("?")[0]
            if not os.path.exists(unquote(target.removeprefix("file://"))):
                dead.append(f"{path.name}: {link}")
            elif anchor and target in pages and unquote(anchor) not in pages[target].ids:
                dead.append(f"{path.name}: no {anchor} in {target}")
    assert dead == []


def test_no_page_scrolls_sideways_on_a_phone(visits):
    wide = {str(p.name): v.wide for p, v in visits.items() if v.width > PHONE["width"]}
    assert wide == {}


def test_a_figure_keeps_its_small_print_on_a_phone_and_is_reached_by_keyboard(html, page):
    page.set_viewport_size(PHONE)
    page.goto((html / "chapters" / "06_sepia.html").as_uri())
    boxes = page.locator(".figure-box").all()
    assert len(boxes) >= 5
    for box in boxes:
        assert box.locator("img").bounding_box()["width"] > 500
        assert box.get_attribute("tabindex") == "0"


def test_every_picture_has_an_alternative_text_and_every_figure_a_caption(visits):
    for path, visit in visits.items():
        assert all(visit.pictures), path
        assert all(visit.figures), path


def test_the_book_is_light(html, visits):
    assert sum(p.stat().st_size for p in html.rglob("*") if p.is_file()) < 25 * MIB
    assert {p.name: v.weight for p, v in visits.items() if v.weight >= 2 * MIB} == {}


PAGES = ("index", "quiz", "temperature", "models", "chapters/11_captions", "api/lab")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(html, page, scheme):
    from axe_playwright_python.sync_playwright import Axe

    # Without motion no colour is looked at while it is changing.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    # The dark changes colours and nothing else.
    rules, names = {}, PAGES
    if scheme == "dark":
        rules, names = {"runOnly": ["color-contrast"]}, PAGES[:3]
    serious = []
    for name in names:
        page.goto((html / f"{name}.html").as_uri())
        found = Axe().run(page, options={"resultTypes": ["violations"], **rules})
        for violation in found.response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                first = violation["nodes"][0]["html"][:120]
                serious.append(f"{name}: {violation['id']} ({len(violation['nodes'])}): {first}")
    assert serious == []


def test_the_book_follows_the_dark(html, page):
    lightness = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto((html / "index.html").as_uri())
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness[scheme] = sum(map(int, colour[4:-1].split(",")))
    assert lightness["dark"] < 150 < 600 < lightness["light"]


def test_the_slider_follows_mouse_and_keyboard(html, page):
    page.goto((html / "index.html").as_uri())
    before, range_ = page.locator(".slider-before"), page.locator(".slider-stage input")

    def cut():
        return before.evaluate("e => getComputedStyle(e).clipPath")

    assert "50%" in cut()
    box = range_.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20)
    page.mouse.up()
    assert 85 <= int(range_.input_value()) <= 95
    range_.focus()
    page.keyboard.press("Home")
    assert range_.get_attribute("aria-valuetext") == "0 % gray" and "100%" in cut()
    page.keyboard.press("ArrowRight")
    assert range_.input_value() == "1"
    page.get_by_label("Painted by").select_option(label="the true colours")
    assert page.locator(".slider-after").get_attribute("src").endswith("truth.png")
    assert page.locator(".slider-name").inner_text() == "the true colours"


def test_the_temperature_shows_one_row_at_a_time(html, page):
    page.goto((html / "temperature.html").as_uri())
    range_, shown = page.get_by_label("Temperature"), page.locator(".frames figure:visible")
    assert shown.count() == 1 and shown.get_attribute("data-label") == "T = 1"
    range_.focus()
    page.keyboard.press("End")
    assert shown.count() == 1 and shown.get_attribute("data-label") == "truth"
    assert range_.get_attribute("aria-valuetext") == "truth"
    page.keyboard.press("ArrowLeft")
    assert page.locator(".frames output").inner_text() == "T = 0.05"


def test_the_data_of_a_figure_are_saved_from_the_disk(html, page):
    page.goto((html / "chapters" / "05_colour_bias.html").as_uri())
    with page.expect_download() as download:
        page.locator("figcaption").get_by_role("link", name="recall.csv").click()
    assert download.value.suggested_filename == "recall.csv"
    with open(download.value.path(), encoding="utf8") as file:
        assert file.readline() == "system,x,value,low,high,n,panel\n"


def answers_of(page):
    """The answers as saved."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the answers").click()
    with open(download.value.path(), encoding="utf8") as file:
        return json.load(file)


def test_the_quiz_is_played_by_keyboard(html, page):
    page.goto((html / "quiz.html").as_uri() + "#seed=7")
    page.get_by_role("button", name="Begin").focus()
    page.keyboard.press("Enter")
    for turn in range(20):
        assert page.get_by_text(f"Picture {turn + 1} of 20, seed 7").is_visible()
        page.keyboard.press("rc"[turn % 2])
    saved = answers_of(page)
    assert (saved["version"], saved["seed"], len(saved["answers"])) == (1, 7, 20)
    assert set(saved["answers"][0]) == {"picture", "system", "shown", "answer", "ms"}
    assert [one["answer"] for one in saved["answers"]] == ["real", "colorized"] * 10
    for shown in ("real", "colorized"):
        pictures = [one["picture"] for one in saved["answers"] if one["shown"] == shown]
        assert sorted(pictures) == list(range(10))
    assert all((one["system"] == "truth") == (one["shown"] == "real") for one in saved["answers"])
    check_table(page, saved["answers"])


def check_table(page, answers):
    """The table at the end counts the answers and has Wilson's intervals."""
    names = page.evaluate(
        "Object.fromEntries(JSON.parse(document.querySelector('.quiz-data').textContent)"
        ".systems.map((s) => [s.name, s.system]))"
    )
    rows = page.locator(".quiz tbody tr").all()
    assert len(rows) == len({one["system"] for one in answers})
    for row in rows:
        name, taken, share, interval = row.locator("th, td").all_inner_texts()
        of = [one for one in answers if one["system"] == names[name]]
        k = sum(one["answer"] == "real" for one in of)
        low, high = binomtest(k, len(of)).proportion_ci(method="wilson")
        assert taken == f"{k} of {len(of)}"
        assert abs(float(share[:-2]) - 100 * k / len(of)) <= 0.5
        assert interval == f"{100 * low:.0f} % to {100 * high:.0f} %"


def test_the_quiz_is_played_by_mouse_and_again_with_another_seed(html, page):
    page.goto((html / "quiz.html").as_uri())
    page.get_by_role("button", name="Begin").click()
    seed = page.evaluate("location.hash")
    assert seed.startswith("#seed=")
    for _ in range(20):
        page.get_by_role("button", name="Real (R)").click()
    assert page.locator(".quiz tbody tr").first.is_visible()
    page.get_by_role("button", name="Another round").click()
    assert page.evaluate("location.hash") != seed
    assert page.get_by_role("progressbar", name="Answered").get_attribute("value") == "0"


def test_the_quiz_asks_in_an_order_that_follows_from_the_seed(html, page):
    page.goto((html / "quiz.html").as_uri())
    ask = "(seed) => colornbQuiz.questions(seed, 10, ['a', 'b', 'c'])"
    orders = [page.evaluate(ask, seed) for seed in (*range(1, 200), 1)]
    assert orders[0] == orders[-1] != orders[1]
    for order in orders:
        pictures = [one["picture"] for one in order]
        assert all(a != b for a, b in zip(pictures, pictures[1:], strict=False))
    counts = [sum(one["system"] == name for one in orders[0]) for name in ("a", "b", "c", "truth")]
    assert sorted(counts) == [3, 3, 4, 10]


def test_the_intervals_of_the_quiz_are_those_of_wilson(html, page):
    page.goto((html / "quiz.html").as_uri())
    for k, n in ((0, 1), (1, 1), (0, 20), (3, 7), (10, 20), (199, 200), (200, 200)):
        ours = page.evaluate("([k, n]) => colornbQuiz.wilson(k, n)", [k, n])
        theirs = binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")
        assert ours == pytest.approx([theirs.low, theirs.high], abs=1e-9)


def test_the_search_finds_words_of_the_book(html, page):
    page.goto((html / "search.html").as_uri() + "?q=sepia")
    page.locator("#search-results li a").first.wait_for(timeout=15_000)
    assert any("Sepia" in text for text in page.locator("#search-results li a").all_inner_texts())


def test_without_scripts_everything_is_there_to_read(html, chromium):
    with chromium.new_context(viewport=DESK, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((html / "index.html").as_uri())
        after, before = (
            page.locator(f".slider-{which}").bounding_box() for which in ("after", "before")
        )
        assert before["y"] >= after["y"] + after["height"], "one under the other"
        assert not page.locator(".slider-choice").is_visible()
        page.goto((html / "temperature.html").as_uri())
        assert page.locator(".frames figure:visible").count() == 6
        page.goto((html / "quiz.html").as_uri())
        assert page.get_by_text("need JavaScript").is_visible()
        page.get_by_text("and who painted them").click()
        assert page.locator(".quiz-key figure:visible").count() == 7
