"""Inspect in the browser: the flip gallery between two runs, every section, and a cancelled evaluation."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.data import ImportOptions, Library, ShapesSource
from core.insight.flips import Flips, flips
from core.insight.outcomes import val_outcomes
from core.recipe import recipe_from_draft
from core.runs import Run, RunStore, train
from tests.browser.servers import Server
from tests.browser.walk import expect_no_failure, open_page, settled

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def runs(server: Server) -> tuple[Run, Run]:
    """Two seeds of one small network on the same images, trained for real."""
    library, store = Library(server.data), RunStore(server.runs)
    library.import_dataset(
        ShapesSource(classes=5, images=1800, image_size=28), "shapes", ImportOptions(val_fraction=0.5)
    )
    return _trained(store, library, "before", 0), _trained(store, library, "after", 1)


def _trained(store: RunStore, library: Library, name: str, seed: int) -> Run:
    draft = {
        "data": {"name": "shapes"},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 8},
        "augmentations": [{"kind": "horizontal_flip"}],
        "optimizer": {"kind": "adam", "lr": 0.01},
        "epochs": 2,
        "batch_size": 32,
        "seed": seed,
        "precision": "fp32",
        "device": "cpu",
    }
    run = store.create(recipe_from_draft(draft), library.open("shapes").info, name=name, queue=False)
    assert train(run, library).state == "finished"
    return run


def counted(runs: tuple[Run, Run]) -> Flips:
    before, after = runs
    return flips(val_outcomes(before), val_outcomes(after))


def test_the_flip_gallery_shows_what_a_run_fixed_and_broke(
    server: Server, page: Page, runs: tuple[Run, Run]
) -> None:
    before, after = runs
    found = counted(runs)
    assert len(found.fixed) > 0 and len(found.broken) > 0
    open_page(page, f"{server.url}/inspect?run={after.id}&against={before.id}")
    expect(page.get_by_text(re.compile(rf"^Fixed · {len(found.fixed)}$"))).to_be_visible()
    expect(page.get_by_role("figure")).to_have_count(min(24, len(found.fixed)))
    picture = page.get_by_role("figure").first.locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => [image.naturalWidth, image.width % image.naturalWidth]") == [28, 0]
    broken = page.get_by_text(re.compile(rf"^Broken · {len(found.broken)}$"))
    broken.click()
    settled(page)
    expect(page.get_by_role("figure")).to_have_count(min(24, len(found.broken)))
    expect_no_failure(page)
    # A reload comes back to the same two runs.
    page.reload()
    expect(page.get_by_role("figure").first).to_be_visible()
    assert f"against={before.id}" in page.url and "view=flips" in page.url


def test_every_section_is_drawn_and_votes_are_taken_once(
    server: Server, page: Page, runs: tuple[Run, Run]
) -> None:
    run = runs[0]
    open_page(page, f"{server.url}/inspect?run={run.id}")
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    expect(page.locator(".vega-embed canvas, .vega-embed svg").first).to_be_visible()
    sections = {
        "Errors": "the network was surest of",
        "Flips": "Choose a second run",
        "Checkpoints": "was not looked at",
    }
    for section, words in sections.items():
        page.get_by_role("radio", name=section).click()
        expect(page.get_by_text(words)).to_be_visible()
        expect_no_failure(page)
    page.get_by_role("radio", name="TTA").click()
    page.get_by_role("button", name="Evaluate with TTA").click()
    expect(page.get_by_text(re.compile(r"TTA with 8 views fixes \d+ and breaks \d+"))).to_be_visible()
    expect(page.get_by_text("Accuracy by class")).to_have_count(0)
    expect_no_failure(page)
    assert [(look.split, look.tta_views) for look in run.looks()] == [("val", 8)]


def test_a_cancelled_evaluation_leaves_nothing(server: Server, page: Page, runs: tuple[Run, Run]) -> None:
    run = runs[1]
    open_page(page, f"{server.url}/inspect?run={run.id}&view=checkpoints")
    views = page.get_by_role("spinbutton", name="TTA views")
    views.fill("32")
    views.press("Enter")
    settled(page)
    page.get_by_role("button", name="Evaluate", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect_no_failure(page)
    assert [look for look in run.looks() if look.checkpoint_epoch == run.status().epoch] == []
