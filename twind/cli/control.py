"""`twind ctl`: ask the running daemon, over its socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.output import plugin_line
from twind.clock import when
from twind.daemon import client
from twind.home import Home
from twind.plaintext import counted

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

QUICK_S = 10.0
PATIENT_S = 4 * 3600.0
TRAINED = "ppo"
"""The name, in what a training has found, of what was trained."""


def _ask(arguments: argparse.Namespace, command: str, wait_s: float = QUICK_S, **more: Any) -> Any:
    given = {key: value for key, value in more.items() if value is not None}
    return client.request(Home.find(arguments.home), {"cmd": command, **given}, wait_s)


def status(arguments: argparse.Namespace, out: Output) -> int:
    """Report how twind is."""
    data = _ask(arguments, "status")
    return out.done(data, None if out.as_json else _status_text(data))


def metrics(arguments: argparse.Namespace, out: Output) -> int:
    """Print the daemon's metrics, as Prometheus reads them."""
    data = _ask(arguments, "metrics")
    return out.done(data, data["text"].rstrip("\n"))


def _work(arguments: argparse.Namespace, out: Output, command: str, **more: Any) -> int:
    wait = not arguments.no_wait
    data = _ask(arguments, command, PATIENT_S if wait else QUICK_S, wait=wait, **more)
    if out.as_json or not wait:
        return out.done(data, "queued")
    return out.done(data, {"sync": _sync_text, "train": _train_text}[command](data))


def sync(arguments: argparse.Namespace, out: Output) -> int:
    """Read the sources now."""
    return _work(arguments, out, "sync", plugins=arguments.plugins or None)


def train(arguments: argparse.Namespace, out: Output) -> int:
    """Train the twin now."""
    return _work(arguments, out, "train", timesteps=arguments.timesteps)


def propose(arguments: argparse.Namespace, out: Output) -> int:
    """Propose now."""
    from twind.cli.proposals import day_text, parse_day

    if arguments.day is not None:
        parse_day(arguments.day)
    wait = not arguments.no_wait
    data = _ask(arguments, "propose", PATIENT_S if wait else QUICK_S, wait=wait, day=arguments.day)
    if out.as_json or not wait:
        return out.done(data, "queued")
    return out.done(data, day_text(data["proposals"], data.get("silent_because")))


def pause(arguments: argparse.Namespace, out: Output) -> int:
    """Do nothing by itself for a while."""
    data = _ask(arguments, "pause", until=arguments.until)
    until = when(data["until"]) if data["until"] else "you resume it"
    return out.done(data, f"paused until {until}")


def resume(arguments: argparse.Namespace, out: Output) -> int:
    """Go on."""
    return out.done(_ask(arguments, "resume"), "resumed")


def reload(arguments: argparse.Namespace, out: Output) -> int:
    """Read twind.toml and the plugins again."""
    return out.done(_ask(arguments, "reload"), "reloaded")


def stop(arguments: argparse.Namespace, out: Output) -> int:
    """Stop the daemon."""
    return out.done(_ask(arguments, "stop"), "stopping")


def _sync_text(data: dict[str, Any]) -> str:
    lines = []
    for name, result in data["plugins"].items():
        told = f"{result['added']} new, {result['changed']} changed, {result['removed']} gone"
        wrong = f"; {result['errors']} could not be read" if result["errors"] else ""
        failed = f"; failed: {result['error']}" if result.get("error") else ""
        lines.append(
            f"{name:<12} {counted(result['records'], 'record'):>14} ({told}{wrong}{failed})"
        )
    return "\n".join(lines) or "no plugin has anything to sync"


def _train_text(data: dict[str, Any]) -> str:
    head = f"{data['timesteps']:,} steps in {data['seconds']:.0f} s; {data['serving']} serves"
    return "\n".join(
        [head]
        + [
            f"  {entry['name']:<20} {entry['mean']:8.3f}  [{entry['low']:.3f}, {entry['high']:.3f}]"
            for entry in data["field"]
        ]
    )


