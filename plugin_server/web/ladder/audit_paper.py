"""The audit on paper: the page's figures, words and definitions as a PDF."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from plugin_server.web.ladder import charts
from plugin_server.web.ladder.paper import GREEN, Paper, of_rung
from plugin_server.web.words import Words

COHORTS: Final = 18
MONTHS: Final = 13
BUCKETS: Final = ("1", "2", "3-4", "5-9", "10+")
COUNTED: Final = (
    ("customers", "customers"), ("orders", "orders"), ("revenue", "revenue"), ("average", "average"),
    ("existing_share", "existing"), ("top_decile", "top"),
)  # fmt: skip
"""Figures on top, and the sentences that say how they are counted; of the others the sentence stands beside them."""
Figures = Mapping[str, Any]


def printed(found: Figures, t: Words, *, shop: str, rungs: Mapping[str, str], made_at: datetime) -> bytes:
    """A PDF of the audit ``found`` (as ``db.audit.audit`` gives it) in the language of ``t``.

    ``rungs`` are the shop's names of its rungs by key.
    """
    title = f"{t('figures.title')} · {shop}"
    with Paper(title=title, language=t.language, foot=f"{title} · {t.time(made_at)}") as paper:
        _head(paper, found, t, shop, made_at)
        if found["customers"]:
            _rungs(paper, found, t, rungs)
            _next(paper, found, t)
            _last_month(paper, found, t)
            _best(paper, found, t)
            _months(paper, found, t)
            _kept(paper, found, t)
            _cohorts(paper, found, t)
            _worth(paper, found, t)
            _levers(paper, found, t)
            _how(paper, t)
        else:
            paper.sentence(t("figures.nothing"), size=10)
        return paper.printed()


def _share(t: Words, value: float | None, digits: int = 0) -> str:
    return "–" if value is None else t.percent(value, digits=digits)


def _cash(t: Words, value: Mapping[str, str] | None) -> str:
    return t.about(value) if value else "–"


def _days(t: Words, value: float | None) -> str:
    return "–" if value is None else t.number(round(value))


def _head(paper: Paper, found: Figures, t: Words, shop: str, made_at: datetime) -> None:
    paper.pen(9)
    paper.set_text_color(GREEN)
    paper.cell(0, 5, shop, new_x="LMARGIN", new_y="NEXT")
    paper.heading(t("figures.title"), size=22)
    days = found["covers"]["best_customers"]
    first, last = (t.date(date.fromisoformat(days[end])) if days[end] else "" for end in ("from", "to"))
    if first and last:
        paper.sentence(t("audit.span", first=first, last=last))
    paper.sentence(t("figures.made", ago=t.time(made_at)))
    if not found["customers"]:
        return
    paper.ln(2)
    paper.figures(
        [
            (t("figures.customers"), t.number(found["customers"])),
            (t("figures.orders"), t.number(found["orders"])),
            (t("figures.revenue"), _cash(t, found["revenue"])),
            (t("figures.average"), _cash(t, found["average_order"])),
            (t("figures.existing_share"), _share(t, found["existing_share"])),
            (t("figures.repeat_rate"), _share(t, found["repeat_rate"])),
            (t("figures.cross_sell"), _share(t, found["cross_sell"]["rate"])),
            (t("figures.top_decile"), _share(t, found["top_decile_revenue_share"])),
        ]
    )
    if found["guests"]["orders"]:
        paper.sentence(t("figures.guests", n=found["guests"]["orders"], money=t.amount(found["guests"]["revenue"])))
    for other in found["other_currencies"]:
        paper.sentence(t("figures.other_currency", n=other["orders"], money=t.amount(other["revenue"])))


def _next(paper: Paper, found: Figures, t: Words) -> None:
    paper.heading(t("figures.next"))
    for number, one in enumerate(found["next_actions"], start=1):
        paper.pen(10, bold=True)
        words = f"{number}. {t('figures.action_' + one['action'], n=one['people'])}"
        paper.multi_cell(0, 5, words, new_x="LMARGIN", new_y="NEXT")
        rests = t(
            "figures.action_why",
            worth=t.about(one["worth"]),
            share=t.percent(one["answering"]),
            average=t.about(one["average_order"]),
            rate=t.percent(one["margin_rate"]),
        )
        paper.sentence(f"{t('figures.action_reachable', reachable=one['reachable'])} {rests}")
    if not found["next_actions"]:
        paper.sentence(t("figures.no_action"))
    if found["margin"]["assumed"]:
        paper.sentence(t("what_if.rate_assumed", rate=t.percent(found["margin"]["rate"])))


def _last_month(paper: Paper, found: Figures, t: Words) -> None:
    last = found["last_month"]
    paper.heading(t("figures.last_month"), needs=45)
    if not last:
        paper.sentence(t("figures.one_month"))
        return
    flagged = f" {t('figures.flagged_why')}" if last["flagged_incomplete"] else ""
    paper.sentence(t("figures.last_month_of", month=t.month(last["month"]), before=t.month(last["before"])) + flagged)
    buyers = last["buyers"]
    rows = [(t("figures.buyers"), t.number(buyers["now"]), t.number(buyers["change"], sign=True))]
    for name, words in (("new_revenue", "new"), ("existing_revenue", "existing")):
        change = last[name]["change"]
        sign = "" if change["amount"].startswith("-") else "+"
        rows.append((t(f"figures.{words}"), t.about(last[name]["now"]), sign + t.about(change)))
    for name, words in (("existing_share", "share"), ("retention", "retention")):
        moved = last[name]["change"]
        told = "–" if moved is None else t("figures.points", n=t.points(moved))
        rows.append((t(f"figures.{words}"), _share(t, last[name]["now"]), told))
    paper.rows(rows, widths=(5, 2, 2))


def _best(paper: Paper, found: Figures, t: Words) -> None:
    best = found["best_customers"]
    paper.heading(t("figures.best"))
    money = t.about(best["revenue"])
    paper.sentence(t("figures.best_lead", n=best["customers"], money=money, days=best["days"]))
    names = ("mailed", "offered", "redeemed", "nothing")
    paper.figures([(t(f"figures.best_{name}"), t.number(best[name])) for name in names])
    state = {name: best[name] for name in ("reachable", "cooling", "lapsed")}
    paper.sentence(t("figures.best_state", **state))


def _months(paper: Paper, found: Figures, t: Words) -> None:
    months = found["months"]
    paper.heading(t("figures.months"), needs=70)
    paper.legend(t("figures.existing"), t("figures.new"))
    drawn = [tuple(float(Decimal(m[name]["amount"])) for name in ("existing_revenue", "new_revenue")) for m in months]
    ends = (t.month(months[0]["month"]), t.month(months[-1]["month"]))
    faint = [place for place, m in enumerate(months) if m["flagged_incomplete"]]
    paper.stacked([(one, two) for one, two in drawn], ends=ends, faint=faint)
    if peak := charts.peak(months):
        paper.sentence(t("audit.peak", month=t.month(peak["month"]), money=t.about(peak["money"])), size=8)
    paper.rows(
        [
            (
                t.month(m["month"]) + (" *" if m["flagged_incomplete"] else "") + (" †" if m["partial"] else ""),
                t.number(m["buyers"]),
                t.about(m["new_revenue"]),
                t.about(m["existing_revenue"]),
                _share(t, m["existing_share"]),
                _share(t, m["retention"]),
            )
            for m in months[-MONTHS:]
        ],
        widths=(5, 4, 6, 6, 6, 9),
        head=[t(f"figures.{name}") for name in ("month", "buyers", "new", "existing", "share", "retention")],
    )
    if faint:
        paper.ln(1)
        starred = "* " if faint[-1] >= len(months) - MONTHS else ""
        paper.sentence(f"{starred}{t('figures.flagged_why')} {t('audit.faint')}")
    if any(m["partial"] for m in months[-MONTHS:]):
        paper.ln(1)
        paper.sentence(f"† {t('figures.partial_why')}")


def _kept(paper: Paper, found: Figures, t: Words) -> None:
    window, last = found["window_retention"], found["last_month"]
    paper.heading(t("figures.kept"), needs=60)
    kept = [
        (t("figures.window", days=window["days"]), window["value"], t("figures.window_why", days=window["days"])),
        (t("figures.retention"), last and last["retention"]["now"], t("figures.retention_why")),
        (t("figures.repeat_rate"), found["repeat_rate"], t("figures.repeat_why")),
        (t("figures.cross_sell"), found["cross_sell"]["rate"], t("figures.cross_why")),
    ]
    for name, value, why in kept:
        paper.rows([(name, _share(t, value, 1))], widths=(4, 1))
        paper.sentence(why, size=8)
    paper.heading(t("figures.gaps"), needs=55)
    gaps = [(t(f"figures.gap_{name}"), _days(t, found["gap_days"][name])) for name in ("median", "p80", "p90", "p95")]
    second = (t("figures.second"), _days(t, found["first_to_second_median_days"]))
    paper.rows([*gaps, second, (t("figures.lost"), t.number(found["lost"]["customers"]))], widths=(4, 1))
    paper.sentence(t("figures.lost_why", money=t.about(found["lost"]["last_year_revenue"])), size=8)
    paper.heading(t("figures.per_customer"), needs=45)
    people = found["orders_per_customer"]
    shares = {bucket: people[bucket] / found["customers"] for bucket in BUCKETS}
    paper.rows(
        [(t("figures.bucket", n=b), t.number(people[b]), _share(t, shares[b]), str(shares[b])) for b in BUCKETS],
        widths=(3, 2, 2, 5),
        bars=(GREEN,) * len(BUCKETS),
    )


def _cohorts(paper: Paper, found: Figures, t: Words) -> None:
    cohorts = found["cohorts"][-COHORTS:]
    paper.heading(t("figures.cohorts"), needs=60)
    paper.sentence(t("figures.cohorts_why"))
    across = min(max((len(one["active"]) for one in cohorts), default=0), 12)
    head = [t("figures.month"), t("figures.size"), *map(str, range(1, across + 1))]
    paper.heat(
        head,
        [
            (t.month(one["month"]), t.number(one["size"]), [n / one["size"] for n in one["active"][:across]])
            for one in cohorts
        ],
    )


def _worth(paper: Paper, found: Figures, t: Words) -> None:
    acquired = found["acquisition"]
    ltv, payback, ratio = acquired["ltv"], acquired["payback_month"], acquired["ltv_to_cac"]
    within = t("figures.ltv_none") if ltv["months"] is None else t("figures.ltv", n=ltv["months"])
    paper.heading(t("figures.worth"), needs=45)
    paper.figures(
        [
            (t("figures.cac"), _cash(t, acquired["cac"])),
            (within, _cash(t, ltv["contribution"])),
            (t("figures.ratio"), "–" if ratio is None else t.number(Decimal(str(round(ratio, 1))))),
            (t("figures.payback"), "–" if payback is None else t("figures.payback_month", n=payback)),
        ]
    )
    none = "" if acquired["cac"] else t("figures.cac_none")
    expected = ltv["forecast"]["payback_month"]
    later = t("figures.payback_never") if expected is None else t("figures.payback_ahead", n=expected)
    never = later if acquired["cac"] and payback is None else ""
    paper.sentence(" ".join(filter(None, (t("figures.worth_why"), none, never))))
    _curve(paper, acquired, t)


def _curve(paper: Paper, acquired: Figures, t: Words) -> None:
    """What a customer brought month by month, and the forecast dashed behind it."""
    seen, ahead = (
        [float(Decimal(one["amount"])) for one in of["curve"]] for of in (acquired["ltv"], acquired["ltv"]["forecast"])
    )
    if len(seen) < 2:
        return
    cac = acquired["cac"] and float(Decimal(acquired["cac"]["amount"]))
    paper.room_for(50)
    paper.legend(t("figures.curve"), t("figures.cac") if cac else "")
    money = [*acquired["ltv"]["curve"], *acquired["ltv"]["forecast"]["curve"]]
    ends = [
        t("audit.at", when=t("figures.month_n", n=place), money=t.about(money[place])) for place in (0, len(money) - 1)
    ]
    paper.curve(seen, ahead, mark=cac, ends=(ends[0], ends[1]))
    paper.sentence(f"- - - {t('figures.curve_ahead')}" if ahead else t("figures.curve_shut"), size=8)


def _levers(paper: Paper, found: Figures, t: Words) -> None:
    levers = found["levers"]
    paper.heading(t("figures.levers"), needs=60)
    if not levers:
        paper.sentence(t("figures.levers_none"))
        return
    lead = t("figures.levers_lead", profit=t.about(levers["profit"]), more=t.about(levers["each_up_a_tenth"]))
    paper.sentence(lead, size=9.5)
    paper.rows(
        [
            (
                t(f"figures.lever_{one['lever']}"),
                _lever(t, one["lever"], one["now"]),
                _lever(t, one["lever"], one["before"]),
                _cash(t, one["effect"]),
                f"+{t.about(one['up_a_tenth'])}",
            )
            for one in levers["levers"]
        ]
        + [(t("figures.all_levers"), "", "", "", f"+{t.about(levers['each_up_a_tenth'])}")],
        widths=(4, 3, 3, 3, 3),
        head=[t(f"figures.{name}") for name in ("lever", "now", "year_before", "effect", "up_a_tenth")],
    )
    if levers["profit_before"] is None:
        paper.ln(1)
        paper.sentence(t("figures.levers_short"))


def _how(paper: Paper, t: Words) -> None:
    """How the large figures on top are counted, as the page unfolds it."""
    paper.heading(t("audit.how"), needs=60)
    for name, why in COUNTED:
        paper.pen(8.5, bold=True)
        paper.multi_cell(0, 4.5, t(f"figures.{name}"), new_x="LMARGIN", new_y="NEXT")
        paper.sentence(t(f"audit.{why}_why"), size=8)


def _lever(t: Words, name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "average":
        return t.about(value)
    share = name in ("conversion", "margin")
    return t.percent(value, digits=1) if share else t.number(Decimal(str(round(value, 2))))


def _rungs(paper: Paper, found: Figures, t: Words, rungs: Mapping[str, str]) -> None:
    paper.heading(t("figures.rungs"), needs=60)
    most = max((rung["share"] or 0 for rung in found["rungs"]), default=0) or 1
    paper.rows(
        [
            (
                rungs.get(rung["key"], rung["key"]),
                t.number(rung["count"]),
                _share(t, rung["share"]),
                str((rung["share"] or 0) / most),
            )
            for rung in reversed(found["rungs"])
        ],
        widths=(3, 2, 2, 5),
        bars=[of_rung(place, len(found["rungs"])) for place in reversed(range(len(found["rungs"])))],
    )
    moved = {name: found["moved"][name] for name in ("days", "climbed", "fell", "arrived")}
    paper.ln(1)
    paper.sentence(t("figures.moved", **moved))
