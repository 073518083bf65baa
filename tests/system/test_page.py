"""The page in a real browser: the whole story from an empty home, and what goes wrong on the way.

Needs Debian's Chromium (`apt-get install chromium`). The pictures of docs/figures/page-*.png are taken anew with
LONGSHOT_SCREENSHOTS=1.
"""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.system.test_service import Service, wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
HOW_TO_GET = "needs Chromium: apt-get install -y --no-install-recommends chromium, or CHROMIUM=/its/path"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
FIGURES = Path(__file__).parents[2] / "docs" / "figures"
PHONE, TABLET, DESKTOP, WALL = (360, 740), (768, 1024), (1280, 800), (2560, 1300)
SLOW_MILLISECONDS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        # In CI `.ci/run` installs it; that it is missing there is a failure, not a reason to look away.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW_TO_GET)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """A visitor of a service: a browser with nothing in it, and all that it complained of or sent elsewhere."""

    def __init__(self, browser: Browser, service: Service, size: tuple[int, int] = DESKTOP, **more: object) -> None:
        self.home = str(service.client.base_url).rstrip("/")
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.num_clicks = 0
        width, height = size
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, base_url=self.home, **more
        )
        self.context.set_default_timeout(SLOW_MILLISECONDS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))

    def _listen(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _note(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.elsewhere.append(url)

    def click(self, selector: str) -> None:
        self.num_clicks += 1
        self.page.click(selector)

    def shows(self, selector: str, text: str | None = None) -> None:
        found = self.page.locator(selector).first
        if text is None:
            expect(found).to_be_visible(timeout=SLOW_MILLISECONDS)
        else:
            expect(found).to_contain_text(text, timeout=SLOW_MILLISECONDS)

    def settle(self) -> None:
        """Waits until a forecast is drawn."""
        self.page.wait_for_selector("#chart[data-milliseconds]")

    def check_look(self, name: str = "") -> None:
        """No serious finding of axe, nothing wider than the page; a picture under this name, if they are asked for."""
        self.page.wait_for_load_state("networkidle")
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        shown = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]
        assert not serious, f"{self.page.url}: {shown}"
        wider = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{self.page.url} is {wider} px too wide"
        if name and os.environ.get("LONGSHOT_SCREENSHOTS"):
            self.page.screenshot(path=FIGURES / f"page-{name}.png")

    def forgive_refusals(self) -> None:
        """Takes away what a browser logs of every refusal, and of every answer that never came."""
        self.complaints = [one for one in self.complaints if "Failed to load resource" not in one]

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []
        assert self.elsewhere == []


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path, has_version=False)
    start(service)
    yield service
    service.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a version and a dataset, for what does not begin from nothing."""
    service = Service(tmp_path_factory.mktemp("trained"))
    start(service)
    upload(service, hours(1500))
    yield service
    service.close()


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """A service whose forecasts a page of another origin may frame, and that origin."""
    folder = tmp_path_factory.mktemp("framed")
    service = Service(folder)
    pages: dict[str, str] = {}

    class Wiki(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(pages.get(self.path, "").encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Wiki) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        wiki = f"http://localhost:{server.server_port}"
        service.settings = replace(service.settings, frame_ancestors=wiki)
        note = folder / "browser"
        note.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n')
        note.chmod(0o755)
        start(service, "--open", env={**os.environ, "BROWSER": f"{note} %s"})
        frame = '<iframe src="{0}/{1}" width="700" height="400"></iframe>'
        addresses = (f"embed/forecasts/{service.ask()['id']}", "models")
        pages["/page"] = "".join(frame.format(service.client.base_url, one) for one in addresses)
        yield service, wiki
        server.shutdown()
        thread.join()
    service.close()


def start(service: Service, *more: str, port: int = 0, env: Mapping[str, str] = os.environ) -> None:
    """Starts it; as there is no version yet, it need not be ready, only to answer."""
    service.settings = replace(service.settings, port=port)
    with service.log.open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", *more],
            env={**env, **service.settings.to_environment(), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
    service.processes.append(process)
    first = process.stdout.readline()
    service.client.base_url = first.split()[3]
    wait_until(lambda: answers(service), "the service to answer", log=service.log)


def answers(service: Service) -> bool:
    try:
        return service.client.get("/").is_success
    except httpx.TransportError:
        return False


def hours(count: int, *, names: tuple[str, ...] = ("load",)) -> str:
    """A table of hourly values with the day in them."""
    noise = np.random.default_rng(0)
    start = np.datetime64("2026-01-01T00:00")
    rows = [
        f"{name},{start + np.timedelta64(hour, 'h')},{10 + index % 7 + 3 * np.sin(hour / 24 * 2 * np.pi) + shake:.3f}"
        for index, name in enumerate(names)
        for hour, shake in enumerate(0.3 * noise.normal(size=count))
    ]
    return "\n".join(["item_id,timestamp,target", *rows, ""])


def upload(service: Service, table: str) -> str:
    response = service.client.post("/v1/datasets", content=table, headers={"content-type": "text/csv"})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def own_file(folder: Path, table: str, name: str = "load.csv") -> str:
    path = folder / name
    path.write_text(table)
    return str(path)


def shorten_training(visit: Visit, epochs: int = 3) -> None:
    """Chooses so small a training that a test may wait for it, as a visitor could."""
    page = visit.page
    page.click("#train summary")
    page.fill("#horizon", "24")
    page.fill("#context", "48")
    page.fill("#epochs", str(epochs))


@pytest.mark.parametrize(("name", "size", "scheme"), [("phone", PHONE, "dark"), ("desktop", DESKTOP, "light")])
def test_a_newcomer_gets_from_an_empty_home_to_a_promoted_version_and_a_forecast_of_their_own_file(
    browser, service, tmp_path, name, size, scheme
):
    visit = Visit(browser, service, size, color_scheme=scheme)
    page = visit.page
    page.goto("/")
    visit.shows("h1", "Forecast your own series")
    visit.check_look(f"{name}-1-start")
    with page.expect_file_chooser() as chooser:
        visit.click("#choose")
    chooser.value.set_files(own_file(tmp_path, hours(700)))
    page.wait_for_url("**/datasets/ds_*")
    visit.shows("#audit .good-text, #audit .findings")
    visit.shows("#chart canvas")
    visit.check_look(f"{name}-2-dataset")
    shorten_training(visit)
    visit.click("#train button[type=submit]")
    page.wait_for_url("**/jobs/job_*")
    visit.shows("#epoch", "of at most")
    visit.shows("[data-state=succeeded]")
    visit.shows("#outcome", "Version 1 of load is there.")
    visit.check_look(f"{name}-3-trained")
    visit.click("text=See the forecast")
    visit.settle()
    visit.shows("#verdict", "observations held back")
    visit.shows("#chart .legend", "seasonal naive")
    # The first version of a name is promoted in any case.
    visit.shows("#production", "production points at version 1, this one.")
    visit.check_look(f"{name}-4-forecast")
    sys.stdout.write(f"{visit.num_clicks} clicks from an empty home to a promoted version and a forecast ({name})\n")
    assert visit.num_clicks <= 8
    assert service.client.get("/v1/models/load").json()["aliases"] == {"production": 1}
    visit.click("#keep")
    page.wait_for_url("**/forecasts/fc_*")
    visit.shows("#chart .legend", "what came")
    page.click("#share summary")
    visit.check_look(f"{name}-5-kept")
    check_pictures(visit)
    visit.close()


def check_pictures(visit: Visit) -> None:
    """The addresses that are offered lead to pictures."""
    for suffix, begins in (("png", b"\x89PNG"), ("svg", b"<svg")):
        address = visit.page.locator(f"#share a[href*='.{suffix}']").get_attribute("href")
        answer = httpx.get(address)
        assert (answer.status_code, answer.content[: len(begins)]) == (200, begins)


def test_the_sample_leads_through_a_first_forecast_by_the_keyboard_alone(browser, trained):
    visit = Visit(browser, trained)
    page = visit.page

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        pytest.fail(f"the keyboard does not reach {selector}")

    page.goto("/")
    tab_to("#sample")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/ds_*")
    visit.shows("#audit .findings")
    tab_to("#train summary")
    page.keyboard.press("Enter")
    for field, value in (("#horizon", "24"), ("#context", "48"), ("#epochs", "1")):
        tab_to(field)
        page.keyboard.type(value)
    # With covariates nobody looks for precedents in half a year of hours, which is nearly all that this training takes.
    tab_to("#calendar")
    page.keyboard.press("Space")
    tab_to("#train button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/job_*")
    visit.shows("[data-state=succeeded]")
    tab_to("a[href^='/forecast?']")
    page.keyboard.press("Enter")
    visit.settle()
    before = page.text_content("#steps-shown")
    tab_to("#steps")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#steps-shown")).not_to_have_text(before)
    tab_to("#anomalies")
    page.keyboard.press("Space")
    visit.shows("#chart .legend", "anomalies (")
    tab_to("#chart .plot")
    page.keyboard.press("+")
    assert page.evaluate("document.activeElement.matches('.plot')")
    visit.close()


def test_versions_are_compared_backtested_promoted_and_rolled_back(browser, trained):
    service = trained
    service.train(policy="promote")
    wait_until(lambda: service.client.get("/v1/models/m").json()["aliases"]["production"] == 2, "version 2")
    visit = Visit(browser, service, WALL)
    page = visit.page
    page.goto("/models/m")
    visit.shows("#chart .legend", "version 2")
    visit.click("#rollback")
    visit.shows("#production", "production points at version 1.")
    visit.click("#list tbody tr >> nth=0 >> button:has-text('Promote')")
    visit.shows("#production", "production points at version 2.")
    page.fill("#backtest-cutoffs", "3")
    page.click("#backtest button")
    page.wait_for_url("**/backtests/job_*")
    visit.shows("[data-state=succeeded]")
    visit.shows("#scores", "seasonal naive")
    visit.check_look("wall-backtest")
    page.goto("/models/m")
    page.select_option("#basis", "backtest")
    visit.shows("#chart .legend", "version 2")
    page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
    visit.check_look("tablet-model")
    visit.close()


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (WALL, "dark")])
def test_every_address_can_be_read_small_and_large_light_and_dark(browser, trained, size, scheme):
    kept = trained.ask()["id"]
    visit = Visit(browser, trained, size, color_scheme=scheme)
    for path in (
        *("/", "/datasets", "/jobs", "/backtests", "/models", "/models/m/1", "/keys", "/forecasts"),
        *(f"/forecasts/{kept}", f"/embed/forecasts/{kept}", "/sign-in"),
    ):
        visit.page.goto(path)
        visit.check_look()
    visit.close()


def test_a_slider_redraws_at_once_and_fifty_thousand_points_are_there_within_a_second(browser, trained):
    dataset = upload(trained, hours(50_000))
    visit = Visit(browser, trained)
    page = visit.page
    drawn = min(open_dataset(page, dataset) for _ in range(5))
    page.goto(f"/forecast?model=m&dataset={dataset}&item=load")
    visit.settle()
    taken = [slide(page, name, value) for name, values in
             (("steps", (5, 11, 17, 23, 20)), ("level", (60, 70, 90, 95, 85))) for value in values]  # fmt: skip
    redrawn = median(taken)
    sys.stdout.write(f"50,000 points interactive after {drawn:.2f} s, redrawn {redrawn:.0f} ms after a slider moved\n")
    assert drawn <= 1.0
    assert redrawn <= 150
    visit.close()


def test_a_forecast_asked_for_while_the_connection_is_lost_is_drawn_once_it_is_back(browser, trained):
    upload(trained, hours(200))
    visit = Visit(browser, trained)
    page = visit.page
    page.goto("/forecast?model=m")
    visit.settle()
    visit.context.set_offline(True)
    page.evaluate("delete document.getElementById('chart').dataset.milliseconds")
    page.focus("#steps")
    page.keyboard.press("ArrowRight")
    visit.shows("#connection", "The service does not answer")
    visit.context.set_offline(False)
    visit.settle()
    expect(page.locator("#connection")).to_be_hidden(timeout=SLOW_MILLISECONDS)
    visit.forgive_refusals()
    visit.close()


def open_dataset(page: Page, dataset: str) -> float:
    """Seconds from asking for a dataset's page until it is drawn and can be used."""
    page.goto("/models")
    started = time.perf_counter()
    page.goto(f"/datasets/{dataset}?name=load", wait_until="commit")
    page.wait_for_selector("#chart canvas")
    page.click("#train summary")
    return time.perf_counter() - started


