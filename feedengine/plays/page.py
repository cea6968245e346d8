"""The page of a run as HTML: one file that needs no other, from the templates in ``html``."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from feedengine.plays.report import Report


def html(found: Report) -> str:
    """The page. All text is escaped; equal reports give equal bytes."""
    made = Environment(
        loader=PackageLoader("feedengine.plays", "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["number"] = "{:,}".format
    return made.get_template("report.html").render(report=found)
