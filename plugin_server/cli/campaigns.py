"""`tangga campaigns` and `tangga messages`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import yaml

from campaigns.mail.liquid import TemplateError
from campaigns.recipes import YOURS
from campaigns.recipes import recipes as all_recipes
from campaigns.schema import BadCampaign, dump, parse, read_yaml
from plugin_server.cli import campaign_texts as texts
from plugin_server.cli.context import (
    BadInput,
    home_option,
    json_option,
    merchant_id_of,
    merchant_option,
    merchant_options,
    opened,
    show,
)
from plugin_server.cli.ladder import EARLIEST, LATEST
from plugin_server.db.campaigning import audience, ending
from plugin_server.db.campaigning import campaigns as store
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.proof import pooled as db_proof
from plugin_server.db.proof import results as db_results
from plugin_server.db.sending import messages as ledger
from plugin_server.db.series import moves as series_moves
from plugin_server.db.series import told as series_told
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.campaigning.backtest import back_test
from plugin_server.jobs.campaigning.preview import check
from plugin_server.jobs.campaigning.preview import preview as preview_of
from plugin_server.jobs.campaigning.recipe_goods import filled
from plugin_server.jobs.outside import outside
from plugin_server.jobs.sending import pictures
from plugin_server.jobs.sending.lint import look_through
from plugin_server.jobs.series import walk as series
from plugin_server.wiring import Services

ACTOR = "command line"


@contextmanager
def _merchant(home: Path | None, given: str | None) -> Iterator[tuple[Services, int]]:
    with opened(home) as services:
        try:
            yield services, merchant_id_of(services, given)
        except (Refused, BadCampaign) as error:
            raise BadInput(str(error)) from error
        except TemplateError as error:
            raise BadInput(f"message: {error}") from error


@click.group()
def campaigns() -> None:
    """Campaigns: add, preview, run, and read what they brought about."""


@campaigns.command()
@click.argument("key", required=False)
@click.option("--home", type=click.Path(path_type=Path), expose_value=False, help="Taken, and not needed here.")
@json_option
def recipes(key: str | None, as_json: bool) -> None:
    """Ready campaigns, equal in every home; with KEY, one of them as a file for `campaigns add`."""
    found = {recipe.key: recipe for recipe in all_recipes()}
    if key is not None and key not in found:
        raise BadInput(f"There is no recipe {key!r}. There are: {', '.join(found)}.")
    if key is not None:
        text = yaml.safe_dump(found[key].document, allow_unicode=True, sort_keys=False)
        show(found[key].document, as_json, lambda: text)
        return
    document = [
        {"key": item.key, "name": item.name, "why": item.why, "campaign": item.document} for item in found.values()
    ]
    show(document, as_json, lambda: "\n".join(f"{item.key}: {item.name}. {item.why}" for item in found.values()))


CHOSEN: Final = {
    "best": "what you sell most of", "again": "what is ordered again most", "along": "what goes along with other goods",
    "members": "what you sell most of", "new": "the newest that is out of the catalogue",
}  # fmt: skip


@campaigns.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@merchant_options
def add(file: Path, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Check and save the campaign in FILE (YAML). Adding a changed one makes a new version."""
    try:
        campaign = read_yaml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: the file is not UTF-8 (byte {error.start}).") from error
    except BadCampaign as error:
        raise BadInput("\n".join(f"{file}: {problem}" for problem in error.problems)) from error
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        document, chosen = filled(conn, dump(campaign), services.now())
        campaign = parse(document) if chosen else campaign
        warnings = check(conn, campaign, public_url=services.settings.public_url, now=services.now())
        if chosen:
            goods = ", ".join(f"{title} ({ref})" for title, ref in zip(chosen.titles, chosen.refs, strict=True))
            warnings.insert(0, f"In the place of {YOURS} stands {goods}, {CHOSEN[chosen.why]}. Change it in the file.")
        version = store.save(conn, merchant_id=number, campaign=campaign, by=ACTOR)
        saved = store.need(conn, campaign.key)
    document = {"key": campaign.key, "version": version, "state": saved.state, "warnings": warnings}
    show(document, as_json, lambda: "\n".join([f"{campaign.key}, version {version} ({saved.state})", *warnings]))


