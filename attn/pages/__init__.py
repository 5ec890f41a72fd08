"""Pages of HTML that hold all they need: one file, which opens without a network."""

import base64
import html
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any


def page(
    title: str,
    *,
    name: str,
    data: Mapping[str, Any],
    parts: Sequence[str] = (),
    libraries: Sequence[str] = (),
) -> str:
    """A page as text: ``NAME.html`` within the frame of all pages, its style, its script, its data.

    ``parts`` are further scripts, which stand before ``NAME.js``. That one hands ``start`` a
    function, which is called with the data once it and ``libraries``, texts of JavaScript, are
    unpacked. All these are kept deflated. Nothing is fetched, whatever a text in the data says: the
    page forbids it to the browser.
    """
    packed = {"data": json.dumps(data, ensure_ascii=False, allow_nan=False)}
    packed |= {f"library-{number}": text for number, text in enumerate(libraries)}
    return _asset("frame.html").format(
        title=html.escape(title),
        style=_asset("frame.css") + _asset(f"{name}.css"),
        body=_asset(f"{name}.html"),
        packed="".join(_packed(key, text) for key, text in packed.items()),
        script="".join(_asset(f"{one}.js") for one in ("frame", *parts, name)),
    )


def _asset(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _packed(key: str, text: str) -> str:
    """A text that cannot end the element it stands in, whatever it holds."""
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return _asset("packed.html").format(key=key, packed=packed)
