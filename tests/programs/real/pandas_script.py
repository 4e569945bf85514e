"""Readings of sensors, made, cleaned, joined and grouped with numpy and pandas."""
import io
import sys

import numpy as np
import pandas as pd


def readings(count):
    numbers = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "sensor": numbers.integers(0, 20, count),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(count), unit="min"),
            "value": numbers.normal(20, 5, count).round(3),
        }
    )
    table.loc[table.index % 50 == 0, "value"] = np.nan
    return table


def clean(row):
    return "cold" if row < 15 else "hot" if row > 25 else "fair"


def smooth(values):
    return np.convolve(values, np.ones(5) / 5, mode="same")


def main(count):
    table = readings(count)
    table["value"] = table.groupby("sensor")["value"].transform(lambda column: column.fillna(column.mean()))
    table["kind"] = table["value"].map(clean)
    table["smooth"] = smooth(table["value"].to_numpy())
    sensors = pd.DataFrame({"sensor": range(20), "place": ["room %d" % (number % 6) for number in range(20)]})
    joined = table.merge(sensors, on="sensor")
    print(joined.pivot_table(index="place", columns="kind", values="value", aggfunc="mean").round(3))
    print(joined.set_index("at").groupby("place")["smooth"].resample("7D").mean().round(3).tail(6))
    text = io.StringIO()
    joined.head(2000).to_csv(text, index=False)
    again = pd.read_csv(io.StringIO(text.getvalue()), parse_dates=["at"])
    print(again.dtypes.astype(str).to_dict(), len(again))
    matrix = joined[["value", "smooth"]].to_numpy()
    print(np.linalg.eigvalsh(np.cov(matrix.T)).round(3).tolist())


main(int(sys.argv[1]))