@campaigns.command("list")
@merchant_options
def list_(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """All campaigns."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        found = [_head(saved) for saved in store.all_saved(conn)]
    show(
        found,
        as_json,
        lambda: (
            "\n".join(f"{item['key']}: {item['state']}, version {item['version']}" for item in found)
            or "There is no campaign yet. `tangga campaigns recipes` shows what to begin with."
        ),
    )


def _head(saved: Saved) -> dict[str, Any]:
    return {
        "key": saved.campaign.key,
        "name": saved.campaign.title,
        "state": saved.state,
        "version": saved.version,
        "trigger": saved.campaign.trigger.kind,
        "steps": len(saved.campaign.steps),
    }


@campaigns.command("show")
@click.argument("key")
@merchant_options
def show_(key: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """One campaign, its runs, and when it fires next."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        saved = store.need(conn, key)
        now = services.now()
        document = _head(saved) | {
            "campaign": dump(saved.campaign),
            "runs": [runs.report(conn, item.id) for item in store.runs_of(conn, saved.id)],
            "series": series_told.figures(conn, saved) if saved.campaign.steps else None,
            "next": [
                {"occasion": due.occasion, "at": due.at.isoformat(), "confirmed": due.confirmed}
                for due in runs.firings(conn, saved.campaign, now)
                if due.at > now
            ][:5],
        }
    show(document, as_json, lambda: texts.shown(document))


@campaigns.command()
@click.argument("key")
@click.option("--now", "at", help="Look from this moment (ISO 8601).")
@merchant_options
def preview(key: str, at: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Who would get it now, who not and why, what it would cost, and how the mail reads."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        now = _moment(at) or services.now()
        document = preview_of(
            conn, merchant_id=number, saved=store.need(conn, key), public_url=services.settings.public_url, now=now
        )
    show(document, as_json, lambda: texts.previewed(document))


@campaigns.command()
@click.argument("key")
@click.option("--now", "at", help="Look back from this moment (ISO 8601).")
@merchant_options
def backtest(key: str, at: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Whom it would have met in the last twelve months, when, and what its offer would have cost."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        now = _moment(at) or services.now()
        document = back_test(conn, merchant_id=number, saved=store.need(conn, key), now=now)
    show(document, as_json, lambda: texts.backtested(document))


@campaigns.command("lint")
@click.argument("key")
@merchant_options
def lint_(key: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Look the mails of a campaign through: what keeps them from being sent, and what had better be mended."""
    with _merchant(home, merchant) as (services, number):
        weights = pictures.look(services, number, key)
        with tenant(services.engine, number) as conn:
            saved, now = store.need(conn, key), services.now()
            met = audience.counted(conn, merchant_id=number, campaign=saved.campaign, campaign_id=saved.id, now=now)
            found = look_through(
                conn, services.settings, saved.campaign, now, version=saved.version, weights=weights,
                readers=met["treated"],
            )  # fmt: skip
    told = [
        {"blocking": one.blocking, "key": one.reason.key, "language": one.language, "sentence": str(one.reason)}
        for one in found
    ]
    document = {
        "campaign": key,
        "blocking": [one for one in told if one["blocking"]],
        "warnings": [one for one in told if not one["blocking"]],
    }
    show(document, as_json, lambda: "\n".join(_finding(one) for one in told) or f"{key}: nothing to mend.")


def _finding(one: dict[str, Any]) -> str:
    language = f" [{one['language']}]" if one["language"] else ""
    return f"{'MUST' if one['blocking'] else 'should'}{language}: {one['sentence']}"


def _state_command(name: str, to: str, sentence: str) -> Callable[..., None]:
    @campaigns.command(name, help=sentence)
    @click.argument("key")
    @merchant_option
    @home_option
    @json_option
    def command(key: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
        with _merchant(home, merchant) as (services, number):
            saved = runs.set_state(services, number, key, to)
        document = {"key": key, "state": saved.state, "version": saved.version}
        show(document, as_json, lambda: f"{key} is {saved.state}.")

    return command


@campaigns.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="Move them; without it, only say who would go where.")
@merchant_options
def move(key: str, yes: bool, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Move those inside a series to its newest version, where that still has the step they stand at."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        saved = store.need(conn, key, lock=True)
        found = [one.as_json() for one in series_moves.outlook(conn, saved)]
        moved = series_moves.move(conn, number, saved, ACTOR) if yes else 0
    document = {"campaign": key, "version": saved.version, "inside": found, "moved": moved}
    show(document, as_json, lambda: texts.moving(document))


activate = _state_command("activate", "active", "Let a campaign fire by itself from now on, and paused runs go on.")
pause = _state_command("pause", "paused", "Stop a campaign and its runs; nothing more is sent until it is activated.")


@campaigns.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="End it; without it, only say what would end with it.")
@merchant_options
def end(key: str, yes: bool, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """End a campaign for good: its runs stop, and whoever is in its series leaves. Codes and results stay."""
    with _merchant(home, merchant) as (services, number):
        with tenant(services.engine, number) as conn:
            of = store.need(conn, key).id
            told, codes = ending.foreseen(conn, of), ending.good_codes(conn, of, services.now())
        if yes:
            runs.set_state(services, number, key, "ended")
    document = {"key": key, "ended": yes, "mails": told.mails, "inside": told.inside, "codes": codes}
    show(document, as_json, lambda: texts.ending(document))


@campaigns.command()
@click.argument("key")
@click.option("--now", "at", help="Run as if it were this moment (ISO 8601).")
@merchant_options
def run(key: str, at: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Run a campaign here and now, all steps, and say what became of it. Safe beside running workers."""
    moment = _moment(at)
    with _merchant(home, merchant) as (found, number):
        services = replace(found, now=lambda: moment) if moment else found
        with tenant(services.engine, number) as conn:
            run_id = runs.open_now(conn, number, key, ACTOR, services.now(), services.settings)
        runs.advance(services, outside(services, number), number, run_id)
        series.walk(services, outside(services, number), number)
        with tenant(services.engine, number) as conn:
            document = runs.report(conn, run_id)
            saved = store.need(conn, key)
            if saved.campaign.steps:
                document |= {"series": series_told.figures(conn, saved)}
    if document["state"] in ("failed", "paused"):
        click.echo(f"tangga: run {run_id} is {document['state']}: {document['reason']}", err=True)
    show(document, as_json, lambda: texts.ran(document))


@campaigns.command()
@click.argument("key")
@click.option("--now", "at", help="Read as of this moment (ISO 8601).")
@merchant_options
def results(key: str, at: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """What a campaign brought about: arms, differences with intervals, offers, movement, profit."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        document = db_results.of_campaign(conn, store.need(conn, key), _moment(at) or services.now())
    show(document, as_json, lambda: texts.results(document))


@campaigns.command()
@click.option("--now", "at", help="Read as of this moment (ISO 8601).")
@merchant_options
def proof(at: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """What all campaigns together brought about: against the lasting holdout, by quarter and pooled."""
    with _merchant(home, merchant) as (services, number), tenant(services.engine, number) as conn:
        document = db_proof.of_merchant(conn, _moment(at) or services.now())
    show(document, as_json, lambda: texts.proved(document))


def _moment(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise BadInput(f"--now: {given!r} is not a moment; write it as 2027-02-24T09:00:00+07:00.") from error
    if not EARLIEST.year <= moment.year <= LATEST.year:
        raise BadInput(f"--now: {given} lies outside {EARLIEST.year} to {LATEST.year}.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.option("--run", "run_id", type=int, required=True, help="The run's number.")
@merchant_option
@home_option
@click.option("--json", is_flag=True, expose_value=False, help="JSON lines, which is the only form.")
def messages(run_id: int, merchant: str | None, home: Path | None) -> None:
    """Every message of a run with its state and reason, one JSON object on each line."""
    with opened(home) as services:
        numbers = [merchant_id_of(services, merchant)] if merchant else merchant_ids(services.engine)
        for number in numbers:
            with tenant(services.engine, number) as conn:
                try:
                    store.run(conn, run_id)
                except Refused:
                    continue
                for row in ledger.messages(conn, run_id):
                    click.echo(json.dumps(row, ensure_ascii=False))
                return
    raise BadInput(f"There is no run {run_id}. `tangga campaigns show KEY` names those of a campaign.")