def slide(page: Page, name: str, value: int) -> float:
    """Milliseconds from the input of a slider until the answer is drawn."""
    return page.evaluate(
        """async ([name, value]) => {
          const chart = document.getElementById("chart");
          delete chart.dataset.milliseconds;
          const input = document.getElementById(name);
          const started = performance.now();
          input.value = value;
          input.dispatchEvent(new Event("input"));
          while (chart.dataset.milliseconds === undefined) await new Promise((done) => requestAnimationFrame(done));
          return performance.now() - started;
        }""",
        [name, value],
    )


def with_covariate(table: str, ahead: int) -> str:
    """The same table with a covariate that is known some hours beyond its end."""
    head, *rows = table.strip().splitlines()
    last = np.datetime64(rows[-1].split(",")[1], "m")
    later = [f"load,{last + np.timedelta64(60 * (1 + hour), 'm')}," for hour in range(ahead)]
    lines = [f"{row},{number % 5}" for number, row in enumerate([*rows, *later])]
    return "\n".join([f"{head},promo", *lines, ""])


def test_covariates_a_warm_start_rates_and_reasons_are_there(browser, service, tmp_path):
    visit = Visit(browser, service)
    page = visit.page
    page.goto("/")
    page.click("#more summary")
    page.fill("[name=future_covariates]", "promo")
    visit.check_look("desktop-covariates")
    page.set_input_files("#file", own_file(tmp_path, with_covariate(hours(600), ahead=100)))
    page.wait_for_url("**/datasets/ds_*")
    visit.shows("#facts", "with promo")
    for number in (1, 2):
        page.fill("#model", "sales")
        page.uncheck("#hold")
        if number == 1:
            shorten_training(visit, epochs=2)
        else:
            page.click("#train summary")
            expect(page.locator("#versions option[value='sales/1']")).to_be_attached()
            page.fill("#warm", "sales/1")
            visit.check_look("desktop-warm-start")
        page.click("#train button[type=submit]")
        page.wait_for_url("**/jobs/job_*")
        visit.shows("[data-state=succeeded]")
        page.go_back()
    version = service.client.get("/v1/models/sales/versions/2").json()
    assert version["manifest"]["warm_start"] == "sales/1"
    assert [one["name"] for one in version["configuration"]["covariates"]["future"]] == ["promo"]
    page.goto("/models/sales/2")
    visit.shows("#reasons-list", "Steps of a season")
    visit.shows("#reasons-list", "Trust in what was learned")
    page.locator("#reasons").scroll_into_view_if_needed()
    visit.check_look("desktop-reasons")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    visit.check_look("phone-reasons")
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.goto("/forecast?model=sales&version=2&steps=24")
    visit.settle()
    page.check("#rates")
    visit.shows("#rates-chart canvas")
    page.click("summary:has-text('as a table')")
    visit.shows("#table", "Change a step")
    page.evaluate("scrollTo(0, 0)")
    for size, name in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        visit.check_look(f"{name}-rates")
    visit.close()


