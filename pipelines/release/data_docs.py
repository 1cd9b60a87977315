"""The validation pages of a release: what Great Expectations said of every vintage, readable offline."""

from __future__ import annotations

import html
import re
from pathlib import Path

from pipelines.core.settings import Settings
from pipelines.core.types import SAMPLE, Realm
from pipelines.quality.suite import PAGE_STYLE
from pipelines.quality.verdict import Verdict
from pipelines.status.account import Account

SAMPLE_BANNER = f"<p><strong>{SAMPLE}.</strong></p>"


def data_docs(settings: Settings, realm: Realm, accounts: list[Account], target: Path) -> None:
    """Copy the pages into ``target`` and write their index; nothing in them is fetched from a network."""
    banner = SAMPLE_BANNER if realm == "sample" else ""
    sections = []
    for account in accounts:
        vintages = "".join(_entry(settings, realm, verdict, target) for verdict in account.verdicts)
        sections.append(f"<h2>{html.escape(account.source.title.en)}</h2><ul>{vintages}</ul>")
    target.mkdir(parents=True, exist_ok=True)
    head = f'<head><meta charset="utf-8"><title>drugflow data docs</title>{PAGE_STYLE}</head>'
    body = f"<body><h1>Validation of every vintage</h1>{banner}{''.join(sections)}</body>"
    (target / "index.html").write_text(f'<!doctype html><html lang="en">{head}{body}</html>', "utf-8")


def _entry(settings: Settings, realm: Realm, verdict: Verdict, target: Path) -> str:
    failed = [c.id for c in verdict.checks if not c.passed]
    problem = verdict.problem.said("en", advice=False) if verdict.problem else None
    said = f": {html.escape(problem)}" if problem else ""
    said += f" · failed: {', '.join(failed)}" if failed else ""
    links = []
    for page in verdict.pages:
        place = settings.stage("quality", realm) / page
        if place.exists():
            (target / page).parent.mkdir(parents=True, exist_ok=True)
            text = place.read_text("utf-8")
            if realm == "sample":
                text = re.sub(r"<body\b[^>]*>", r"\g<0>" + SAMPLE_BANNER, text, count=1)
            (target / page).write_text(text, "utf-8")
            links.append(f'<a href="{page}">{Path(page).stem.split("__")[1]}</a>')
    return f"<li>{verdict.vintage}: {verdict.state.replace('_', ' ')}{said}<br>{' '.join(links)}</li>"
