"""The page of a run: what it says, that it needs nothing else, that it only shows what came."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import html as parser

from feedengine.config import settings
from feedengine.model.identifiers import COUNTRIES
from feedengine.plays import check
from feedengine.plays.examples import LONGEST, MOST, Example, cut
from feedengine.plays.frames import Counts, FormatName, Looked
from feedengine.plays.job import Consulted
from feedengine.plays.matching import BASES
from feedengine.plays.moments import instant_of
from feedengine.plays.page import html
from feedengine.plays.plotting import MOST_COLUMNS, chart, share
from feedengine.plays.report import About, report
from feedengine.plays.reports import FORMATS
from feedengine.plays.rules import RULES
from feedengine.plays.sums import EARLIER, LATER, UNKNOWN, WINDOW_DAYS, Came, Summary

from .batches import play

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

NOW = "2024-04-30T12:00:00Z"
TODAY = date(2024, 4, 30)
SCRIPT = "<script>alert(1)</script>"


def summary(
    *,
    accepted: int = 0,
    delivered: int = 0,
    reasons: Mapping[str, int] | None = None,
    warnings: Mapping[str, int] | None = None,
    by_day: Mapping[str, Came] | None = None,
    by_country: Mapping[str, Came] | None = None,
    matched: Mapping[str, int] | None = None,
) -> Summary:
    """A run in which every rule cost rows of its own."""
    rejected = sum((reasons or {}).values())
    rows = accepted + rejected + delivered
    counts = Counts(rows, accepted, rejected, delivered, reasons or {}, {}, warnings or {})
    return Summary(counts, by_day or {}, by_country or {}, matched or {})


def page_of(
    found: Summary,
    examples: Mapping[str, list[Example]] | None = None,
    form: FormatName = "receipts",
    **about: Any,
) -> str:
    """The page of a run at `NOW`."""
    now = instant_of(NOW)
    assert now is not None
    return html(report(found, About(FORMATS[form], now, **about), examples))


def text_of(page: str) -> str:
    """What people read on a page, blanks made one."""
    body = parser.fromstring(page).find("body")
    assert body is not None
    return " ".join(body.text_content().split())


def judged(tmp_path: Path, rows: list[Any], **how: Any) -> str:
    """The page of these rows, judged as receipts, with the file's name as it was given."""
    path = tmp_path / "plays.jsonl"
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8"
    )
    check([path], settings(tmp_path), now=NOW, out=tmp_path / "out", **how)
    return (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_run_leaves_a_page_that_says_what_came_of_the_rows(tmp_path: Path) -> None:
    """How many, why not, what it means and what to do, by day, by country, what was filled."""
    page = judged(tmp_path, [play(), play(id=None), play(id=None, trackid="0", country="GB")])
    said = text_of(page)
    assert "accepted They break no rule and are what is sent. 2 66.7 %" in said
    rule = RULES["trackid-invalid"]
    assert f"trackid-invalid 1 33.3 % {rule.says} What to do: {rule.cure}" in said
    assert "plays.jsonl:3 trackid = 0" in said
    assert "2024-04-28 2 1 33.3 %" in said
    assert "US United States of America 2 0" in said
    assert "GB United Kingdom of Great Britain and Northern Ireland 0 1 100 %" in said
    assert "Column Rows id 2 66.7 %" in said
    assert "2024-04-30 12:00:00 UTC" in said
    assert "already delivered" not in said


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """No script, no other file, no address; the browser is told to fetch nothing."""
    page = judged(tmp_path, [play(), play(trackid="0")])
    tree = parser.fromstring(page)
    assert not tree.xpath("//script | //link | //img | //iframe | //object | //a | //form")
    assert not tree.xpath("//@src | //@href | //@srcset | //@*[starts-with(name(), 'on')]")
    assert not re.search(r"url\(|@import|https?:", page)
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_comes_from_logs_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    """Markup, quotes, what turns the direction of writing, lines, in values and in lines."""
    rows = [play(country=f'"{SCRIPT}\u202e\n\x1b[2J'), f"{SCRIPT} is no JSON"]
    page = judged(tmp_path, rows)
    assert SCRIPT not in page
    said = text_of(page)
    assert f'country = "{SCRIPT}\\u202e\\u000a\\u001b[2J' in said
    assert f"content = {SCRIPT} is no JSON" in said


def test_names_of_files_are_shown_and_never_obeyed() -> None:
    """Wherever they stand."""
    examples = {"country-empty": [Example(SCRIPT, 1, (("country", ""),))]}
    page = page_of(summary(reasons={"country-empty": 1}), examples, inputs=(SCRIPT,))
    assert SCRIPT not in page
    assert text_of(page).count(SCRIPT) == 2


def test_null_is_not_empty(tmp_path: Path) -> None:
    """What is not there is told from what is there and empty."""
    page = judged(tmp_path, [play(country=None), play(id=None, country=""), play(trackid="null")])
    tree = parser.fromstring(page)
    values = [value.text_content() for value in tree.xpath("//span[@class='value']")]
    assert values == ["trackid = NULL", "country = NULL", "country = "]
    assert len(tree.xpath("//span[@class='value']/i")) == 2


def test_a_few_rows_of_every_rule_are_shown_the_first_ones(tmp_path: Path) -> None:
    """Also when a rule comes late, and values are cut."""
    rows = [play(id=None, trackid="x" * 2000) for _ in range(MOST + 2)]
    rows.append(play(id=None, country=None))
    said = text_of(judged(tmp_path, rows))
    assert said.count(f"trackid = {'x' * LONGEST}… ") == MOST
    assert all(f"plays.jsonl:{row} " in said for row in range(1, MOST + 1))
    assert "x" * (LONGEST + 1) not in said
    assert f"plays.jsonl:{MOST + 3} country = NULL" in said


def test_rows_delivered_before_are_no_examples(tmp_path: Path) -> None:
    """Whatever they break now, nobody has to mend them."""
    consulted = Consulted(delivered=lambda ids: ids.low & np.uint64(0xFF) == 7)
    sent = play(id="00000000-0000-4000-8000-000000000007", trackid="0")
    said = text_of(judged(tmp_path, [sent], consulted=consulted))
    assert "No row was rejected." in said
    assert "already delivered This way out sent them before; they are not sent again. 1" in said
    said = text_of(judged(tmp_path, [sent, play(trackid="-1")], consulted=consulted))
    assert "plays.jsonl:2 trackid = -1" in said
    assert "plays.jsonl:1" not in said


class Strict:
    """A catalogue in which nothing is available and everything is matched."""

    def look(self, batch: pa.RecordBatch, form: FormatName, /) -> Looked:
        """Refuse every row."""
        assert form == "receipts"
        every = np.ones(batch.num_rows, np.bool_)
        return Looked(batch, {"L12": every}, {"L13": every}, {"releaseid": 1}, {"isrc": 2})


def test_the_catalogue_speaks_on_the_page(tmp_path: Path) -> None:
    """Its change, its rules with the play they refused, its warnings, its matches."""
    consulted = Consulted(Strict(), seq=12345)
    said = text_of(judged(tmp_path, [play(), play(id=None)], consulted=consulted))
    assert "as of its change 12,345" in said
    assert "What was not judged" not in said
    assert (
        "plays.jsonl:1 country = us trackid = 145213707 releaseid = 19699577"
        " datetimeplayed = 2024-04-28T13:13:15.674"
    ) in said
    assert f"L13 2 100 % {RULES['L13'].says}" in said
    assert "isrc The ISRC is the track's. 2 100 %" in said
    found = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert found["matched"] == {"isrc": 2}


def test_what_was_not_judged_is_said_aloud(tmp_path: Path) -> None:
    """The notes of the run; without any, that no catalogue was asked."""
    note = "availability was not judged (L12)"
    said = text_of(judged(tmp_path, [play()], consulted=Consulted(Strict(), seq=1, notes=(note,))))
    assert "What was not judged Availability was not judged (L12)." in said
    assert "What was not judged No catalogue was asked" in text_of(judged(tmp_path, [play()]))


def test_every_kind_of_match_is_explained() -> None:
    """In words, not by its name alone."""
    tree = parser.fromstring(page_of(summary(accepted=9, matched=dict.fromkeys(BASES, 1))))
    cells = tree.xpath("//section[@aria-labelledby='matched']//tbody//th")
    assert [cell.find("code").text for cell in cells] == list(BASES)
    assert all(cell.find("span[@class='says']").text for cell in cells)


def test_a_run_without_rows_has_a_page() -> None:
    """It says so, and has no empty plots."""
    page = page_of(summary())
    assert "There were no rows." in text_of(page)
    assert not parser.fromstring(page).xpath("//table | //figure")


def largest(form: FormatName) -> tuple[Summary, dict[str, list[Example]]]:
    """A run in which everything happened, with values that grow most when they are written."""
    columns = {column.name for column in FORMATS[form].columns}
    rules = [
        rule for rule in RULES.values() if rule.column in {*columns, ""} or rule.name[0] == "L"
    ]
    bad = cut("'" * 2000)
    values = [("country", bad), *((f"column{number}", bad) for number in range(6))]
    few = [("trackid", bad)]
    examples = {
        name: [Example(bad, 10**9, tuple(values if name[0] == "L" else few))] * MOST
        for name in RULES
    }
    many = Came(10**9, 10**9, 10**9)
    days = (TODAY - timedelta(days=back) for back in range(WINDOW_DAYS - 2, -1, -1))
    found = summary(
        accepted=10**12,
        delivered=10**9,
        reasons={rule.name: 10**9 for rule in rules if not rule.warning},
        warnings={rule.name: 10**9 for rule in rules if rule.warning},
        by_day={EARLIER: many, **{f"{day}": many for day in days}, LATER: many, UNKNOWN: many},
        by_country={**dict.fromkeys(COUNTRIES, many), UNKNOWN: many},
        matched=dict.fromkeys(BASES, 10**9),
    )
    return found, examples


@pytest.mark.parametrize("form", list(FORMATS))
def test_the_page_is_never_large(form: FormatName) -> None:
    """Below 500 KB, whatever comes."""
    found, examples = largest(form)
    inputs = tuple(cut("'" * 2000) for _ in range(1000))
    assert len(page_of(found, examples, form, inputs=inputs).encode()) < 500_000


def test_numbers_are_written_with_separators() -> None:
    """Thousands apart, everywhere that people read."""
    found, examples = largest("playlist")
    page = page_of(found, examples, "playlist", seq=1234567)
    assert "as of its change 1,234,567" in text_of(page)
    tree = parser.fromstring(page)
    for part in tree.xpath("//*[@class='number' or @class='axis'] | //caption | //summary"):
        assert not re.search("[0-9]{4}", part.text_content())
    assert all(": 7,000,000,000 accepted" in name for name in tree.xpath("//@title")[-9:-1])


def test_tables_are_named_and_their_cells_have_heads() -> None:
    """Who cannot see the plots has the numbers; pictures say what they show."""
    found, examples = largest("playlist")
    tree = parser.fromstring(page_of(found, examples, "playlist"))
    tables = tree.xpath("//table")
    assert tables
    for table in tables:
        assert table.xpath("string(caption)")
        assert all(head.get("scope") for head in table.xpath(".//th"))
        for row in table.xpath("tbody/tr[not(td[@colspan])]"):
            assert len(row) == len(table.xpath("thead/tr/th"))
    (figure,) = tree.xpath("//figure")
    assert (figure.get("role"), bool(figure.get("aria-label"))) == ("img", True)
    assert all(bar.get("aria-hidden") for bar in tree.xpath("//*[starts-with(@class, 'bar')]"))


def test_most_countries_are_folded_away_and_the_largest_are_not() -> None:
    """Those without one come last, however many they are."""
    some = {code: Came(rank) for rank, code in enumerate(sorted(COUNTRIES), 1)}
    found = report(
        summary(by_country={**some, UNKNOWN: Came(10**6)}), About(FORMATS["receipts"], 0)
    )
    names = [place.name for place in (*found.countries, *found.more_countries)]
    assert names == [*sorted(COUNTRIES, reverse=True), UNKNOWN]
    assert len(found.countries) < 30
    few = dict(list(some.items())[:21])
    assert report(summary(by_country=few), About(FORMATS["receipts"], 0)).more_countries == ()


@given(st.integers(0, 10**7), st.integers(0, 10**7))
@example(4, 9996)
@example(9996, 4)
def test_a_share_is_never_said_to_be_all_or_nothing(many: int, others: int) -> None:
    """Unless it is."""
    said = share(many, many + others)
    assert (said == "100 %") == (bool(many) and not others)
    assert (said == "0 %") == (not many and bool(others))
    assert "100.0" not in said
    assert not said.startswith("0.0 ")


day_numbers = st.dictionaries(
    st.integers(-WINDOW_DAYS + 2, 1),
    st.builds(Came, st.integers(0, 10**9), st.integers(0, 9), st.integers(0, 99)),
    max_size=8,
)


@given(day_numbers, st.sampled_from([date.min, TODAY - timedelta(days=61)]))
def test_a_chart_has_every_row_once_or_says_that_it_left_it_out(
    found: dict[int, Came], oldest: date
) -> None:
    """Empty days are drawn; no column is higher than the axis; labels are few."""
    named = {f"{TODAY + timedelta(days=day)}": found[day] for day in sorted(found)}
    named = {EARLIER: Came(1), **{day: came for day, came in named.items() if came.rows}}
    drawn = chart({**named, UNKNOWN: Came(0, 2)}, oldest)
    if drawn is None:
        assert all(day == EARLIER or date.fromisoformat(day) < oldest for day in named)
        return
    rows = [column.came.rows for column in drawn.columns]
    assert sum(rows) + drawn.left_out == sum(came.rows for came in named.values()) + 2
    assert drawn.left_out >= 3
    span = (date.fromisoformat(drawn.last) - date.fromisoformat(drawn.first)).days + 1
    assert len(rows) == (-(-span // 7) if drawn.by_week else span)
    assert len(rows) <= MOST_COLUMNS
    assert max(rows) <= drawn.top <= 2 * max(rows)
    assert rows[-1]
    assert 1 <= len(drawn.labels) <= 6
    for column in drawn.columns:
        assert sum(float(part.percent) for part in column.parts) <= 100.01


def test_a_play_that_is_too_old_does_not_press_the_others_together() -> None:
    """Where the recipient takes none so old; it stands in the table."""
    days = {"2023-09-01": Came(0, 1), "2024-04-28": Came(5), "2024-04-29": Came(6)}
    found = summary(accepted=11, reasons={"datetimeplayed-too-old": 1}, by_day=days)
    assert parser.fromstring(page_of(found)).xpath("count(//*[@class='column'])") == 2
    said = text_of(page_of(found))
    assert "Not drawn, but in the table" in said
    assert "2023-09-01 0 1 100 %" in said
    assert "Each column is seven days" in text_of(page_of(found, form="playlist"))


def test_equal_sums_give_equal_pages() -> None:
    """Whatever the order of the countries that came."""
    some = {code: Came(1) for code in COUNTRIES}
    other = dict(reversed(some.items()))
    assert page_of(summary(by_country=some)) == page_of(summary(by_country=other))


def test_judging_alone_imports_nothing_that_pages_need() -> None:
    """Jinja costs start-up; only who writes a page pays it."""
    code = "import sys, feedengine.plays.checking; print(*sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "jinja2" not in made.stdout.split()
