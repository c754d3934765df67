"""The page of figures, made from the JSON that a run leaves."""

SCALE = {"µs": 1e6, "ms": 1e3, "s": 1.0}
FIGURES = {"call": "a call", "build": "the build", "disk": "the size on disk"}


def render(results: dict) -> str:
    """Return docs/reference/benchmarks.md."""
    lines = [
        "# Benchmarks: how fast it is",
        "",
        "How fast RetrieverKit is, and how fast other libraries are at the same work on the same machine.",
        "",
        "Made by `nox -s bench` from `benchmarks.json`. The contenders of a table took turns in one run,",
        "each in a process of its own. Read the ratios: the figures depend on the machine and its load.",
    ]
    for name in sorted(results):
        lines += section(results[name])
    return "\n".join(lines) + "\n"


def section(row: dict) -> list[str]:
    builds = any("build" in figures for figures in row["contenders"].values())
    compared = any("agreement" in figures for figures in row["contenders"].values())
    stored = any("disk" in figures for figures in row["contenders"].values())
    tailed = any("p99" in figures for figures in row["contenders"].values())
    unit, items = row["unit"], row.get("items")
    head = ["contender", f"median {unit}", "lowest", "highest"] + ["p99"] * tailed + ["RetrieverKit takes"]
    head += [f"{items[0]} a second"] if items else []
    head += ["build s", "memory MB"] * builds + ["disk MB"] * stored + ["agreement"] * compared
    lines = ["", f"## {row['title']}", "", table_row(head), "|---|" + "---:|" * (len(head) - 1)]
    for contender, figures in sorted(row["contenders"].items(), key=lambda item: item[1].get("median", 0)):
        if "error" in figures:
            lines.append(table_row([contender, "did not run"] + [""] * (len(head) - 2)))
            continue
        cells = [contender] + [figure(figures[key] * SCALE[unit]) for key in ("median", "low", "high")]
        if tailed:
            cells.append(figure(figures["p99"] * SCALE[unit]))
        cells.append(times(figures.get("ratio")))
        if items:
            cells.append(figure(items[1] / figures["median"]))
        if builds:
            cells += [f"{figure(figures['build'])}", f"{figures['memory']:.0f}"]
        if stored:
            cells.append(figure(figures["disk"] / 1e6))
        if compared:
            cells.append(f"{figures['agreement']:.0%}")
        lines.append(table_row(cells))
    lines.append("")
    lines += [promised(promise) for promise in row["promises"]]
    machine = row["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in sorted(machine["versions"].items()))
    measured = [row["size"]] if row["size"] else []
    measured.append(f"{row['rounds']} rounds on {machine['date']}, {machine['cpus']} processors")
    measured.append(f"{machine['system']} {machine['architecture']}, Python {machine['python']}")
    lines += ["", "; ".join([*measured, versions]) + "."]
    return lines


def promised(promise: dict) -> str:
    told = FIGURES[promise["figure"]]
    if "seconds_more" in promise:
        limit, measured = f"{promise['seconds_more'] * 1000:.1f} ms", promise["measured"]
        text = f"- {told}: at most {limit} more than the dearer of {promise['peer']}"
        value = "" if measured is None else f"{measured * 1000:.2f} ms more"
    else:
        measured = promise["ratio"]
        whose = f" of {promise['of']}" if promise.get("of") else ""
        text = f"- {told}{whose}: at most {times(promise['limit'])} that of {promise['peer']}"
        value = times(measured)
    if measured is None:
        return f"{text}; not measured."
    return f"{text}; measured {value}, {'kept' if promise['kept'] else 'missed'}."


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{figure(ratio)}×"


def figure(number: float) -> str:
    """Return a number with three digits that count and no exponent."""
    return f"{number:,.0f}" if number >= 100 else f"{number:#.3g}"


def table_row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