def test_two_hundred_series_are_searched_and_seen_side_by_side(browser, trained):
    dataset = upload(trained, hours(60, names=tuple(f"meter {number:03}" for number in range(200))))
    visit = Visit(browser, trained)
    page = visit.page
    page.goto(f"/datasets/{dataset}")
    visit.shows("#found", "200 series")
    page.fill("#search", "meter 19")
    visit.shows("#found", "10 series with")
    expect(page.locator("#multiples li")).to_have_count(10)
    page.click("#multiples button >> nth=3")
    visit.shows("#series-heading", "meter 193")
    visit.check_look("desktop-many")
    page.fill("#search", "")
    visit.shows("#found", "200 series")
    for _ in range(12):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(60)
    expect(page.locator("#multiples li")).to_have_count(200)
    visit.close()


def test_a_wrong_file_says_what_is_wrong_and_what_can_be_done(browser, trained, tmp_path):
    visit = Visit(browser, trained)
    page = visit.page
    page.goto("/")
    page.set_input_files("#file", own_file(tmp_path, "no table at all", "letter.csv"))
    visit.shows("#outcome [role=alert]")
    table = hours(100).replace("item_id,timestamp,target", "meter,moment,kilowatt")
    page.set_input_files("#file", own_file(tmp_path, table, "unnamed.csv"))
    visit.shows("#outcome select[name=timestamp]")
    visit.shows("#outcome", "Name it here.")
    for role, column in (("timestamp", "moment"), ("target", "kilowatt"), ("item_id", "meter")):
        page.select_option(f"#outcome select[name={role}]", column)
    page.click("text=Use these columns")
    page.wait_for_url("**/datasets/ds_*")
    visit.shows("#series-heading", "load")
    visit.forgive_refusals()
    visit.close()


