"""Reading a campaign file strictly, and saying in words what is wrong with a field of it."""

from __future__ import annotations

from typing import Any, Final

import yaml


class Plain(yaml.SafeLoader):
    """Without aliases, for a few lines of them can grow into gigabytes, and without silently doubled keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*) are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                # A name is a name: YAML 1.1 would read the key `on` as true.
                key.tag = "tag:yaml.org,2002:str"
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands here twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


MEND: Final = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not known here; check the spelling or take it out",
    "union_tag_not_found": "needs a kind: once, holiday, recurring or event",
    "union_tag_invalid": "there is no such kind; write once, holiday, recurring or event",
    "model_type": "is to be a mapping of its parts, such as {name: value}",
    "model_attributes_type": "is to be a mapping of its parts, such as {name: value}",
    "dict_type": "is to be a mapping of its parts, such as {name: value}",
    "string_type": "is to be text; put it in quotes",
    "finite_number": "is to be a number",
    "decimal_parsing": "is to be a number, such as 10 or 12.5",
}


_PATTERNS: Final = {
    "key": "small letters, digits, - and _, up to 80, beginning with a letter or digit",
    "topic": "small letters, digits, - and _, up to 60",
    "holiday": "small letters, digits and _, such as eid_al_fitr",
    "code_prefix": "2 to 12 capital letters and digits",
}


_NO_DAY: Final = ("date_parsing", "date_type", "date_from_datetime_parsing", "date_from_datetime_inexact")


def mended(item: Any) -> str:
    """The mend of what is too long, too short or of another shape; empty where pydantic's own words do."""
    told = item.get("ctx", {})
    if item["type"] == "string_pattern_mismatch" and item["loc"][-1] in _PATTERNS:
        return f"is to be made of {_PATTERNS[item['loc'][-1]]}"
    if item["type"] == "too_short" and item["loc"][-1] == "products":
        return "names no goods; choose at least one"
    if item["type"] == "too_short":
        return f"needs at least {told['min_length']} of its kind"
    if item["type"] == "string_too_short":
        return "is empty; write something"
    if item["type"] in _NO_DAY:
        return "is no day; write it as 2027-03-10"
    if item["type"] == "time_parsing":
        return "is no time of the day; write it as 09:00"
    return ""
