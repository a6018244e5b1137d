"""What `tangga campaigns` prints for people, out of the documents that ``--json`` prints whole."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from plugin_server.cli.ladder import table

Document = Mapping[str, Any]


def shown(found: Document) -> str:
    """One campaign: what it is, when it fires next, and its runs, newest first."""
    campaign = found["campaign"]
    rungs = campaign.get("audience", {}).get("rungs", "all")
    lines = [
        f"{found['key']}: {found['name']}",
        f"  {found['state']}, version {found['version']}, trigger {found['trigger']}",
        f"  for {'all rungs' if rungs == 'all' else ', '.join(rungs)}; in {', '.join(_languages(campaign))}",
        *_nexts(found["next"]),
        *(series_lines(found["series"]) if found.get("series") else []),
    ]
    if not found["runs"]:
        return "\n".join([*lines, "It has not run yet."])
    return "\n".join([*lines, "Runs:", *(f"  {line}" for item in found["runs"] for line in ran(item).splitlines())])


def _languages(campaign: Document) -> list[str]:
    messages = [campaign.get("message", {}), *(step.get("message", {}) for step in campaign.get("steps", []))]
    return sorted({language for message in messages for language in message})


def series_lines(found: Document) -> list[str]:
    """Where people stand in a series, and how they left it."""
    left = _counts(found["left"]) or "nobody"
    rows: list[tuple[Any, ...]] = [("step", "kind", "stand here", "been through", "what came of it")]
    for one in found["steps"]:
        rows.append((one["key"], one["kind"] or "former", one["standing"], one["passed"], _counts(one["notes"])))
    return [f"Entered {found['entered']}, inside {found['inside']}, left: {left}", table(rows)]


def steps_shown(found: list[Document]) -> list[str]:
    """The steps of a series, each with where it leads and how its mail reads."""
    lines = []
    for one in found:
        ways = ", ".join(f"{way['way']} → {way['key'] or 'exit'}" for way in one["to"])
        lines.append(f"{one['key']} ({one['kind']}): {one['does']}  {ways}")
        for language, mail in one.get("mails", {}).items():
            lines.append(f"    [{language}] {mail['subject']}")
    return lines


def moving(found: Document) -> str:
    """Who would go where, or that they went."""
    lines = [f"{found['campaign']}: the newest version is {found['version']}."]
    for one in found["inside"]:
        where = f"to version {found['version']}" if one["goes"] else "stay: the newest version lacks this step"
        lines.append(f"  {one['people']} at {one['step']} (version {one['version']}): {where}")
    if not found["inside"]:
        return f"{lines[0]} Everybody inside has it."
    done = f"{found['moved']} were moved." if found["moved"] else "Nobody was moved; add --yes to do it."
    return "\n".join([*lines, done])


def ending(found: Document) -> str:
    """What ends with a campaign and what stays, or that it did."""
    word = "are" if found["ended"] else "would be"
    lines = [
        f"{found['mails']} waiting mails {word} never sent, {found['inside']} people {word} out of its series; "
        f"{found['codes']} codes stay good, and its results are read on their day.",
        f"{found['key']} has ended." if found["ended"] else "Nothing has ended; add --yes to do it, for good.",
    ]
    return "\n".join(lines)


def ran(run: Document) -> str:
    """One run: its state with the reason, how many it reached, and what became of the mails."""
    reason = f": {run['reason']}" if run["reason"] else ""
    lines = [f"run {run['run']} ({run['occasion']}), due {_moment(run['due_at'])}, {run['state']}{reason}"]
    lines.append(f"  {_reached(run)}")
    if run["messages"]:
        lines.append(f"  mails: {_counts(run['messages'])}")
    if run.get("series"):
        lines += series_lines(run["series"])
    return "\n".join(lines)


def previewed(found: Document) -> str:
    """Who would get it, who not and why, what the offer costs, when it fires next, and how each mail reads."""
    lines = [f"{found['campaign']}: {_reached(found)}"]
    if found["hindrance"]:
        lines.append(f"Nothing would be sent now: {found['hindrance']}")
    lines += [f"  {count} left out: {found['reasons'][key]}" for key, count in found["excluded"].items()]
    if offer := found["offer"]:
        lines.append(
            f"Offer: {offer['codes']} codes, expected to cost {_money(offer['liability_each'])} each and "
            f"{_money(offer['liability'])} together if all are used. {offer['sentence']}"
        )
    lines += [line for one in found["baskets"] for line in _baskets(one)]
    lines += [*_power(found["power"]), *_nexts(found["next"])]
    if found["sample"]:
        people = [f"{one['name'] or '(no name)'} <{one['email']}>, {_stands(one)}" for one in found["sample"]]
        lines += ["Some of them:", *(f"  {one}" for one in people)]
    lines += steps_shown(found["steps"]) if found.get("steps") else []
    for language, mail in found["mails"].items():
        lines += ["", f"[{language}] {mail['subject']}", *(f"  {line}".rstrip() for line in mail["text"].splitlines())]
        lines += [f"  Unknown here: {name}" for name in mail["missing"]]
    return "\n".join(lines)


def _baskets(shop: Document) -> list[str]:
    """What one shop does with the offer, and what example baskets come to there."""
    lines = [f"In {shop['store']}: {shop['told']}", *(f"  {step}" for step in shop["shopper"])]
    for one in shop["baskets"]:
        goods = ", ".join(f"{line['count']} × {line['title']}" for line in one["goods"])
        left = f", leaves {_money(one['left'])}" if one["left"] else ""
        held = (
            f"pays {_money(one['pays'])} instead of {_money(one['full'])}"
            if one["holds"]
            else "the offer does not hold"
        )
        lines.append(f"  {goods}: {held}; costs you {_money(one['gives'])}{left}")
    return lines


def _power(found: Document) -> list[str]:
    if found["base"] is None:
        return ["Too few of them reach the goal by themselves to say how small an effect could be seen."]
    usual = f"{found['base']:.1%} of them reach the goal in {found['days']} days by themselves"
    rise = found["detectable"]
    seen = f"a rise of {rise * 100:.1f} points or more would be seen" if rise else "no rise could be told from chance"
    lines = [f"{usual}; against {found['holdout']} held out, {seen} four times out of five."]
    if tried := found["variants"]:
        rise = tried["detectable"]
        apart = f"from {rise * 100:.1f} points on" if rise else "by no difference at all"
        lines.append(f"Variants ({_counts(tried['sizes'])}) can be told apart {apart}.")
    return lines


def backtested(found: Document) -> str:
    """Month by month whom it would have met and what it would have cost, and what the figures rest on."""
    reached = f"{found['people']} people, {found['treated']} mails, {found['holdout']} held out"
    lines = [f"{found['campaign']}, {found['from']} to {found['to']}: fired {found['fired']} times; {reached}"]
    lines += [f"  {count} left out: {found['reasons'][key]}" for key, count in found["excluded"].items()]
    if found["months"]:
        cost = ("cost at most",) if found["offer"] else ()
        rows: list[tuple[Any, ...]] = [("month", "days", "mails", "held out", *cost)]
        for one in found["months"]:
            paid = (_money(one["liability"]),) if found["offer"] else ()
            rows.append((one["month"], one["firings"], one["treated"], one["holdout"], *paid))
        lines.append(table(rows))
    if offer := found["offer"]:
        each, total = _money(offer["liability_each"]), _money(offer["liability"])
        lines.append(f"Offer: {each} each, {total} together if all are used. {offer['sentence']}")
        if offer["budget_reached_on"]:
            lines.append(f"The budget would have been used up on {offer['budget_reached_on']}.")
    lines += _walked(found["series"]) if found.get("series") else []
    if found["sample"]:
        lines.append("Some of them:")
        lines += [f"  {one['last']}  {one['name']} <{one['email']}>, {one['times']} ×" for one in found["sample"]]
    return "\n".join([*lines, *found["basis"]])


def _walked(found: Document) -> list[str]:
    """Who would have come how far in a series, and what its codes would have cost."""
    lines = [f"Entered {found['entered']}, still inside {found['inside']}; left: {_counts(found['left']) or 'nobody'}"]
    if found["turned_away"]:
        lines.append(f"  {found['turned_away']} times somebody was inside already, or came back too soon")
    rows: list[tuple[Any, ...]] = [("step", "kind", "did")]
    for one in found["steps"]:
        asked = f"{one['then']} yes, {one['else']} no"
        rows.append((one["key"], one["kind"], asked if one["kind"] == "condition" else one["did"]))
    mails = found["mails"]
    spread = ", ".join(f"{people} got {n}" for n, people in mails["by_person"].items())
    lines += [table(rows), f"{mails['total']} mails to {mails['people']} people ({spread or 'none'})"]
    crowded = found["crowded"]
    lines.append(f"{crowded['mails']} of them within {crowded['days']} days of another campaign's mail")
    for one in found["offers"]:
        lines.append(f"{one['codes']} codes of {one['key']}: {_money(one['liability'])} if all are used")
    if found["budget_reached_on"]:
        lines.append(f"The budget would have been used up on {found['budget_reached_on']}.")
    return lines


def results(found: Document) -> str:
    """The verdict first, then arms, differences with intervals, offers, movement and money."""
    lines = [f"{found['campaign']} ({found['state']}): {found['verdict']}", _reading(found)]
    rows: list[tuple[Any, ...]] = [("", "people", "bought", "share", "orders", "sales", "climbed", "fell")]
    for name, arm in found["arms"].items():
        moved = found["movement"][name]
        share = "-" if arm["conversion"] is None else f"{arm['conversion']:.1%}"
        people = (name, arm["n"], arm["buyers"], share, arm["orders"])
        rows.append((*people, _money(arm["revenue"]), moved["climbed"], moved["fell"]))
    lines += [table(rows), *_differences(found["differences"], found["goal"])]
    if (odds := found["sample_ratio_p"]) is not None and odds < 0.001:
        lines.append(f"The arms are not of the planned sizes (p = {odds:.2g}); do not trust the difference.")
    if tried := found["variants"]:
        lines.append(tried["verdict"])
        lines += [f"  {key}: {arm['n']} people, {arm['buyers']} bought" for key, arm in tried["arms"].items()]
    return "\n".join([*lines, *_money_of(found), *_given(found), *_runs(found["runs"], found["messages"])])


def proved(found: Document) -> str:
    """Quarter by quarter, newest first, and all of them together."""
    rows: list[tuple[Any, ...]] = [("quarter", "treated", "held out", "verdict")]
    for one in found["quarters"]:
        arms = one["arms"]
        rows.append((one["quarter"], arms["treated"]["n"], arms["holdout"]["n"], one["verdict_key"]))
    if len(rows) == 1:
        return "No campaign has run yet."
    cost = found["offers"]
    lines = [table(rows), f"Offers: {_money(cost['given'])} given away, {_money(cost['open'])} at stake in open codes"]
    if found["pooled"] is None:
        return "\n".join([*lines, f"No quarter can be read yet; the next is over on {found['next_reading']}."])
    for name, one in found["pooled"]["measures"].items():
        if (whole := one["total"]) and isinstance(whole["difference"], dict):
            span = f"{_money(whole['low'])} to {_money(whole['high'])}"
            lines.append(f"All quarters, {name}: {_money(whole['difference'])}, 95% interval {span}")
        elif whole:
            low, high = whole["low"], whole["high"]
            lines.append(f"All quarters, {name}: {whole['difference']:+.1f}, 95% interval {low:+.1f} to {high:+.1f}")
    return "\n".join(lines)


def _reading(found: Document) -> str:
    if not found["read_on"]:
        return "It has not run yet."
    state = "final" if found["final"] else "still open"
    return f"Read over {found['window_days']} days, until {_moment(found['read_on'])}: {state}."


def _differences(found: Document, goal: str) -> list[str]:
    names = {
        "conversion": "share that climbed" if goal == "climb" else "share that bought",
        "orders_per_customer": "orders per person",
        "revenue_per_customer": "sales per person",
        "contribution_per_customer": "contribution per person",
    }
    lines = []
    for key, name in names.items():
        one = found[key]
        if one is None or one["difference"] is None:
            continue
        written = {"conversion": _points, "orders_per_customer": "{:+.3f}".format}.get(key, _money)
        told = f"Treated less holdout, {name}: {written(one['difference'])}"
        if one["low"] is None or one["high"] is None:
            lines.append(f"{told}; too few bought for an interval")
            continue
        doubt = "" if one["conclusive"] else " (may be chance)"
        lines.append(f"{told}, 95% interval {written(one['low'])} to {written(one['high'])}{doubt}")
    return lines


def _given(found: Document) -> list[str]:
    """What each arm was given, by kind, where anything was."""
    lines = []
    for name, arm in found["arms"].items():
        kinds = [f"{kind} {_money(one)}" for kind, one in arm["given"].items() if Decimal(one["amount"])]
        if kinds:
            lines.append(f"Given away to {name}: {', '.join(kinds)}")
    return lines


def _money_of(found: Document) -> list[str]:
    offers, figures = found["offers"], found["figures"]
    budget = f" of a budget of {_money(offers['budget'])}" if offers["budget"] else ""
    profit = figures["incremental_profit"]
    lines = [
        f"Offers: {offers['issued']} issued, {offers['redeemed']} redeemed, {offers['released']} released, "
        f"{offers['failed']} failed; given away {_money(offers['discount'])}, at stake {_money(offers['liability'])}"
        f"{budget}",
        f"Sales to those written to {_money(figures['touched_revenue'])}, "
        f"after a click {_money(figures['clicked_revenue'])}",
    ]
    if profit:
        doubt = "" if figures["incremental_profit_conclusive"] else " (may be chance)"
        span = f"{_money(profit['low'])} to {_money(profit['high'])}"
        lines.append(f"Profit it brought about: {_money(profit['estimate'])}, 95% interval {span}{doubt}")
    return lines


def _runs(runs: list[Document], messages: Document) -> list[str]:
    lines = [f"Mails: {_counts(messages)}"] if messages else []
    for run in runs:
        reason = f": {run['reason']}" if run["reason"] else ""
        lines.append(f"Run {run['run']} ({run['occasion']}), due {_moment(run['due_at'])}, {run['state']}{reason}")
    return lines


def _nexts(found: list[Document]) -> list[str]:
    sure = {True: "", False: ", date not confirmed"}
    return [f"Next: {_moment(due['at'])} ({due['occasion']}{sure[due['confirmed']]})" for due in found]


def _reached(found: Document) -> str:
    left_out = _counts(found["excluded"]) or "nobody"
    return f"audience {found['audience']}, treated {found['treated']}, held out {found['holdout']}, left out {left_out}"


def _counts(found: Document) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items())


def _points(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:+.1f} points"


def _money(value: Document | None) -> str:
    return "-" if value is None else f"{value['amount']} {value['currency']}"


def _moment(iso: str) -> str:
    return iso[:16].replace("T", " ") + " UTC"


def _stands(one: dict[str, Any]) -> str:
    return f"{one['rung']}, code in {one['store']}" if one["store"] else str(one["rung"])
