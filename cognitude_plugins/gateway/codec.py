"""The JSON codec of the request path: orjson, strict (no NaN, no trailing garbage, nesting bounded by the parser)."""

from __future__ import annotations

from typing import Final

import orjson

from hooks.payload import Codec

CODEC: Final = Codec(orjson.loads, orjson.dumps)
