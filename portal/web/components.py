"""The components of templates/components/ as one template global, `ui`.

`{{ ui.money(case.balance_ore) }}`, `{% call ui.notice('good') %}…{% endcall %}`. A global works in
a block that is rendered alone for htmx too, where the imports at the top of a page do not count.
"""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask
from jinja2 import Environment

from portal.config import ROOT
from portal.web import charts

FOLDER = ROOT / "templates" / "components"
_MACRO = re.compile(r"{%-? macro ([a-z]\w*)\(")


class Component:
    """A macro that is looked up when it is called, so that a changed template is seen."""

    def __init__(self, environment: Environment, template: str, name: str) -> None:
        self._environment, self._template, self._name = environment, template, name

    def __call__(self, *args: Any, **values: Any) -> str:
        module = self._environment.get_template(self._template).module
        markup: str = getattr(module, self._name)(*args, **values)
        return markup


def names() -> dict[str, Path]:
    """Every component's name, and the file that it is in."""
    files = sorted(FOLDER.glob("*.html"))
    return {name: path for path in files for name in _MACRO.findall(path.read_text())}


def init_app(app: Flask) -> None:
    """Give every template the components."""
    ui = {
        name: Component(app.jinja_env, f"components/{path.name}", name)
        for name, path in names().items()
    }
    app.jinja_env.globals["ui"] = SimpleNamespace(**ui)
    # Of a chart's legend.
    app.jinja_env.globals["chart_key"] = charts.key
