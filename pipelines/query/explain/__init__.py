"""From a figure of the current release to the agency's file, line, checksum and vintage.

Rooms: ``question`` reads ``"<table> <key>"``, ``chains``, ``trends``, ``comparisons`` and ``statistics`` know what a
row is made of, ``seeds`` the lists that the project ships, ``evidence`` finds and verifies the records, ``records``
reads them, ``answer`` is the result.
"""

from __future__ import annotations

from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings
from pipelines.query.explain.answer import Explanation, Fact, Line, State
from pipelines.query.explain.chains import FACTS, Chain, other
from pipelines.query.explain.comparisons import COMPARISONS
from pipelines.query.explain.current import Current
from pipelines.query.explain.evidence import gather
from pipelines.query.explain.question import Question, ask
from pipelines.query.explain.statistics import STATISTICS, derived_month
from pipelines.query.explain.trends import TRENDS, dimension
from pipelines.query.session import Session

__all__ = ["Explanation", "Fact", "Line", "State", "explain"]

SHOWN = 10


def explain(settings: Settings, text: str, limit: int = SHOWN) -> Explanation:
    """Explain one released row, named as ``"<table> <key>"`` (see question.ask).

    limit: records and released rows shown of a sum over many; their numbers are always exact. Every file is compared
    with its receipt before a record of it is quoted.

    Raises DrugflowError where nothing is released, the question names no row or several, the clean rows are of another
    build, or an archived file is absent or changed.
    """
    with Session(settings) as session:
        current = Current(settings, session)
        question = ask(current, text)
        chain = _chain(current, question)
        shown = chain.wanted[:limit] if chain.is_sum else chain.wanted
        evidence = gather(current, shown, brief=chain.is_sum)
        return Explanation(
            release_id=session.release_id,
            realm=session.realm,
            table=question.table.name,
            key=question.key,
            row=question.row,
            steps=[*chain.steps, *evidence.steps, *_vintage_step(question)],
            facts=chain.facts[:limit] if chain.is_sum else chain.facts,
            fact_count=chain.fact_count,
            nonzero_count=chain.nonzero_count,
            lines=[*chain.lines, *evidence.lines],
            lines_left_out=len(chain.wanted) - len(shown),
            history=evidence.history,
        )


def _chain(current: Current, question: Question) -> Chain:
    name = question.table.name
    if name.startswith("dim_"):
        return dimension(current, question.row, name)
    if name == "overdose_deaths_monthly" and question.row["basis"] == "derived":
        return derived_month(current, question.row)
    resolve = {**FACTS, **TRENDS, **COMPARISONS, **STATISTICS}.get(name)
    return other(name) if resolve is None else resolve(current, question.row)


def _vintage_step(question: Question) -> list[str]:
    row = question.row
    if row.get("source_id") not in load_catalog() or "first_vintage" not in row:
        return []
    covers, first = "is the newest one that covers the row", "is the first one with the present values of its records"
    if row.get("is_filled"):
        first = "is the first one that covers it without such a record, or that took the record out"
    elif row.get("basis") == "derived":
        covers, first = "is that of both totals", "is the day from which all three counts were published"
    return [f"vintage {row['vintage']} {covers}; first_vintage {row['first_vintage']} {first}."]