def test_a_packed_table_with_one_date_and_one_number_needs_a_single_click_more(browser, trained, tmp_path):
    path = tmp_path / "cars.csv.gz"
    rows = (f"2026-01-{1 + hour // 24:02} {hour % 24:02}:00:00,{hour % 24}" for hour in range(240))
    path.write_bytes(gzip.compress("\n".join(["date_time,traffic_volume", *rows, ""]).encode()))
    visit = Visit(browser, trained)
    visit.page.goto("/")
    visit.page.set_input_files("#file", path)
    visit.click("text=Use these columns")
    visit.page.wait_for_url("**/datasets/ds_*")
    visit.forgive_refusals()
    visit.close()


@pytest.mark.parametrize(
    "path",
    [
        "/models/none",
        "/models/m/99",
        "/datasets/ds_none",
        "/jobs/job_none",
        "/backtests/job_none",
        "/forecasts/fc_none",
    ],
)
def test_the_page_of_what_does_not_exist_says_so_and_nothing_else(browser, trained, path):
    visit = Visit(browser, trained)
    visit.page.goto(path)
    visit.shows("#outcome [role=alert]", "not found")
    visit.page.wait_for_load_state("networkidle")
    assert visit.page.locator("main section:visible, main .card:visible").count() == 0
    visit.forgive_refusals()
    visit.close()


