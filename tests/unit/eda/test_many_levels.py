"""eda with very many levels or very large numbers: bounded in time and memory."""

import tracemalloc
from time import process_time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from creditrisk.eda import associate, describe, figures
from creditrisk.eda.adjust import EdaParams, learn
from creditrisk.schema import parse_schema

TARGET = {"column": "y", "good": ["0"], "bad": ["1"]}


def test_a_chart_of_a_thousand_levels_takes_less_than_two_seconds():
    rows = pd.DataFrame({"bad": [0, 1] * 1000, "x": [f"l{i % 1000}" for i in range(2000)]})
    levels = [f"l{i}" for i in range(1000)]
    column = {"name": "x", "kind": "ordinal", "levels": levels}
    schema = parse_schema({"name": "s", "target": TARGET, "columns": {"x": column}}, "s.yaml")
    start = process_time()
    chart = figures.bad_rates(describe.levels(rows, schema), 0.5)
    assert process_time() - start < 2
    assert len(chart.layout.annotations) == 1001
    assert chart.layout.annotations[0].text == "2"


def test_the_association_of_two_columns_of_free_text_needs_little_memory():
    columns = {name: {"name": name, "kind": "nominal"} for name in "ab"}
    schema = parse_schema({"name": "s", "target": TARGET, "columns": columns}, "s.yaml")
    texts = pd.Series([f"text {i // 2}" for i in range(8000)])
    train = pd.DataFrame({"a": texts, "b": texts})
    tracemalloc.start()
    found = associate.cramers(train, schema)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["v"].tolist() == pytest.approx([1.0])
    assert peak < 20e6  # 4,000 by 4,000 pairs of levels would be 128 MB


def test_cramers_v_is_that_of_scipys_chi_square():
    counts = np.array([[7, 0, 3, 9], [0, 12, 0, 1], [5, 5, 0, 0]])
    n, (r, k) = counts.sum(), counts.shape
    chi2 = chi2_contingency(counts, correction=False).statistic
    phi2 = chi2 / n - (r - 1) * (k - 1) / (n - 1)
    largest = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    assert np.isclose(associate.cramers_v(counts), np.sqrt(phi2 / largest), rtol=1e-12)


def test_infinite_fences_cap_nothing():
    column = {"name": "x", "kind": "numeric", "integer": "true"}
    schema = parse_schema({"name": "s", "target": TARGET, "columns": {"x": column}}, "s.yaml")
    train = pd.DataFrame({"x": [-1e308, -5.0, 0.0, 5.0, 1e308] * 4, "bad": [0, 1] * 10})
    assert learn(train, schema, EdaParams(cap_iqr_factor=1e308)) == {"caps": {}, "merges": {}}
