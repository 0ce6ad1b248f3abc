"""The form in a real browser: by keyboard alone, on a phone's width, without a script."""

import os
from pathlib import Path

import pytest

from creditrisk.serve.form import HEADINGS
from tests.support.browser import needs_chromium
from tests.support.champions import project
from tests.support.devtools import browser
from tests.support.running_service import running

SHOTS = os.environ.get("SCREENSHOTS")  # a folder: keeps pictures for a person to look at

# Ratio of the luminances of text and background (WCAG 2.2, 1.4.3), the least of all elements.
CONTRAST = """
(() => {
  const light = (rgb) => {
    const part = rgb.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const written = [...document.body.querySelectorAll('*')].filter((e) => e.innerText);
  return Math.min(...written.map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    with running(project(tmp_path_factory.mktemp("form") / "p", "lr")) as found:
        yield found


def shot(page, name: str) -> None:
    if SHOTS:
        page.picture(Path(SHOTS) / f"{name}.png")


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_a_person_fills_in_the_form_by_keyboard_and_reads_the_decision(service, tmp_path, width):
    cells = {"laufkont": "2", "laufzeit": "48", "hoehe": "5951", "alter": "22"}
    names = {"status": "2", "duration": "48", "amount": "5951", "age": "22"}
    wanted = service.post("/v1/score", {"applicants": [cells], "reasons": 4})[1]["results"][0]
    with browser(tmp_path / "profile", width) as page:
        page.open(f"http://127.0.0.1:{service.port}/")
        shot(page, f"form-{width}")
        inputs = "[...document.querySelectorAll('input, select')]"
        assert page.ask(f"{inputs}.every((e) => e.labels.length === 1 && e.labels[0].innerText)")
        assert page.ask(f"{inputs}.every((e) => e.getBoundingClientRect().height >= 44)")
        assert page.ask("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.ask(CONTRAST) >= 4.5
        page.ask("document.body.focus()")
        for _ in range(page.ask(f"{inputs}.length")):
            page.press("Tab")
            name = page.ask("document.activeElement.name")
            if name in names and page.ask("document.activeElement.tagName") == "INPUT":
                page.write(names[name])
            elif name in names:
                while page.ask("document.activeElement.value") != names[name]:
                    page.press("ArrowDown")
        page.press("Tab")
        assert page.ask("document.activeElement.innerText") == "Score"
        page.forget()
        page.press("Enter")
        page.wait_for("Page.loadEventFired")
        heading = HEADINGS[wanted["decision"]]
        assert page.ask("document.querySelector('#decision').innerText") == heading
        assert page.ask("document.querySelector('#pd').dataset.pd") == repr(wanted["pd"])
        assert page.ask("document.querySelector('#points').innerText") == str(wanted["score"])
        assert page.ask("document.title").startswith(heading)
        text = page.ask("document.body.innerText")
        assert all(one["value"] in text for one in wanted["reasons"])
        assert "purpose: not given" in text
        assert page.ask("document.querySelector('[name=age]').value") == "22"
        assert page.ask("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.ask(CONTRAST) >= 4.5
        shot(page, f"decision-{width}")
        assert [e for e in page.events if e.get("method") == "Log.entryAdded"] == []