def test_a_page_goes_on_by_itself_after_the_service_was_killed_and_a_training_resumed_after_it_was_cancelled(
    browser, service, tmp_path
):
    dataset = upload(service, hours(700))
    visit = Visit(browser, service)
    page = visit.page
    page.goto(f"/datasets/{dataset}?name=load")
    visit.shows("#chart canvas")
    shorten_training(visit, epochs=40)
    visit.click("#train button[type=submit]")
    page.wait_for_url("**/jobs/job_*")
    visit.shows("#epoch", "of at most")
    os.killpg(service.processes[-1].pid, signal.SIGKILL)
    service.processes[-1].wait()
    visit.shows("#connection", "The service does not answer")
    start(service, port=httpx.URL(visit.home).port)
    expect(page.locator("#connection")).to_be_hidden(timeout=SLOW_MILLISECONDS)
    visit.shows("#state", "Training")
    before = page.text_content("#epoch")
    expect(page.locator("#epoch")).not_to_have_text(before, timeout=SLOW_MILLISECONDS)
    page.click("#actions button:has-text('Cancel')")
    visit.shows("#outcome", "Training was cancelled.")
    page.click("text=Resume from the last epoch")
    visit.shows("#state", "Training")
    page.click("#actions button:has-text('Cancel')")
    visit.shows("#outcome", "Training was cancelled.")
    visit.forgive_refusals()
    visit.close()


def test_a_page_waits_for_a_service_that_loads_however_long_it_takes(browser, trained):
    visit = Visit(browser, trained)
    loading = [503] * 6

    def answer(route):
        if not loading:
            return route.continue_()
        status, problem = loading.pop(), b'{"code":"not_ready","detail":"The service is still loading."}'
        return route.fulfill(status=status, content_type="application/problem+json", body=problem)

    visit.page.route("**/v1/models*", answer)
    visit.page.goto("/")
    visit.shows("#connection", "The service does not answer")
    visit.shows("main", "Forecast with m")
    expect(visit.page.locator("#connection")).to_be_hidden(timeout=SLOW_MILLISECONDS)
    assert not loading
    visit.forgive_refusals()
    visit.close()


def test_the_page_is_opened_at_the_address_that_is_printed(framed):
    service, _ = framed
    opened = service.log.with_name("opened")
    wait_until(lambda: opened.exists() and bool(opened.read_text()), "the page to be opened")
    assert opened.read_text().strip() == str(service.client.base_url).rstrip("/")


def test_a_page_of_another_origin_frames_what_it_is_allowed_to_and_nothing_else(browser, framed):
    service, wiki = framed
    visit = Visit(browser, service)
    visit.page.goto(f"{wiki}/page")
    allowed = visit.page.frame_locator("iframe >> nth=0")
    expect(allowed.locator("h1")).to_have_text("Forecast of a", timeout=SLOW_MILLISECONDS)
    expect(allowed.locator("canvas")).to_be_visible()
    assert visit.page.frame_locator("iframe >> nth=1").locator("nav").count() == 0
    assert any("frame-ancestors" in one for one in visit.complaints)
    visit.context.close()


def test_a_key_is_made_signed_in_with_and_asked_for_again_once_it_is_revoked(browser, framed):
    service, _ = framed
    visit = Visit(browser, service)
    page = visit.page
    page.goto("/keys")
    page.fill("#name", "browser")
    page.select_option("#scope", "admin")
    page.click("#create button")
    key = page.text_content("#outcome pre")
    page.goto("/datasets")
    page.wait_for_url("**/sign-in**")
    visit.check_look("desktop-sign-in")
    page.fill("#key", "lsk_wrong")
    page.click("#sign-in button")
    visit.shows("#outcome [role=alert]")
    page.fill("#key", key)
    page.click("#sign-in button")
    page.wait_for_url("**/datasets")
    visit.shows("#session", "browser")
    (cookie,) = visit.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    bearer = {"authorization": f"Bearer {key}"}
    (row,) = service.client.get("/v1/keys", headers=bearer).json()["data"]
    service.client.delete(f"/v1/keys/{row['id']}", headers=bearer)
    page.goto("/models")
    page.wait_for_url("**/sign-in?next=%2Fmodels")
    visit.shows("#outcome", "revoked")
    visit.forgive_refusals()
    visit.close()
