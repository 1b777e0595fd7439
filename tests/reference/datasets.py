#!/usr/bin/env python3
"""Counts and a few values of the example tables, by Python's csv module alone.

The numbers stored in tests/unit/data/test_examples.c came from here:

    python3 tests/reference/datasets.py examples
"""
import csv
import datetime
import pathlib
import statistics
import sys

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "examples")


def table(name):
    with open(folder / name, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def fertility():
    header, rows = table("fertility.csv")
    values = {row[0]: [(float(header[i]), float(row[i])) for i in range(4, len(header)) if row[i]]
              for row in rows}
    skipped = [key for key in values if not values[key]]
    sizes = [len(v) for v in values.values() if v]
    print("fertility", len(rows), "rows", len(values) - len(skipped), "datasets", skipped)
    print("  sizes", min(sizes), max(sizes), sum(sizes), "of", len(header) - 4)
    for key in ("Aruba", "Congo, Dem. Rep.", "Zimbabwe"):
        y = [v for _, v in values[key]]
        print(" ", key, list(values).index(key), len(y), values[key][0], values[key][-1],
              repr(statistics.fmean(y)), repr(statistics.pstdev(y)))


def co2():
    _, rows = table("co2.csv")
    epoch = datetime.date(1970, 1, 1)
    days = [(datetime.datetime.strptime(d, "%Y%m%d").date() - epoch).days for d, _ in rows]
    kept = [(day, float(y)) for day, (_, y) in zip(days, rows) if y]
    print("co2", len(rows), len(kept), kept[0], kept[6], kept[-1], sum(y for _, y in kept))


def elnino():
    header, rows = table("elnino.csv")
    print("elnino", len(rows), len(header) - 1, rows[0][0], rows[-1][0], rows[-1][1], rows[-1][-1])


def long(name):
    _, rows = table(name)
    print(name, len(rows), rows[0], rows[-1], sum(float(x) for x, _ in rows),
          sum(float(y) for _, y in rows))


fertility()
co2()
elnino()
long("nile.csv")
long("sunspots.csv")