def _status_text(data: dict[str, Any]) -> str:
    lines = [f"twind {data['version']}, up {_span(data['uptime_s'])}, profile {data['profile']}"]
    if data.get("paused"):
        until = data["paused"]
        lines.append("paused" if until == "forever" else f"paused until {when(until)}")
    if data.get("problem"):
        lines.append(f"problem         {data['problem']}")
    lines += _damage_text(data)
    if stopped := data.get("interrupted"):
        lines.append(f"interrupted     {_interrupted_text(**stopped)}")
    lines += ["", "plugins"]
    lines += [f"  {plugin_line(plugin)}" for plugin in data["plugins"]]
    known = [one for one in data["patterns"]["dimensions"] if one["confidence"] > 0.05]
    lines += [
        "",
        (
            f"patterns        {counted(data['patterns']['count'], 'aspect')}, "
            f"{len(known)} of 15 dimensions with evidence"
        ),
    ]
    lines += _model_text(data["model"], data["last_training"])
    queue, proposals = data["queue"], data["proposals"]
    lines.append(
        f"queue           {queue['queued']} queued, {queue['running']} running, "
        f"{queue['failed']} failed" + (f"; {data['waiting']}" if data.get("waiting") else "")
    )
    lines += [
        f"failed          {one['job']}: {one['error']} ({when(one['at'])})"
        for one in data["failures"]
    ]
    rate = proposals["acceptance_rate"]
    lines.append(
        f"proposals       {proposals['pending']} pending, {proposals['accepted']} accepted, "
        f"{proposals['rejected']} rejected" + ("" if rate is None else f" ({rate:.0%} accepted)")
    )
    lines += [f"next            {one['job']} at {when(one['at'])}" for one in data["next"]]
    return "\n".join(lines)


def _model_text(model: dict[str, Any] | None, last: dict[str, Any] | None) -> list[str]:
    """Say what serves, and why that is not what was trained last."""
    if model is not None:
        score = "" if model["score"] is None else f", scores {model['score']:.3f} free hours a day"
        beat = ", ".join(f"{one['name']} {one['score']:.3f}" for one in model["beat"])
        told = f" (beat {beat})" if beat else ""
        lines = [f"model           {model['kind']} {model['id']}{score}{told}"]
    elif last is not None:
        lines = ["model           the base policy serves"]
    else:
        lines = ["model           none trained yet: rules and the base policy serve"]
    if last is not None and last["state"] != "serving":
        lines.append(
            f"last training   {last['id']} does not serve: {_why_not(last)} (twind models)"
        )
    return lines


def _why_not(last: dict[str, Any]) -> str:
    """Say why what was trained last does not serve."""
    if last["because"]:
        return str(last["because"])
    if last["state"] == "rejected":
        return "taken out"
    if any(one["name"] == TRAINED for one in last["plans"]):
        return "days were planned better without it"
    best = max(last["field"], key=lambda one: one["mean"], default={"name": ""})
    return (
        "better, but not surely so" if best["name"] == TRAINED else "others did as well or better"
    )


def _damage_text(data: dict[str, Any]) -> list[str]:
    lines = []
    if back := data.get("recovered"):
        told = f"{back['because']}; what was found is in {back['aside']}"
        if back["backup"]:
            told = (
                f"the database was damaged, and is that of {when(back['made_at'])} again: "
                f"what came in later is lost. The damaged one is in {back['aside']}"
            )
        lines.append(f"recovered       {told}")
    if model := data.get("mended_model"):
        what = "is out of service; training makes a new one"
        if model["backup"]:
            what = f"is that of {model['backup']} again"
        lines.append(
            f"recovered       the model {model['file']} was damaged at {when(model['at'])}, and "
            f"{what}. The damaged one is in {model['aside']}"
        )
    return lines


def _interrupted_text(again: list[str], uncertain: int) -> str:
    told = "the last twind was killed, or the power went; this one went on"
    told += f" with {', '.join(dict.fromkeys(again))}" if again else ""
    messages = counted(uncertain, "message")
    doubt = f"; {messages} may or may not have reached you" if uncertain else ""
    return told + doubt


def _span(seconds: float) -> str:
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86400
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h" if days < 2 else f"{days:.1f} days"
