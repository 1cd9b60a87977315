"""From a figure of the current release to the agency's file, line, checksum and vintage.

Rooms: ``question`` reads ``"<table> <key>"``; ``follow`` is the engine that follows the recipe of the row's table, with
``rows`` (filters), ``seeds`` (lists that the project ships) and ``hooks`` (what no recipe can say); ``evidence`` finds
and verifies the records, ``records`` reads them, ``answer`` is the result. What a table is made of stands in its own
file, under the key ``explain``; pipelines/catalog/recipe.py says what may stand there.
"""

from __future__ import annotations

from pipelines.core.settings import Settings
from pipelines.query.explain.answer import Explanation, Fact, Line, State
from pipelines.query.explain.current import Current
from pipelines.query.explain.evidence import gather
from pipelines.query.explain.follow import follow
from pipelines.query.explain.question import ask
from pipelines.query.session import Session

__all__ = ["Explanation", "Fact", "Line", "State", "explain"]

SHOWN = 10


def explain(settings: Settings, text: str, limit: int = SHOWN) -> Explanation:
    """Explain one released row, named as ``"<table> <key>"`` (see question.ask).

    limit: records and released rows shown of a sum over many; their numbers are always exact. Every file is compared
    with its receipt before a record of it is quoted.

    Raises DrugflowError where nothing is released, the question names no row or several, the table has nothing to
    explain, the clean rows are of another build, or an archived file is absent or changed.
    """
    with Session(settings) as session:
        current = Current(settings, session)
        question = ask(current, text)
        chain = follow(current, question.table, question.row)
        shown = chain.wanted[:limit] if chain.is_sum else chain.wanted
        evidence = gather(current, shown, brief=chain.is_sum)
        return Explanation(
            release_id=session.release_id,
            realm=session.realm,
            table_schema=question.table.table_schema,
            table=question.table.name,
            key=question.key,
            row=question.row,
            steps=[*chain.steps, *evidence.steps, *chain.last],
            facts=chain.facts[:limit] if chain.is_sum else chain.facts,
            fact_count=chain.fact_count,
            nonzero_count=chain.nonzero_count,
            lines=[*chain.lines, *evidence.lines],
            lines_left_out=len(chain.wanted) - len(shown),
            history=evidence.history,
        )
